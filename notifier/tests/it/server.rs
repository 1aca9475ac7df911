//! A nats-server of this test's own, and the raw protocol for what no library of ours would do.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

/// How long anything may take before a test fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// A server that ends with the test.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    _store: tempfile::TempDir,
}

fn program() -> PathBuf {
    std::env::var_os("TIDINGS_NATS_SERVER").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.tools/bin/nats-server")),
        PathBuf::from,
    )
}

impl Server {
    pub(crate) async fn start() -> Self {
        let store = tempfile::tempdir().unwrap();
        let child = Command::new(program())
            .args(["-js", "-a", "127.0.0.1", "-p", "-1", "--ports_file_dir"])
            .arg(store.path())
            .arg("-sd")
            .arg(store.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("nats-server runs; `tools/provision` fetches it");
        let pid = child.id().unwrap();
        let ports = store.path().join(format!("nats-server_{pid}.ports"));
        let url = until("the server's ports", async || {
            let text = tokio::fs::read_to_string(&ports).await.ok()?;
            let ports: serde_json::Value = serde_json::from_str(&text).ok()?;
            Some(ports["nats"][0].as_str()?.to_owned())
        })
        .await;
        let address = url.trim_start_matches("nats://").to_owned();
        Self { child, address, _store: store }
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// Publishes as any client of the server could; returns when the server has taken it.
    pub(crate) async fn publish(&self, subject: &str, payload: &str) {
        let stream = TcpStream::connect(&self.address).await.unwrap();
        let (read, mut write) = stream.into_split();
        let text = format!(
            "CONNECT {{\"verbose\":false}}\r\nSUB answer 1\r\nPUB {subject} answer {}\r\n{payload}\r\n",
            payload.len()
        );
        write.write_all(text.as_bytes()).await.unwrap();
        let mut lines = BufReader::new(read).lines();
        // JetStream answers both stored messages and requests of its API.
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.starts_with("MSG answer") {
                return;
            }
        }
        panic!("the server has hung up");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Only asks; the runtime reaps it.
        drop(self.child.start_kill());
    }
}

/// Waits until a look finds something.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}: not within {DEADLINE:?}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// A mail server that takes one mail per connection; answers what it was told, and hands the mails out.
pub(crate) async fn mail_server(
    answer_to_recipient: &'static str,
) -> (String, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    let (sender, mails) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(converse(stream, answer_to_recipient, sender.clone()));
        }
    });
    (url, mails)
}

/// The server's side of RFC 5321, as much of it as a client needs that sends one mail.
async fn converse(
    stream: TcpStream,
    answer_to_recipient: &'static str,
    mails: tokio::sync::mpsc::UnboundedSender<String>,
) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 mail.example ESMTP\r\n").await.unwrap();
    let mut mail: Option<String> = None;
    while let Ok(Some(line)) = lines.next_line().await {
        let answer = match (&mut mail, line.split(' ').next().unwrap_or_default()) {
            (Some(text), ".") => {
                mails.send(std::mem::take(text)).unwrap();
                mail = None;
                "250 taken"
            }
            (Some(text), _) => {
                text.push_str(&line);
                text.push('\n');
                continue;
            }
            (None, "EHLO") => "250 mail.example",
            (None, "RCPT") => answer_to_recipient,
            (None, "DATA") => {
                mail = Some(String::new());
                "354 go on"
            }
            (None, "QUIT") => "221 bye",
            (None, _) => "250 ok",
        };
        if write.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
            return;
        }
    }
}
