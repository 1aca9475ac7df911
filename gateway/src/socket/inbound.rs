//! What a peer sends, as whole messages.
//!
//! The framework's codec (`actix_http::ws`) reads frames; this puts fragments together and refuses early:
//! a frame is judged by the length its header announces, before a byte of it is kept. (The message
//! stream of actix-ws waits for the whole frame first, however long it says it is.)

use actix_http::ws::{Codec, Frame};
use actix_ws::Item;
use bytes::{Bytes, BytesMut};
use tokio_util::codec::Decoder;

/// The largest message, whole or in fragments, in bytes.
pub(crate) const MAX_MESSAGE: usize = 64 * 1024;
/// Fragments of one message: more are an attack, not a message.
const MAX_FRAGMENTS: usize = 1_024;

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Incoming {
    Text(String),
    Binary,
    Ping(Bytes),
    Pong,
    Close(u16),
}

/// Why nothing more can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    /// A message over [`MAX_MESSAGE`].
    TooLarge,
    /// Text that is not UTF-8.
    NotUtf8,
    /// Against RFC 6455.
    Protocol,
    /// The connection has ended.
    Disconnected,
}

/// A message of which not all fragments are there.
#[derive(Debug)]
struct Partial {
    is_text: bool,
    fragments: usize,
    bytes: BytesMut,
}

/// The reading side of a socket: bytes in, messages out.
pub(crate) struct Inbound {
    buffer: BytesMut,
    codec: Codec,
    partial: Option<Box<Partial>>,
}

impl Default for Inbound {
    fn default() -> Self {
        let codec = Codec::new().max_size(MAX_MESSAGE);
        Self { buffer: BytesMut::new(), codec, partial: None }
    }
}

impl Inbound {
    /// Takes what was read.
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next message; none until more was read. After an error nothing more is to be asked for.
    pub(crate) fn next(&mut self) -> Result<Option<Incoming>, Broken> {
        while let Some(frame) = self.decode()? {
            if let Some(message) = self.assemble(frame)? {
                return Ok(Some(message));
            }
        }
        if self.buffer.is_empty() {
            // An idle socket keeps no buffer.
            self.buffer = BytesMut::new();
        }
        Ok(None)
    }

    fn decode(&mut self) -> Result<Option<Frame>, Broken> {
        if announced_length(&self.buffer).is_some_and(|length| length > MAX_MESSAGE as u64) {
            return Err(Broken::TooLarge);
        }
        if self.buffer.first().is_some_and(|first| is_fragmented_control(*first)) {
            // The codec would refuse it too, with an error in the log that anybody could cause.
            return Err(Broken::Protocol);
        }
        self.codec.decode(&mut self.buffer).map_err(|_| Broken::Protocol)
    }

    fn assemble(&mut self, frame: Frame) -> Result<Option<Incoming>, Broken> {
        Ok(Some(match frame {
            Frame::Text(bytes) => text(&bytes)?,
            Frame::Binary(_) => Incoming::Binary,
            Frame::Ping(bytes) => Incoming::Ping(bytes),
            Frame::Pong(_) => Incoming::Pong,
            Frame::Close(reason) => Incoming::Close(reason.map_or(1000, |r| r.code.into())),
            Frame::Continuation(item) => return self.fragment(item),
        }))
    }

    fn fragment(&mut self, item: Item) -> Result<Option<Incoming>, Broken> {
        let (bytes, is_last) = match item {
            Item::FirstText(bytes) | Item::FirstBinary(bytes) if self.partial.is_some() => {
                drop(bytes);
                return Err(Broken::Protocol);
            }
            Item::FirstText(bytes) => (self.begin(true, bytes), false),
            Item::FirstBinary(bytes) => (self.begin(false, bytes), false),
            Item::Continue(bytes) => (bytes, false),
            Item::Last(bytes) => (bytes, true),
        };
        let Some(partial) = &mut self.partial else { return Err(Broken::Protocol) };
        partial.fragments += 1;
        if partial.bytes.len() + bytes.len() > MAX_MESSAGE || partial.fragments > MAX_FRAGMENTS {
            return Err(Broken::TooLarge);
        }
        partial.bytes.extend_from_slice(&bytes);
        if !is_last {
            return Ok(None);
        }
        match self.partial.take() {
            Some(whole) if whole.is_text => text(&whole.bytes).map(Some),
            _ => Ok(Some(Incoming::Binary)),
        }
    }

    fn begin(&mut self, is_text: bool, bytes: Bytes) -> Bytes {
        self.partial = Some(Box::new(Partial { is_text, fragments: 0, bytes: BytesMut::new() }));
        bytes
    }
}

fn text(bytes: &[u8]) -> Result<Incoming, Broken> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Incoming::Text(text.to_owned())),
        Err(_) => Err(Broken::NotUtf8),
    }
}

/// RFC 6455, section 5.5: control frames are never fragmented.
const fn is_fragmented_control(first: u8) -> bool {
    first & 0x80 == 0 && first & 0x08 != 0
}

/// The length a frame's header announces (RFC 6455, section 5.2); none while it is not complete.
fn announced_length(header: &[u8]) -> Option<u64> {
    match header.get(1)? & 0x7f {
        126 => header.get(2..4)?.try_into().ok().map(|bytes| u64::from(u16::from_be_bytes(bytes))),
        127 => header.get(2..10)?.try_into().ok().map(u64::from_be_bytes),
        short => Some(u64::from(short)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A masked frame as a client sends it.
    fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![first];
        match payload.len() {
            length @ 0..=125 => frame.push(0x80 | u8::try_from(length).unwrap()),
            length => {
                frame.push(0x80 | 126);
                frame.extend(u16::try_from(length).unwrap().to_be_bytes());
            }
        }
        let mask = [1, 2, 3, 4];
        frame.extend(mask);
        frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        frame
    }

    /// When these bytes come, one at a time, then these are the messages.
    #[track_caller]
    fn read(bytes: Vec<u8>, expected: &[Result<Incoming, Broken>]) {
        let mut inbound = Inbound::default();
        let mut found = Vec::new();
        for byte in bytes {
            inbound.extend(&[byte]);
            while let Some(next) = inbound.next().transpose() {
                let ended = next.is_err();
                found.push(next);
                if ended {
                    assert_eq!(found, expected);
                    return;
                }
            }
        }
        assert_eq!(found, expected);
    }

    #[test]
    fn fragments_make_one_message_and_control_frames_come_between() {
        let mut bytes = masked(0x01, b"wh");
        bytes.extend(masked(0x89, b"?"));
        bytes.extend(masked(0x80, b"y"));
        let ping = Incoming::Ping(Bytes::from_static(b"?"));
        read(bytes, &[Ok(ping), Ok(Incoming::Text("why".into()))]);
    }

    #[test]
    fn a_long_frame_is_refused_by_its_header() {
        let header = vec![0x81, 0x80 | 127, 0, 0, 0, 0, 0x40, 0, 0, 0];
        read(header, &[Err(Broken::TooLarge)]);
        read(vec![0x81, 0x80 | 127, 0, 0, 0, 0, 0, 1, 0, 1], &[Err(Broken::TooLarge)]);
    }

    #[test]
    fn long_in_fragments_is_refused_too() {
        let mut bytes = masked(0x01, &[b'a'; 40_000]);
        bytes.extend(masked(0x00, &[b'a'; 40_000]));
        read(bytes, &[Err(Broken::TooLarge)]);
        let mut endless = masked(0x01, b"");
        (0..2_000).for_each(|_| endless.extend(masked(0x00, b"")));
        read(endless, &[Err(Broken::TooLarge)]);
    }

    #[test]
    fn what_is_against_the_protocol_is_refused() {
        read(vec![0x81, 0x01, b'a'], &[Err(Broken::Protocol)]);
        read(masked(0x83, b"a"), &[Err(Broken::Protocol)]);
        read(masked(0xf1, b"a"), &[Err(Broken::Protocol)]);
        read(masked(0x80, b"a"), &[Err(Broken::Protocol)]);
        read(masked(0x09, b"a"), &[Err(Broken::Protocol)]);
        read(masked(0x81, &[0xff, 0xfe]), &[Err(Broken::NotUtf8)]);
        read(masked(0x82, b"a"), &[Ok(Incoming::Binary)]);
    }
}
