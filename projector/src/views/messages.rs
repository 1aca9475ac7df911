//! Messages: posted, edited, taken back, answered. Nothing changes a deleted message.

use readmodel::MessageDoc;
use schemas::Sequence;
use schemas::events::{MessageDeleted, MessageEdited, MessageState};
use schemas::ids::{MessageId, RoomId};

use super::{Wants, rooms};
use crate::working_set::{NotLoaded, WorkingSet};

pub(super) fn needs_of_post(message: &MessageState, wants: &mut Wants<'_>) {
    let room = &message.room_id;
    wants.message(&message.id);
    wants.room(room);
    wants.membership(room, &message.sender_id);
    if let Some(root) = &message.thread_root_id {
        wants.message(root);
    }
    if let Some(client_id) = &message.client_id {
        wants.client_id(room, &message.sender_id, client_id);
    }
}

pub(super) fn needs_of_edit(message: &MessageState, wants: &mut Wants<'_>) {
    wants.message(&message.id);
    wants.room(&message.room_id);
}

pub(super) fn needs_of_deletion(data: &MessageDeleted, wants: &mut Wants<'_>) {
    wants.message(&data.message_id);
    wants.room(&data.room_id);
    if let Some(root) = &data.thread_root_id {
        wants.message(root);
    }
}

/// A stored message's room and its thread: only the message itself tells. One that is posted in the same batch
/// has named them already.
pub(super) fn needs_of_place(
    id: &MessageId,
    set: &WorkingSet,
    wants: &mut Wants<'_>,
) -> Result<(), NotLoaded> {
    let Some(message) = set.messages.get(id)? else { return Ok(()) };
    wants.room(&message.room_id);
    if let Some(root) = &message.thread_root_id {
        wants.message(root);
    }
    Ok(())
}

/// Where a message stands in its room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Among all messages.
    pub(super) number: u64,
    /// In the main timeline; for an answer: the place of the newest message there.
    pub(super) main: u64,
}

/// The place the message got; none when it is a repeat, which the log should never hold (chat-svc
/// recognises repeats) but which would be shown twice for ever if it did.
pub(super) fn posted(
    message: &MessageState,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<Option<Place>, NotLoaded> {
    let repeated = match &message.client_id {
        Some(client_id) => set.client_id_used(&message.room_id, &message.sender_id, client_id)?,
        None => false,
    };
    if repeated || set.messages.get(&message.id)?.is_some() {
        return Ok(None);
    }
    let Some(room) = rooms::at_hand(&message.room_id, message.created_at, at, set)? else {
        return Ok(None);
    };
    let main = room.main_number + u64::from(message.thread_root_id.is_none());
    let place = Place { number: room.last_number + 1, main };
    let doc = MessageDoc {
        id: message.id.clone(),
        room_id: message.room_id.clone(),
        number: place.number,
        main_number: place.main,
        sender_id: message.sender_id.clone(),
        client_id: message.client_id.clone(),
        body: message.body.as_str().to_owned(),
        format: message.format,
        attachments: message.attachments.clone(),
        mentions: message.mentions.clone(),
        mentions_room: message.mentions_room,
        thread_root_id: message.thread_root_id.clone(),
        reply_count: 0,
        created_at: message.created_at,
        edited_at: None,
        deleted_at: None,
        posted: at,
        changed: at,
        beside: 0,
        updated: at,
    };
    if let Some(root) = &doc.thread_root_id {
        answered(root, &doc.room_id, true, at, set)?;
    }
    set.post(doc);
    Ok(Some(place))
}

/// The message as it stands before an edit; none when the edit has no effect.
pub(super) fn before_edit<'a>(
    message: &MessageState,
    set: &'a WorkingSet,
) -> Result<Option<&'a MessageDoc>, NotLoaded> {
    let old = set.messages.get(&message.id)?;
    Ok(old.filter(|old| old.deleted_at.is_none() && old.room_id == message.room_id))
}

pub(super) fn edited(
    data: &MessageEdited,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    let message = &data.message;
    if before_edit(message, set)?.is_none() {
        return Ok(());
    }
    if let Some(doc) = set.messages.change(&message.id)? {
        doc.body = message.body.as_str().to_owned();
        doc.format = message.format;
        doc.attachments.clone_from(&message.attachments);
        doc.mentions.clone_from(&message.mentions);
        doc.mentions_room = message.mentions_room;
        doc.edited_at = Some(data.edited_at);
        doc.changed = at;
        doc.updated = at;
    }
    Ok(())
}

pub(super) fn deleted(
    data: &MessageDeleted,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    let id = &data.message_id;
    if set.messages.get(id)?.is_none_or(|old| old.deleted_at.is_some()) {
        return Ok(());
    }
    let mut thread = None;
    if let Some(doc) = set.messages.change(id)? {
        doc.body.clear();
        doc.attachments.clear();
        doc.mentions.clear();
        doc.mentions_room = None;
        doc.deleted_at = Some(data.deleted_at);
        doc.changed = at;
        doc.updated = at;
        thread = doc.thread_root_id.clone().map(|root| (root, doc.room_id.clone()));
    }
    match thread {
        Some((root, room)) => answered(&root, &room, false, at, set),
        None => Ok(()),
    }
}

/// Counts an answer of a thread in or out, where the message that began it stands in the same room.
fn answered(
    root: &MessageId,
    room: &RoomId,
    more: bool,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    if set.messages.get(root)?.is_none_or(|message| message.room_id != *room) {
        return Ok(());
    }
    if let Some(message) = set.messages.change(root)? {
        let count = message.reply_count;
        message.reply_count = if more { count + 1 } else { count.saturating_sub(1) };
        message.beside = at;
        message.updated = at;
    }
    Ok(())
}
