//! What is kept of an event that leaves the log: that it was, and its shape. Pure.

use schemas::events::{BlankMessage, Gone, MessageState};
use schemas::values::EventType;
use schemas::{Event, NameKey, Sequence};

/// That an event was. Every type there is fits the rule of types; one that did not would not be found by the audit trail.
pub(crate) fn gone(event: &Event, sequence: Sequence) -> Option<Gone> {
    let Event { actor, time, data, .. } = event;
    let kind = EventType::parse(data.type_name()).ok()?;
    let (subject, actor, time) = (data.subject(), *actor, *time);
    Some(Gone { sequence, kind, subject, actor, time })
}

/// A message without its text. What its client called it becomes a keyed hash: a repeated post is still known as one.
pub(crate) fn blank(message: &MessageState, private: bool, names: &NameKey) -> BlankMessage {
    let client_id = message.client_id.as_ref();
    BlankMessage {
        id: message.id,
        room_id: message.room_id,
        client_id: client_id.map(|id| names.digest(["erased client id", id.as_str()])),
        mentions: message.mentions.clone(),
        mentions_room: message.mentions_room,
        thread_root_id: message.thread_root_id,
        created_at: message.created_at,
        private,
    }
}
