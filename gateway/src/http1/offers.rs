//! A connection whose requests offer to leave HTTP for nothing but a socket.
//!
//! A client may offer to go on in another protocol (`Connection: Upgrade`, `Upgrade: h2c`; Java's own client does so
//! by default), and a server that does not want to just answers (RFC 9110, section 7.8). The framework instead says
//! `connection: upgrade` in its answer and closes, and nothing in an answer changes its mind. So the offer is taken
//! out of the head before the framework reads it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::framing::Body;
use super::head::{self, Read};

/// The longest head that is waited for; the framework refuses what is longer.
const MAX_HEAD: usize = 128 * 1024;

/// A connection that is read through a filter.
pub(crate) struct Offers<T> {
    io: T,
    /// What is being read: a head when it is [`Body::None`].
    body: Body,
    /// The beginning of a head.
    held: BytesMut,
    /// Ready to be read, in this order, before anything else.
    ready: BytesMut,
    ended: bool,
}

impl<T> Offers<T> {
    pub(crate) fn of(io: T) -> Self {
        let (held, ready) = (BytesMut::new(), BytesMut::new());
        Self { io, body: Body::None, held, ready, ended: false }
    }

    /// A connection over which something else is spoken: nothing is looked at.
    pub(crate) fn unread(io: T) -> Self {
        Self { body: Body::Unframed, ..Self::of(io) }
    }

    /// The connection, and what was read of it and not given on.
    pub(crate) fn into_parts(self) -> (T, Bytes) {
        let mut rest = self.ready;
        rest.extend_from_slice(&self.held);
        (self.io, rest.freeze())
    }

    /// Whether these bytes, whole heads without offers and bodies, may be given on as they are.
    fn passes(&mut self, bytes: &[u8]) -> bool {
        if !self.held.is_empty() {
            return false;
        }
        let (mut place, before) = (0, self.body.clone());
        while let Some(rest) = bytes.get(place..).filter(|rest| !rest.is_empty()) {
            if self.body != Body::None {
                place += self.body.take(rest);
                continue;
            }
            match head::read(rest) {
                Read::Whole(head) if head.instead.is_none() => {
                    place += head.length;
                    self.body = head.body;
                }
                Read::Nonsense => self.body = Body::Unframed,
                Read::Whole(_) | Read::Partial => {
                    self.body = before;
                    return false;
                }
            }
        }
        true
    }

    /// Takes bytes in, makes ready what may be given on and holds the rest.
    fn sift(&mut self, bytes: &[u8]) {
        // A head ends with a line; looking at every byte that drips in would be work for its square.
        let looked_at = !self.held.is_empty() && self.body == Body::None;
        self.held.extend_from_slice(bytes);
        if looked_at && self.held.len() < MAX_HEAD && !bytes.contains(&b'\n') {
            return;
        }
        while !self.held.is_empty() {
            if self.body != Body::None {
                let count = self.body.take(&self.held);
                self.ready.extend_from_slice(&self.held.split_to(count));
                continue;
            }
            match head::read(&self.held) {
                Read::Whole(head) => {
                    let original = self.held.split_to(head.length);
                    self.ready.extend_from_slice(head.instead.as_deref().unwrap_or(&original));
                    self.body = head.body;
                }
                Read::Partial if self.held.len() < MAX_HEAD => return,
                Read::Partial | Read::Nonsense => self.body = Body::Unframed,
            }
        }
        self.held = BytesMut::new();
    }

    fn give(&mut self, out: &mut ReadBuf<'_>) {
        let count = self.ready.len().min(out.remaining());
        out.put_slice(self.ready.get(..count).unwrap_or_default());
        self.ready.advance(count);
        if self.ready.is_empty() {
            // A connection that waits keeps no buffer.
            self.ready = BytesMut::new();
        }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Offers<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if !this.ready.is_empty() {
                this.give(out);
                return Poll::Ready(Ok(()));
            }
            if this.ended || out.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            let before = out.filled().len();
            ready!(Pin::new(&mut this.io).poll_read(cx, out))?;
            let read = out.filled().get(before..).unwrap_or_default();
            if read.is_empty() {
                // Half a head is for the framework to refuse.
                this.ended = true;
                this.ready = std::mem::take(&mut this.held);
                continue;
            }
            if this.passes(read) {
                return Poll::Ready(Ok(()));
            }
            this.sift(read);
            out.set_filled(before);
        }
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Offers<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// What comes out when these bytes go in so many at a time.
    async fn through(bytes: &[u8], at_once: usize) -> Vec<u8> {
        let (mut client, server) = tokio::io::duplex(at_once);
        let writing = async {
            for part in bytes.chunks(at_once) {
                client.write_all(part).await.unwrap();
            }
            drop(client);
        };
        let mut out = Vec::new();
        let mut filter = Offers::of(server);
        let reading = filter.read_to_end(&mut out);
        let ((), read) = tokio::join!(writing, reading);
        read.unwrap();
        out
    }

    const OFFER: &str = "POST /v1/a HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\
         Content-Length: 27\r\n\r\nConnection: Upgrade\r\n\r\nmore";
    const TAKEN_OUT: &str = "POST /v1/a HTTP/1.1\r\nConnection:HTTP2-Settings\r\n\
         Content-Length:27\r\n\r\nConnection: Upgrade\r\n\r\nmore";
    const CHUNKED: &str = "POST /v1/b HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n\
         13\r\nupgrade: h2c\r\n\r\nxyz\r\n0\r\n\r\n";
    const PLAIN: &str = "GET /v1/c HTTP/1.1\r\nhost: x\r\n\r\n";

    #[tokio::test]
    async fn offers_go_wherever_the_bytes_are_cut_and_bodies_stay() {
        let sent = [PLAIN, OFFER, CHUNKED, OFFER, PLAIN, PLAIN].concat();
        let wanted = [PLAIN, TAKEN_OUT, CHUNKED, TAKEN_OUT, PLAIN, PLAIN].concat();
        for at_once in (1..80).chain([200, 1_000, 10_000]) {
            let came = through(sent.as_bytes(), at_once).await;
            assert_eq!(String::from_utf8(came).unwrap(), wanted, "{at_once} at a time");
        }
    }

    #[tokio::test]
    async fn what_is_no_request_comes_through_as_it_is() {
        for sent in [
            &b"\x16\x03\x01 no http"[..],
            b"GET /half HTTP/1.1\r\nconnection: upgr",
            b"POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nupgrade: h2c\r\n\r\n",
        ] {
            for at_once in [1, 7, 1_000] {
                assert_eq!(through(sent, at_once).await, sent);
            }
        }
    }

    #[tokio::test]
    async fn after_a_socket_has_begun_nothing_is_looked_at() {
        let begin = "GET /v1/ws HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c, websocket\r\n\r\n";
        let frames = b"GET / HTTP/1.1\r\nupgrade: h2c\r\n\r\n\x81\x00";
        let came = through(&[begin.as_bytes(), frames].concat(), 10_000).await;
        let (head, rest) = came.split_at(came.len() - frames.len());
        assert_eq!(rest, frames);
        assert!(head.ends_with(b"connection:upgrade\r\nupgrade:websocket\r\n\r\n"));
    }
}
