//! A kept-alive HTTP/1.1 connection that notices when it is closed.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long any answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// An answer as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The head, in lower case.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Answer {
    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// A connection to a server.
pub struct Kept {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Kept {
    /// Connects.
    ///
    /// # Panics
    /// When nothing listens.
    pub async fn to(url: &str) -> Self {
        let stream = TcpStream::connect(url.trim_start_matches("http://")).await;
        let stream = stream.expect("a connection");
        stream.set_nodelay(true).expect("a connection");
        Self { stream, read: Vec::new() }
    }

    /// Writes bytes as they are.
    ///
    /// # Panics
    /// When the server takes no more.
    pub async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("the connection is kept");
    }

    /// Reads the next answer. `bodiless`: it answers HEAD.
    ///
    /// # Panics
    /// When the connection ends first, or nothing comes.
    pub async fn answer(&mut self, bodiless: bool) -> Answer {
        let end = self.until("the head", |read| find(read, b"\r\n\r\n").map(|at| at + 4)).await;
        let head: Vec<u8> = self.read.drain(..end).collect();
        let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
        let status = head.get(9..12).and_then(|status| status.parse().ok()).expect("a status");
        let mut answer = Answer { status, head, body: String::new() };
        let length = answer.header("content-length").and_then(|length| length.parse().ok());
        let length: usize = length.unwrap_or(0);
        if !bodiless && length > 0 {
            self.until("the body", |read| (read.len() >= length).then_some(length)).await;
            let body: Vec<u8> = self.read.drain(..length).collect();
            answer.body = String::from_utf8_lossy(&body).into_owned();
        }
        answer
    }

    /// Sends a request and reads its answer.
    pub async fn ask(&mut self, request: &str) -> Answer {
        self.write(request.as_bytes()).await;
        self.answer(request.starts_with("HEAD ")).await
    }

    async fn until(&mut self, what: &str, there: impl Fn(&[u8]) -> Option<usize>) -> usize {
        loop {
            if let Some(end) = there(&self.read) {
                return end;
            }
            let mut part = [0; 4096];
            let read = timeout(PATIENCE, self.stream.read(&mut part)).await;
            let count = read.unwrap_or_else(|_| panic!("{what} does not come: {:?}", self.read));
            let count = count.expect("a connection");
            assert!(count > 0, "the connection ends before {what}");
            self.read.extend_from_slice(&part[..count]);
        }
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}
