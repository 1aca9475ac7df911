//! A WebSocket client that costs as little as one can, so that what is measured is the server.
//!
//! It speaks just what the benchmarks need of RFC 6455: text frames, pings answered, no fragments from
//! the server. Client frames are masked with a zero key, which the protocol allows and which leaves the
//! payload as it is.

use std::io;
use std::sync::Arc;

use bytes::{Buf, BytesMut};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

/// A client's empty pong, masked with a zero key.
const PONG: [u8; 6] = [0x8a, 0x80, 0, 0, 0, 0];

/// A connection, which ends when both of its halves are dropped.
struct Connection {
    stream: TcpStream,
    /// Held while a frame goes out, so that none goes into another.
    writing: Mutex<()>,
}

/// The reading half: hands out payloads of text frames, and answers pings.
pub(crate) struct Reader {
    connection: Arc<Connection>,
    buffer: BytesMut,
    /// A ping was not answered yet.
    pinged: bool,
}

/// The writing half.
pub(crate) struct Writer {
    connection: Arc<Connection>,
}

impl Connection {
    async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        let _writing = self.writing.lock().await;
        while !bytes.is_empty() {
            match self.stream.try_write(bytes) {
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.stream.writable().await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// One frame's header, read.
struct Head {
    opcode: u8,
    header: usize,
    payload: usize,
}

fn parse_head(buffer: &[u8]) -> Option<Head> {
    let (&first, &second) = (buffer.first()?, buffer.get(1)?);
    let (header, payload) = match second & 0x7f {
        126 => (4, usize::from(u16::from_be_bytes(buffer.get(2..4)?.try_into().ok()?))),
        127 => {
            let long = u64::from_be_bytes(buffer.get(2..10)?.try_into().ok()?);
            (10, usize::try_from(long).ok()?)
        }
        short => (2, usize::from(short)),
    };
    Some(Head { opcode: first & 0x0f, header, payload })
}

/// Opens a socket at `address` with an access token, and reads the handshake's answer.
///
/// # Errors
/// Whatever the connection says, or `InvalidData` when the server does not upgrade.
pub(crate) async fn connect(address: &str, token: Option<&str>) -> io::Result<(Writer, Reader)> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let connection = Arc::new(Connection { stream, writing: Mutex::default() });
    let authorization = token.map(|t| format!("Authorization: Bearer {t}\r\n")).unwrap_or_default();
    let request = format!(
        "GET /v1/ws HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{authorization}\r\n"
    );
    connection.write_all(request.as_bytes()).await?;
    let mut reader = Reader {
        connection: Arc::clone(&connection),
        buffer: BytesMut::with_capacity(4096),
        pinged: false,
    };
    reader.read_handshake().await?;
    Ok((Writer { connection }, reader))
}

impl Reader {
    async fn read_handshake(&mut self) -> io::Result<()> {
        loop {
            if let Some(end) = self.buffer.windows(4).position(|w| w == b"\r\n\r\n") {
                if !self.buffer.starts_with(b"HTTP/1.1 101") {
                    let text = String::from_utf8_lossy(&self.buffer).into_owned();
                    return Err(io::Error::new(io::ErrorKind::InvalidData, text));
                }
                self.buffer.advance(end + 4);
                return Ok(());
            }
            self.fill().await?;
        }
    }

    async fn fill(&mut self) -> io::Result<()> {
        let stream = &self.connection.stream;
        loop {
            stream.readable().await?;
            self.buffer.reserve(16 * 1024);
            match stream.try_read_buf(&mut self.buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Answers a ping, unless a frame is just going out: then after what is read next.
    fn answer(&mut self) -> io::Result<()> {
        let Ok(_writing) = self.connection.writing.try_lock() else { return Ok(()) };
        match self.connection.stream.try_write(&PONG) {
            Ok(written) if written < PONG.len() => Err(io::ErrorKind::WriteZero.into()),
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            answered => {
                self.pinged = answered.is_err();
                Ok(())
            }
        }
    }

    /// Waits for more bytes and calls `on_text` for every complete text frame; gives the number of
    /// frames seen. A close frame ends in `ConnectionAborted`.
    ///
    /// # Errors
    /// Whatever the connection says.
    pub(crate) async fn read_some(&mut self, mut on_text: impl FnMut(&[u8])) -> io::Result<usize> {
        loop {
            let mut seen = 0;
            while let Some(head) = parse_head(&self.buffer) {
                let Some(payload) = self.buffer.get(head.header..head.header + head.payload) else {
                    break;
                };
                match head.opcode {
                    1 => on_text(payload),
                    8 => return Err(io::ErrorKind::ConnectionAborted.into()),
                    9 => self.pinged = true,
                    _ => {}
                }
                seen += 1;
                self.buffer.advance(head.header + head.payload);
            }
            if self.pinged {
                self.answer()?;
            }
            if seen > 0 {
                return Ok(seen);
            }
            self.fill().await?;
        }
    }

    /// Reads until a text frame for which `wanted` says yes, and gives a copy of it.
    ///
    /// # Errors
    /// Whatever the connection says.
    pub(crate) async fn read_until(
        &mut self,
        wanted: impl Fn(&[u8]) -> bool,
    ) -> io::Result<Vec<u8>> {
        let mut found = None;
        while found.is_none() {
            self.read_some(|payload| {
                if found.is_none() && wanted(payload) {
                    found = Some(payload.to_vec());
                }
            })
            .await?;
        }
        Ok(found.unwrap_or_default())
    }
}

/// Appends a client's text frame to `out`.
pub(crate) fn encode_text(out: &mut Vec<u8>, payload: &[u8]) {
    out.push(0x81);
    match u16::try_from(payload.len()) {
        Ok(short) if short < 126 => out.push(0x80 | u8::try_from(short).unwrap_or(0)),
        Ok(medium) => {
            out.push(0x80 | 126);
            out.extend_from_slice(&medium.to_be_bytes());
        }
        Err(_) => {
            out.push(0x80 | 127);
            out.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&[0, 0, 0, 0]);
    out.extend_from_slice(payload);
}

impl Writer {
    /// Sends already encoded frames.
    ///
    /// # Errors
    /// Whatever the connection says.
    pub(crate) async fn write_raw(&mut self, frames: &[u8]) -> io::Result<()> {
        self.connection.write_all(frames).await
    }

    /// Sends one text frame.
    ///
    /// # Errors
    /// Whatever the connection says.
    pub(crate) async fn write_text(&mut self, payload: &[u8]) -> io::Result<()> {
        let mut frame = Vec::with_capacity(payload.len() + 14);
        encode_text(&mut frame, payload);
        self.write_raw(&frame).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_ping_is_answered_and_the_connection_ends_with_both_halves() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let client = tokio::spawn(async move {
            let (writer, mut reader) = connect(&address, None).await.unwrap();
            drop(writer);
            reader.read_until(|payload| payload == b"x").await.unwrap();
        });
        let (mut server, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            server.read_buf(&mut request).await.unwrap();
        }
        server.write_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x89\x00").await.unwrap();
        let mut pong = [0; PONG.len()];
        server.read_exact(&mut pong).await.unwrap();
        assert_eq!(pong, PONG);
        server.write_all(b"\x81\x01x").await.unwrap();
        client.await.unwrap();
        assert_eq!(server.read(&mut pong).await.unwrap(), 0);
    }

    #[test]
    fn frame_lengths_are_encoded_in_their_shortest_form() {
        for (length, header) in [(0_usize, 2_usize), (125, 2), (126, 4), (65_535, 4), (65_536, 10)]
        {
            let mut out = Vec::new();
            encode_text(&mut out, &vec![b'x'; length]);
            assert_eq!(out.len(), header + 4 + length);
            let head = parse_head(&out).map(|h| (h.opcode, h.header, h.payload));
            assert_eq!(head, Some((1, header, length)));
        }
    }
}
