//! Messages of events as clients are given them.

use bytes::Bytes;
use schemas::events::{MessageDeleted, MessageEvent, MessageState};
use schemas::views::{Message, Sender};
use schemas::{Event, EventData, Position};

use super::Place;

/// A message posted where `place` is, as it is now: by the event that posted it or last changed its text.
pub(crate) fn posted_as_now(
    event: &Event,
    place: Place<'_>,
    sender: Sender,
    replies: u64,
) -> Option<Bytes> {
    let position = place.epoch.at(place.sequence);
    let (state, edited_at) = match &event.data {
        EventData::Message(MessageEvent::Posted(posted)) => (&posted.message, None),
        EventData::Message(MessageEvent::Edited(edited)) => {
            (&edited.message, Some(edited.edited_at))
        }
        _ => return None,
    };
    let view = message_view(state, sender, position);
    let view = Message { edited_at, reply_count: Some(replies), ..view };
    Some(place.frame("message.posted", Some(&view.room_id), &view))
}

/// A message as it was posted: nothing has been said of it yet.
pub(super) fn message_view(message: &MessageState, sender: Sender, position: Position) -> Message {
    Message {
        id: message.id.clone(),
        room_id: message.room_id.clone(),
        number: None,
        sender,
        client_id: message.client_id.as_ref().map(ToString::to_string),
        body: message.body.to_string(),
        format: message.format,
        attachments: message.attachments.clone(),
        mentions: message.mentions.clone(),
        mentions_room: message.mentions_room,
        thread_root_id: message.thread_root_id.clone(),
        reply_count: Some(0),
        reactions: Some(Vec::new()),
        pinned: Some(false),
        created_at: message.created_at,
        edited_at: None,
        deleted_at: None,
        position,
    }
}

pub(super) fn deleted_view(
    deleted: &MessageDeleted,
    sender: Sender,
    position: Position,
) -> Message {
    Message {
        id: deleted.message_id.clone(),
        room_id: deleted.room_id.clone(),
        number: None,
        sender,
        client_id: None,
        body: String::new(),
        format: schemas::values::Format::default(),
        attachments: Vec::new(),
        mentions: Vec::new(),
        mentions_room: None,
        thread_root_id: deleted.thread_root_id.clone(),
        reply_count: None,
        reactions: None,
        pinned: None,
        created_at: deleted.created_at,
        edited_at: None,
        deleted_at: Some(deleted.deleted_at),
        position,
    }
}
