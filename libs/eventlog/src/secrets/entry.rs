//! A key's last message, read from either form in which the server delivers it.

use async_nats::header::{NATS_MARKER_REASON, NATS_MESSAGE_ID, NATS_SEQUENCE};
use async_nats::{Message, StatusCode};
use bytes::Bytes;

use crate::error::LogError;
use crate::leader::LeadersMessage;
use crate::read::number;

/// Set on messages that mark a deletion, by `take` for a moment and by the `nats` tool for good.
pub(super) const KV_OPERATION: &str = "KV-Operation";

/// The last message of a key.
pub(super) struct Entry {
    pub(super) value: Bytes,
    pub(super) revision: u64,
    /// Whether it only marks a deletion.
    pub(super) marker: bool,
    /// The message id it was written under, which no other write shares.
    pub(super) written_as: Option<String>,
}

impl Entry {
    /// Reads the answer of a direct get; none when the key has no message.
    pub(super) fn read(answer: &Message) -> Result<Option<Self>, LogError> {
        match answer.status {
            Some(StatusCode::NOT_FOUND) => return Ok(None),
            Some(status) => {
                let description = answer.description.clone().unwrap_or_default();
                return Err(LogError::Refused { code: status.as_u16().into(), description });
            }
            None => {}
        }
        let headers = answer.headers.as_ref();
        let revision = headers
            .and_then(|headers| number(headers, NATS_SEQUENCE))
            .ok_or_else(|| LogError::BadAnswer("a secret without a revision".into()))?;
        let marker = headers.is_some_and(|headers| {
            headers.get(KV_OPERATION).is_some() || headers.get(NATS_MARKER_REASON).is_some()
        });
        let written_as = headers.and_then(|headers| headers.get_last(NATS_MESSAGE_ID));
        let written_as = written_as.map(|id| id.as_str().to_owned());
        Ok(Some(Self { value: answer.payload.clone(), revision, marker, written_as }))
    }
}

impl From<LeadersMessage> for Entry {
    fn from(message: LeadersMessage) -> Self {
        let marker = message.headers.contains(KV_OPERATION)
            || message.headers.contains("Nats-Marker-Reason");
        let id = |line: &str| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("Nats-Msg-Id").then(|| value.trim().to_owned())
        };
        let written_as = message.headers.lines().find_map(id);
        let (value, revision) = (message.payload, message.sequence);
        Self { value, revision, marker, written_as }
    }
}
