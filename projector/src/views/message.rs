//! Events of messages: posted, edited, deleted. Nothing changes a deleted message.
//!
//! A message also changes its room (numbers, what is new), the root of its thread and its author's read marker. What
//! judges by a document as it was comes before what changes that document.

use readmodel::{FormerText, MembershipDoc, MessageDoc};
use schemas::Sequence;
use schemas::events::{MessageDeleted, MessageEdited, MessageEvent, MessagePosted, MessageState};
use schemas::ids::MessageId;
use schemas::values::RoomMention;

use super::wants::Wants;
use super::{history, pin, room_document, thread};
use crate::working_set::{NotLoaded, WorkingSet};

pub(super) fn needs(event: &MessageEvent, wants: &mut Wants<'_>) {
    match event {
        MessageEvent::Posted(MessagePosted { message, .. }) => {
            let room = &message.room_id;
            wants.message(&message.id);
            wants.room(room);
            wants.membership(room, &message.sender_id);
            for user in &message.mentions {
                wants.membership(room, user);
            }
            if let Some(root) = &message.thread_root_id {
                wants.message(root);
                thread::needs_of_answer(message, root, wants);
            }
            if let Some(client_id) = &message.client_id {
                wants.client_id(room, &message.sender_id, client_id);
            }
        }
        MessageEvent::Edited(MessageEdited { message, .. }) => {
            wants.message(&message.id);
            wants.room(&message.room_id);
            wants.history(&message.id);
            for user in &message.mentions {
                wants.membership(&message.room_id, user);
            }
            let root = message.thread_root_id.as_ref().unwrap_or(&message.id);
            thread::needs_of_answer(message, root, wants);
        }
        MessageEvent::Deleted(data) => {
            wants.message(&data.message_id);
            wants.room(&data.room_id);
            if let Some(root) = &data.thread_root_id {
                wants.message(root);
                wants.thread(root);
            }
        }
    }
}

/// What an event needs of a stored message's room, thread, pin and former texts, which only the message itself names. A
/// post names its own. What comes to be in the same batch is named by the events of that.
pub(super) fn needs_further(
    event: &MessageEvent,
    set: &WorkingSet,
    wants: &mut Wants<'_>,
) -> Result<(), NotLoaded> {
    let id = match event {
        MessageEvent::Posted(MessagePosted { message, .. }) => {
            let Some(root) = &message.thread_root_id else { return Ok(()) };
            return thread::needs_of_start(root, set, wants);
        }
        MessageEvent::Edited(data) => &data.message.id,
        MessageEvent::Deleted(data) => &data.message_id,
    };
    let Some(message) = set.messages.get(id)? else { return Ok(()) };
    wants.room(&message.room_id);
    if let Some(root) = &message.thread_root_id {
        wants.message(root);
        wants.thread(root);
    }
    if message.pinned > 0 {
        wants.pins(&message.room_id);
    }
    if message.edited_at.is_some() {
        wants.history(&message.id);
    }
    Ok(())
}

pub(super) fn apply(
    event: &MessageEvent,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    match event {
        MessageEvent::Posted(MessagePosted { message, private }) => {
            let Some(place) = posted(message, at, set)? else { return Ok(()) };
            number_in_room(message, place, at, set)?;
            move_authors_marker(message, *private, place, at, set)
        }
        MessageEvent::Edited(data) => {
            edited_in_room(&data.message, at, set)?;
            match edited(data, at, set)? {
                Some(former) => history::add(&data.message.id, former, at, set),
                None => Ok(()),
            }
        }
        MessageEvent::Deleted(data) => {
            deleted_in_room(data, at, set)?;
            history::deleted(&data.message_id, at, set)?;
            deleted(data, at, set)
        }
    }
}

/// Where a message stands in its room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    /// Among all messages.
    number: u64,
    /// In the main timeline; for an answer: the place of the newest message there.
    main: u64,
}

/// The place the message got; none when it is a repeat, which the log should never hold (chat-svc
/// recognises repeats) but which would be shown twice for ever if it did.
fn posted(
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
    let Some(room) = room_document::get_or_insert(&message.room_id, message.created_at, at, set)?
    else {
        return Ok(None);
    };
    let main = room.main_number + u64::from(message.thread_root_id.is_none());
    let place = Place { number: room.last_number + 1, main };
    let mut doc = MessageDoc::as_posted(message, place.number, place.main, at);
    if let Some(root) = &message.thread_root_id
        && set.messages.get(root)?.is_some_and(|root| root.room_id == message.room_id)
    {
        doc.thread_number = Some(thread::answered(message, root, at, set)?);
        count(root, true, at, set)?;
    }
    set.post(doc);
    Ok(Some(place))
}

/// The message as it stands before an edit; none when the edit has no effect.
fn before_edit<'a>(
    message: &MessageState,
    set: &'a WorkingSet,
) -> Result<Option<&'a MessageDoc>, NotLoaded> {
    let old = set.messages.get(&message.id)?;
    Ok(old.filter(|old| old.deleted_at.is_none() && old.room_id == message.room_id))
}

/// The text the message had before, if it had another.
fn edited(
    data: &MessageEdited,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<Option<FormerText>, NotLoaded> {
    let message = &data.message;
    let Some(old) = before_edit(message, set)?.cloned() else { return Ok(None) };
    thread::edited(&old, message, at, set)?;
    let Some(doc) = set.messages.change(&message.id)? else { return Ok(None) };
    let since = doc.edited_at.unwrap_or(doc.created_at);
    let body = doc.edit(data, at);
    Ok((body != doc.body).then_some(FormerText { body, since }))
}

fn deleted(data: &MessageDeleted, at: Sequence, set: &mut WorkingSet) -> Result<(), NotLoaded> {
    let id = &data.message_id;
    let old = set.messages.get(id)?.filter(|old| old.deleted_at.is_none()).cloned();
    let Some(old) = old else { return Ok(()) };
    if let Some(doc) = set.messages.change(id)? {
        doc.delete(data.deleted_at, at);
    }
    if old.pinned > 0 {
        pin::take_out(id, &old.room_id, at, set)?;
    }
    // One whose root did not stand in the same room has no place in a thread and was not counted.
    let Some(root) = old.thread_root_id.as_ref().filter(|_| old.thread_number.is_some()) else {
        return Ok(());
    };
    thread::answer_deleted(&old, at, set)?;
    count(root, false, at, set)
}

/// Counts an answer in or out of the message that began its thread.
fn count(
    root: &MessageId,
    more: bool,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    let last_reply_at = thread::last_reply_at(root, set)?;
    if let Some(message) = set.messages.change(root)? {
        let count = message.reply_count;
        message.last_reply_at = last_reply_at;
        message.reply_count = if more { count + 1 } else { count.saturating_sub(1) };
        message.beside = at;
        message.updated = at;
    }
    Ok(())
}

/// The room counts the message; one of the main timeline is the newest there.
fn number_in_room(
    message: &MessageState,
    place: Place,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    if let Some(room) = set.rooms.change(&message.room_id)? {
        room.last_number = place.number;
        room.updated = at;
        if message.thread_root_id.is_none() {
            room.main_number = place.main;
            room.last_message_id = Some(message.id);
            room.last_message_number = place.number;
            room.last_activity = at;
            if has_mentions(message) {
                room.named_up_to = place.main;
            }
        }
    }
    Ok(())
}

fn has_mentions(message: &MessageState) -> bool {
    message.mentions_room == Some(RoomMention::Room) || !message.mentions.is_empty()
}

/// Before the message itself is edited: from now on it may mention users.
fn edited_in_room(
    message: &MessageState,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    let Some(old) = before_edit(message, set)? else { return Ok(()) };
    let (is_main, main, room) = (old.is_main(), old.main_number, old.room_id);
    let beyond = set.rooms.get(&room)?.is_some_and(|room| room.named_up_to < main);
    if is_main
        && beyond
        && has_mentions(message)
        && let Some(room) = set.rooms.change(&room)?
    {
        room.named_up_to = main;
        room.updated = at;
    }
    Ok(())
}

/// Before the message itself is emptied: from now on it is not counted.
fn deleted_in_room(
    data: &MessageDeleted,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    let Some(old) = set.messages.get(&data.message_id)? else { return Ok(()) };
    if old.deleted_at.is_some() || !old.is_main() {
        return Ok(());
    }
    let (main, room) = (old.main_number, old.room_id);
    let beyond = set.rooms.get(&room)?.is_some_and(|room| room.deleted_up_to < main);
    if beyond && let Some(room) = set.rooms.change(&room)? {
        room.deleted_up_to = main;
        room.updated = at;
    }
    Ok(())
}

/// The author of a post in the main timeline has read up to it. An answer in a thread says nothing of the main
/// timeline.
fn move_authors_marker(
    message: &MessageState,
    private: bool,
    place: Place,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    let author = (message.room_id, message.sender_id);
    let is_main = message.thread_root_id.is_none();
    let concerned = |member: &MembershipDoc| member.present && (is_main || !member.wrote);
    if set.memberships.get(&author)?.is_some_and(concerned)
        && let Some(member) = set.memberships.change(&author)?
    {
        member.wrote = true;
        member.updated = at;
        if is_main {
            member.marker_number = place.number;
            member.marker_main = place.main;
            member.marker_moved = true;
            member.marker_at = at;
            member.marker_message_id = Some(message.id);
            if !private {
                member.receipt_number = place.number;
                member.receipt_message_id = member.marker_message_id;
            }
        }
    }
    Ok(())
}
