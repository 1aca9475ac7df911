//! Reading a client's frame: JSON text in, a frame or what is wrong with it out.

use schemas::frames::{ClientFrame, FrameId};
use schemas::{Code, FieldError, Rejection};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// The longest text a client may call a frame.
const MAX_ID: usize = 128;

/// Why a text is no frame.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fault {
    /// It is JSON and not a frame: it is answered.
    Invalid {
        /// What the client calls it, as far as that can be read.
        id: Option<FrameId>,
        rejection: Rejection,
    },
    /// It is not JSON: the client is not one of this protocol.
    NotJson,
}

/// What can be read of a frame whatever else is wrong with it.
#[derive(Deserialize)]
struct Probe {
    #[serde(default)]
    id: Option<FrameId>,
}

/// Reads a frame.
pub(crate) fn parse(text: &str) -> Result<ClientFrame, Fault> {
    let frame: ClientFrame = serde_json::from_str(text).map_err(|error| fault(text, &error))?;
    match id_of(&frame) {
        Some(FrameId::Text(id)) if id.len() > MAX_ID => {
            Err(Fault::Invalid { id: None, rejection: long_id() })
        }
        _ => Ok(frame),
    }
}

fn fault(text: &str, error: &serde_json::Error) -> Fault {
    use serde_json::error::Category;
    match error.classify() {
        Category::Syntax | Category::Eof | Category::Io => Fault::NotJson,
        // The parser stops at the first thing that does not fit; what follows may not be JSON at all.
        Category::Data if serde_json::from_str::<IgnoredAny>(text).is_err() => Fault::NotJson,
        Category::Data => {
            let id = serde_json::from_str(text).ok().and_then(|probe: Probe| probe.id);
            let id = id.filter(|id| !matches!(id, FrameId::Text(text) if text.len() > MAX_ID));
            // The parser quotes what it found, which can be as long as the frame: cut.
            let detail: String = error.to_string().chars().take(200).collect();
            let fault = FieldError {
                pointer: String::new(),
                code: "invalid_format".into(),
                detail: detail.clone(),
            };
            let rejection = Rejection {
                code: Code::ValidationFailed,
                detail,
                errors: vec![fault],
                retry_after: None,
            };
            Fault::Invalid { id, rejection }
        }
    }
}

fn long_id() -> Rejection {
    let detail = format!("id must have at most {MAX_ID} bytes");
    Rejection::field(Code::ValidationFailed, "/id", "too_long", detail)
}

/// What the client calls a frame.
pub(crate) const fn id_of(frame: &ClientFrame) -> Option<&FrameId> {
    match frame {
        ClientFrame::Hello { id, .. }
        | ClientFrame::Post { id, .. }
        | ClientFrame::Edit { id, .. }
        | ClientFrame::Delete { id, .. }
        | ClientFrame::Read { id, .. }
        | ClientFrame::Resume { id, .. }
        | ClientFrame::Ping { id } => id.as_ref(),
    }
}

/// A frame's type, as it stands on the wire.
pub(crate) const fn name_of(frame: &ClientFrame) -> &'static str {
    match frame {
        ClientFrame::Hello { .. } => "hello",
        ClientFrame::Post { .. } => "post",
        ClientFrame::Edit { .. } => "edit",
        ClientFrame::Delete { .. } => "delete",
        ClientFrame::Read { .. } => "read",
        ClientFrame::Resume { .. } => "resume",
        ClientFrame::Ping { .. } => "ping",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn invalid(text: &str, expected: Option<&FrameId>) {
        match parse(text) {
            Err(Fault::Invalid { id, rejection }) => {
                assert_eq!(id.as_ref(), expected, "{text}");
                assert_eq!(rejection.code, Code::ValidationFailed);
            }
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn any_number_or_text_is_an_id() {
        for (id, json) in [
            ("7", "7"),
            ("-1.5", "-1.5"),
            ("18446744073709551615", "18446744073709551615"),
            ("\"a\"", "\"a\""),
        ] {
            let frame = parse(&format!(r#"{{"type":"ping","id":{id}}}"#)).unwrap();
            let back = serde_json::to_string(id_of(&frame).unwrap()).unwrap();
            assert_eq!(back, json);
        }
    }

    #[test]
    fn what_is_json_and_no_frame_is_answered_with_its_id() {
        let one = FrameId::Number(1.into());
        let one = || Some(&one);
        invalid(r#"{"type":"dance","id":1}"#, one());
        invalid(r#"{"type":"ping","id":1,"extra":true}"#, one());
        invalid(r#"{"type":"post","id":1,"room_id":"x"}"#, one());
        invalid(r#"{"id":1}"#, one());
        invalid(r#"{"type":"ping","id":{}}"#, None);
        invalid(r#"{"type":"ping","type":"ping","id":1}"#, one());
        invalid("[]", None);
        invalid("7", None);
        invalid(&format!(r#"{{"type":"ping","id":"{}"}}"#, "x".repeat(129)), None);
    }

    #[test]
    fn what_is_no_json_is_no_frame() {
        let deep = "[".repeat(10_000);
        for text in
            ["", "hello", "{", r#"{"type":"ping","id":1e400}"#, r#"{"type":"\ud800"}"#, &deep]
        {
            assert_eq!(parse(text), Err(Fault::NotJson), "{:.40}", text);
        }
    }
}
