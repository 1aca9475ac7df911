//! Something that is done.

use serde_json::Value;

use super::known::{Known, Lesson};

/// Later than any case runs.
pub(super) const LATER: &str = "2100-01-01T00:00:00.000Z";
/// What is reacted with.
pub(super) const EMOJI: [&str; 4] = ["👍", "🎉", "😀", "🙏"];
/// The administrator of the town, who founded it.
pub(super) const ADMIN: usize = 0;

/// Something to be done: a request, and the frame that does the same, where there is one.
#[derive(Debug, Clone)]
pub(super) struct Deed {
    pub(super) who: usize,
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) body: Option<Value>,
    pub(super) frame: Option<Value>,
    pub(super) lesson: Lesson,
}

impl Deed {
    pub(super) const fn of(
        who: usize,
        method: &'static str,
        path: String,
        body: Option<Value>,
    ) -> Self {
        Self { who, method, path, body, frame: None, lesson: Lesson::Nothing }
    }

    pub(super) fn frame(self, frame: Value) -> Self {
        Self { frame: Some(frame), ..self }
    }

    pub(super) fn teaches(self, lesson: Lesson) -> Self {
        Self { lesson, ..self }
    }
}

/// Who lives in the town: ids and names, as they were at first.
pub(super) type People = [(String, String)];

/// The path of a message, or of something of it.
pub(super) fn about(known: &Known, message: usize, rest: &str) -> String {
    format!("/v1/messages/{}{rest}", known.messages[message].id)
}

/// An emoji, as it stands in a path.
pub(super) fn path_of(emoji: &str) -> String {
    emoji.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
