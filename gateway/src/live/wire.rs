//! Whole WebSocket frames as bytes (RFC 6455, section 5.2), from server to client: never masked, never
//! fragmented. A frame is built once and shared by every socket it goes to.

use bytes::{BufMut, Bytes, BytesMut};
use schemas::frames::ServerFrame;

const FIN: u8 = 0x80;
const TEXT: u8 = 0x1;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xA;
/// The largest payload of a control frame.
const MAX_CONTROL: usize = 125;
/// Room for the largest header: two bytes and a length of eight.
const MAX_HEADER: usize = 10;

/// A frame as a text message.
#[must_use]
pub fn frame(frame: &impl serde::Serialize) -> Bytes {
    // Grown from nothing, the text of an event would be moved four times.
    let mut json = Vec::with_capacity(USUAL);
    match serde_json::to_writer(&mut json, frame) {
        Ok(()) => text(&json),
        Err(error) => {
            // No frame type holds a map with keys that are not texts, which is all that could fail.
            tracing::error!(error = %error, "a frame could not be written as JSON");
            Bytes::new()
        }
    }
}

/// Bytes a frame seldom exceeds.
const USUAL: usize = 1024;

/// A text message.
#[must_use]
pub fn text(payload: &[u8]) -> Bytes {
    built(TEXT, payload)
}

/// An event's frame as a resume sends it: it names no former event. Before its document such a frame has no
/// text that a person wrote, so the first field of that name is the frame's own.
#[must_use]
pub fn without_previous(frame: &Bytes) -> Bytes {
    const FIELD: &[u8] = b"\"previous\":";
    const NOTHING: &[u8] = b"null";
    let json = payload(frame);
    let Some(value) = json.windows(FIELD.len()).position(|window| window == FIELD) else {
        return frame.clone();
    };
    let (head, tail) = json.split_at(value + FIELD.len());
    if tail.starts_with(NOTHING) {
        return frame.clone();
    }
    let rest = tail.iter().position(|byte| *byte == b',').and_then(|comma| tail.get(comma..));
    text(&[head, NOTHING, rest.unwrap_or_default()].concat())
}

/// The payload of a frame that was made here.
#[must_use]
pub fn payload(frame: &[u8]) -> &[u8] {
    let header = match frame.get(1) {
        Some(126) => 4,
        Some(127) => 10,
        _ => 2,
    };
    frame.get(header..).unwrap_or_default()
}

/// A ping with a payload of at most 125 bytes; the peer gives it back.
#[must_use]
pub fn ping(payload: &[u8]) -> Bytes {
    built(PING, cut(payload))
}

/// The answer to a ping.
#[must_use]
pub fn pong(payload: &[u8]) -> Bytes {
    built(PONG, cut(payload))
}

/// The end: the code a client switches on, and the reason in words.
#[must_use]
pub fn close(code: u16, reason: &str) -> Bytes {
    let mut payload = Vec::with_capacity(2 + reason.len());
    payload.extend_from_slice(&code.to_be_bytes());
    payload.extend_from_slice(reason.as_bytes());
    built(CLOSE, cut(&payload))
}

/// The frame that announces a close, and the close itself.
#[must_use]
pub fn farewell(code: u16, reason: &str, retry_after_ms: Option<u32>) -> [Bytes; 2] {
    let closing = ServerFrame::Closing { code, reason: reason.to_owned(), retry_after_ms };
    [frame(&closing), close(code, reason)]
}

fn cut(payload: &[u8]) -> &[u8] {
    payload.get(..MAX_CONTROL).unwrap_or(payload)
}

fn built(opcode: u8, payload: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(MAX_HEADER + payload.len());
    frame.put_u8(FIN | opcode);
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(short), _) if short <= 125 => frame.put_u8(short),
        (_, Ok(medium)) => {
            frame.put_u8(126);
            frame.put_u16(medium);
        }
        _ => {
            frame.put_u8(127);
            frame.put_u64(u64::try_from(payload.len()).unwrap_or(u64::MAX));
        }
    }
    frame.put_slice(payload);
    frame.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn header(length: usize, expected: &[u8]) {
        let payload = vec![b'x'; length];
        let frame = text(&payload);
        assert_eq!(&frame[..expected.len()], expected, "payload of {length}");
        assert_eq!(&frame[expected.len()..], payload);
    }

    #[test]
    fn the_length_takes_one_three_or_nine_bytes() {
        header(0, &[0x81, 0]);
        header(125, &[0x81, 125]);
        header(126, &[0x81, 126, 0, 126]);
        header(65_535, &[0x81, 126, 0xff, 0xff]);
        header(65_536, &[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    /// The length in a frame's header may look like the brace its text begins with.
    #[test]
    fn an_event_of_any_length_is_told_without_its_previous_one() {
        for length in 0..1_000 {
            let body = "x".repeat(length);
            let event = format!(r#"{{"previous":"e1:7","data":{{"body":"{body}"}}}}"#);
            let told = without_previous(&text(event.as_bytes()));
            let json: serde_json::Value = serde_json::from_slice(payload(&told)).unwrap();
            assert_eq!(json["previous"], serde_json::Value::Null, "{length}");
            assert_eq!(json["data"]["body"], body);
        }
    }

    #[test]
    fn control_frames_stay_small_and_a_close_begins_with_its_code() {
        let close = close(4401, &"session ended ".repeat(20));
        assert_eq!(&close[..4], &[0x88, 125, 0x11, 0x31]);
        assert_eq!(close.len(), 2 + 125);
        assert_eq!(&ping(b"7")[..], &[0x89, 1, b'7']);
        assert_eq!(&pong(b"")[..], &[0x8a, 0]);
    }

    #[test]
    fn a_farewell_says_the_code_twice() {
        let [closing, close] = farewell(4508, "slow consumer", None);
        let text = String::from_utf8(closing[2..].to_vec()).unwrap();
        assert_eq!(text, r#"{"type":"closing","code":4508,"reason":"slow consumer"}"#);
        assert_eq!(&close[2..4], &4508_u16.to_be_bytes());
    }
}
