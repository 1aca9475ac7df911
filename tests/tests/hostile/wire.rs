//! Connections that do what no library would: raw bytes, malformed WebSocket frames.

use std::time::Duration;

use tests::kit::installation::Place;
use tests::kit::person::Person;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

/// RFC 6455, section 5.2.
pub(crate) const CONTINUATION: u8 = 0;
pub(crate) const TEXT: u8 = 1;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;
/// The bit of the last fragment, and the reserved ones.
pub(crate) const FIN: u8 = 0x80;
pub(crate) const RSV1: u8 = 0x40;

/// How long any answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A raw connection to a gateway.
pub(crate) struct Wire {
    stream: TcpStream,
    read: Vec<u8>,
    ended: bool,
}

impl Wire {
    /// Connects to the first gateway.
    pub(crate) async fn connect(place: &Place) -> Self {
        let address = place.url(0).trim_start_matches("http://");
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).unwrap();
        Self { stream, read: Vec::new(), ended: false }
    }

    /// A WebSocket without a session.
    pub(crate) async fn socket(place: &Place) -> Self {
        Self::upgraded(place, "").await
    }

    /// A WebSocket of a user; the welcome is read.
    pub(crate) async fn socket_of(person: &Person) -> Self {
        let header = format!("authorization: Bearer {}\r\n", person.access);
        let mut wire = Self::upgraded(&person.place, &header).await;
        let (_, welcome) = wire.frame(PATIENCE).await.expect("a welcome");
        assert!(String::from_utf8_lossy(&welcome).contains("welcome"));
        wire
    }

    async fn upgraded(place: &Place, headers: &str) -> Self {
        let mut wire = Self::connect(place).await;
        let request = format!(
            "GET /v1/ws HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
        );
        wire.write(request.as_bytes()).await;
        let head = wire.head().await;
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        wire
    }

    /// Writes bytes; false when the server takes no more.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> bool {
        matches!(timeout(PATIENCE, self.stream.write_all(bytes)).await, Ok(Ok(())))
    }

    /// Writes a masked frame: `first` is its first byte, flags and opcode.
    pub(crate) async fn send(&mut self, first: u8, payload: &[u8]) -> bool {
        self.write(&masked(first, payload)).await
    }

    /// Writes a text frame.
    pub(crate) async fn text(&mut self, text: &str) -> bool {
        self.send(FIN | TEXT, text.as_bytes()).await
    }

    /// Everything up to the first blank line.
    pub(crate) async fn head(&mut self) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(end) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                let head: Vec<u8> = self.read.drain(..end + 4).collect();
                return String::from_utf8_lossy(&head).into_owned();
            }
            assert!(self.more(deadline).await, "no whole head: {:?}", self.so_far());
        }
    }

    /// The next frame that is no ping: its opcode and payload; none when none comes in time.
    pub(crate) async fn frame(&mut self, within: Duration) -> Option<(u8, Vec<u8>)> {
        let deadline = Instant::now() + within;
        loop {
            while let Some((opcode, payload)) = self.take_frame() {
                if opcode != PING {
                    return Some((opcode, payload));
                }
            }
            if !self.more(deadline).await {
                return None;
            }
        }
    }

    /// Reads until the server closes; the close code, or none when the connection just ended.
    pub(crate) async fn closed(&mut self, within: Duration) -> Option<u16> {
        let deadline = Instant::now() + within;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.frame(left).await {
                Some((CLOSE, payload)) => {
                    let code = payload.get(..2).and_then(|two| two.try_into().ok());
                    return Some(code.map_or(1005, u16::from_be_bytes));
                }
                Some(_) => {}
                None if self.ended => return None,
                None => panic!("not closed within {within:?}: {:?}", self.so_far()),
            }
        }
    }

    /// Reads until the server ends the connection; what it said.
    pub(crate) async fn end(&mut self, within: Duration) -> String {
        let deadline = Instant::now() + within;
        while self.more(deadline).await {}
        assert!(self.ended, "the connection is still open after {within:?}: {:?}", self.so_far());
        self.so_far()
    }

    /// Reads for a while; whether the server has ended the connection.
    pub(crate) async fn has_ended(&mut self, within: Duration) -> bool {
        let deadline = Instant::now() + within;
        while self.more(deadline).await {}
        self.ended
    }

    fn so_far(&self) -> String {
        let shown = &self.read[..self.read.len().min(4_000)];
        String::from_utf8_lossy(shown).into_owned()
    }

    async fn more(&mut self, deadline: Instant) -> bool {
        let mut part = [0; 8192];
        match timeout_at(deadline, self.stream.read(&mut part)).await {
            Ok(Ok(0) | Err(_)) => {
                self.ended = true;
                false
            }
            Ok(Ok(count)) => {
                self.read.extend_from_slice(&part[..count]);
                true
            }
            Err(_) => false,
        }
    }

    fn take_frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let (first, second) = (*self.read.first()?, *self.read.get(1)?);
        assert!(second & 0x80 == 0, "servers do not mask");
        let (length, start) = match second {
            126 => (u64::from(u16::from_be_bytes(self.read.get(2..4)?.try_into().ok()?)), 4),
            127 => (u64::from_be_bytes(self.read.get(2..10)?.try_into().ok()?), 10),
            short => (u64::from(short), 2),
        };
        let end = start + usize::try_from(length).unwrap();
        let payload = self.read.get(start..end)?.to_vec();
        self.read.drain(..end);
        Some((first & 0x0f, payload))
    }
}

/// A frame's head as a client must write it, for a payload of this length, with a mask of zeros.
pub(crate) fn head(first: u8, length: u64) -> Vec<u8> {
    let mut bytes = vec![first];
    match length {
        0..=125 => bytes.push(0x80 | u8::try_from(length).unwrap()),
        126..=0xffff => {
            bytes.push(0x80 | 126);
            bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        _ => {
            bytes.push(0x80 | 127);
            bytes.extend(length.to_be_bytes());
        }
    }
    bytes.extend([0; 4]);
    bytes
}

/// A whole masked frame.
pub(crate) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = head(first, u64::try_from(payload.len()).unwrap());
    bytes.extend(payload);
    bytes
}
