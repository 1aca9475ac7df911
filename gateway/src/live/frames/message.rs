//! Messages, as clients are told of them: an event when it happens, a document in a resume.

use bytes::Bytes;
use readmodel::{MessageDoc, MessageMark};
use schemas::events::MessageEvent;
use schemas::views::{Message, Reaction};
use schemas::{Sequence, Timestamp, UserId};

use super::broadcast::{About, Broadcast, Place};
use super::names::FrameName;
use super::span::{Arrivals, Change, Span};
use crate::documents;
use crate::links::Author;

/// The user whose name is needed to tell of a message.
pub(crate) const fn sender_of(event: &MessageEvent) -> &UserId {
    match event {
        MessageEvent::Posted(posted) => &posted.message.sender_id,
        MessageEvent::Edited(edited) => &edited.message.sender_id,
        MessageEvent::Deleted(deleted) => &deleted.sender_id,
    }
}

pub(super) fn broadcast(event: &MessageEvent, place: Place<'_>, sender: Author) -> Broadcast {
    let epoch = place.epoch;
    let (name, about, view) = match event {
        MessageEvent::Posted(posted) => {
            let about = About::Posted {
                message: posted.message.id,
                thread: posted.message.thread_root_id,
                by: posted.message.sender_id,
                when: posted.message.created_at,
            };
            let position = epoch.at(place.sequence);
            let view = documents::message_view(&posted.message, sender, position, Some(0));
            (FrameName::MessagePosted, about, view)
        }
        MessageEvent::Edited(edited) => {
            let about = About::Edited { message: edited.message.id };
            let position = epoch.at(edited.posted);
            let view = documents::message_view(&edited.message, sender, position, None);
            let view = Message { edited_at: Some(edited.edited_at), ..view };
            (FrameName::MessageEdited, about, view)
        }
        MessageEvent::Deleted(deleted) => {
            let about =
                About::Deleted { message: deleted.message_id, thread: deleted.thread_root_id };
            let view = documents::message_view(deleted, sender, epoch.at(deleted.posted), None);
            // Answers to it stand, and are counted by what is told of them.
            let view = Message {
                deleted_at: Some(deleted.deleted_at),
                reactions: Some(Vec::new()),
                pinned: Some(false),
                ..view
            };
            (FrameName::MessageDeleted, about, view)
        }
    };
    Broadcast { about, ..Broadcast::in_room(name, &view.room_id, place, &view) }
}

/// A message that was posted where `place` is, as it is now: by the event that posted it or last changed its text,
/// with so many answers, the newest posted then. None for a deletion.
pub(crate) fn as_posted(
    event: &MessageEvent,
    place: Place<'_>,
    sender: Author,
    (replies, last_reply_at): (u64, Option<Timestamp>),
) -> Option<Bytes> {
    let (state, edited_at) = match event {
        MessageEvent::Posted(posted) => (&posted.message, None),
        MessageEvent::Edited(edited) => (&edited.message, Some(edited.edited_at)),
        MessageEvent::Deleted(_) => return None,
    };
    let position = place.epoch.at(place.sequence);
    let view = documents::message_view(state, sender, position, Some(replies));
    let view = Message { edited_at, last_reply_at, ..view };
    Some(place.frame(FrameName::MessagePosted, Some(&view.room_id), &view))
}

/// A message of which something changed.
pub(crate) fn changed(
    mark: &MessageMark,
    span: &Span<'_>,
    arrivals: &Arrivals<'_>,
) -> Option<Change> {
    let at = told_at(mark, span)?;
    if at > span.through || !arrivals.tell(&mark.room_id, at) {
        return None;
    }
    // Right where the client is: it may have got the answer without the message that was answered.
    let second = mark.beside == at;
    let (message, bytes) = (mark.id, mark.bytes);
    (at > span.after || second && at == span.after).then_some(Change::Message {
        at,
        second,
        message,
        bytes,
    })
}

/// Where a message is told.
fn told_at(mark: &MessageMark, span: &Span<'_>) -> Option<Sequence> {
    // What lies beyond is told by other means, and may say nothing of what lies here.
    let within = |at: Sequence| if at <= span.through { at } else { 0 };
    if mark.deleted {
        // Answers to it are counted further, and told of by nothing else.
        return (mark.changed <= span.through).then(|| mark.changed.max(within(mark.beside)));
    }
    if mark.posted > span.after {
        return Some(mark.posted);
    }
    let last = within(mark.changed).max(within(mark.beside));
    (last > 0).then_some(last)
}

/// The frame of a message that was planned to be told at a place, by its document as it is now; none when
/// what became of it meanwhile is told later.
pub(crate) fn document_frame(
    doc: &MessageDoc,
    after: Sequence,
    place: Place<'_>,
    sender: Author,
    reactions: Vec<Reaction>,
) -> Option<Bytes> {
    if doc.deleted_at.is_some() {
        return deleted_frame(doc, place, sender);
    }
    let at = place.sequence;
    let whole = || documents::message(doc.clone(), reactions, sender, place.epoch);
    let (name, view) = if doc.posted > after {
        (FrameName::MessagePosted, Message { number: None, ..whole() })
    } else if has_beside(doc) && doc.beside <= at {
        // Also when its text changed later, and when it was answered before: an edit says nothing of its answers and
        // reactions, and a client that was cut off between those and the edit has not been told of them.
        (FrameName::MessageChanged, whole())
    } else if doc.told() > at {
        return None;
    } else {
        (FrameName::MessageEdited, documents::text_of(whole()))
    };
    Some(place.frame(name, Some(&doc.room_id), &view))
}

/// Whether a message has, or had, answers, reactions or a pin.
pub(crate) const fn has_beside(doc: &MessageDoc) -> bool {
    doc.beside > 0
}

/// The frame of a deleted message, with how many answers to it stand; none when it was deleted later than at this place.
fn deleted_frame(doc: &MessageDoc, place: Place<'_>, sender: Author) -> Option<Bytes> {
    if doc.changed > place.sequence {
        return None;
    }
    let view = documents::message(doc.clone(), Vec::new(), sender, place.epoch);
    let view = Message { number: None, ..view };
    Some(place.frame(FrameName::MessageDeleted, Some(&doc.room_id), &view))
}

/// The frame of a message in which or beside which something changed, whole; none when it was deleted later.
pub(crate) fn changed_frame(
    doc: &MessageDoc,
    place: Place<'_>,
    sender: Author,
    reactions: Vec<Reaction>,
) -> Option<Bytes> {
    if doc.deleted_at.is_some() {
        return deleted_frame(doc, place, sender);
    }
    let view = documents::message(doc.clone(), reactions, sender, place.epoch);
    Some(place.frame(FrameName::MessageChanged, Some(&doc.room_id), &view))
}
