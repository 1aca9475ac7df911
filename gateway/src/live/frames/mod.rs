//! What events and documents are to clients: the frame's name, the document in it, and who hears of it.
//!
//! One file per family. Its `broadcast` makes the frame of an event, the same bytes for every socket; its `changed`
//! makes what a resume out of the read model tells of a document instead. What one tells the other must tell too: a
//! table in the tests has every event type, and what a client that was away is told of it.
//!
//! Pure: names of people are handed in. Owns the names and the shapes of what is told; must not know sockets, tables or
//! the store. Frames are API: a name or a field may be added, none may change.

pub(crate) mod media;
pub(crate) mod member;
pub(crate) mod message;
pub(crate) mod notification;
pub(crate) mod pin;
pub(crate) mod prefs;
pub(crate) mod reaction;
pub(crate) mod receipt;
pub(crate) mod room;
pub(crate) mod thread;
pub(crate) mod user;

mod broadcast;
mod described;
mod names;
mod span;
mod unreadable;

use schemas::views::Notification;
use schemas::{Event, EventData, UserId};

use crate::links::Author;

pub(crate) use broadcast::{About, Audience, Broadcast, Effect, Place};
pub(crate) use described::data_of;
pub(crate) use names::FrameName;
pub(crate) use span::{Arrivals, Change, Span};
pub(crate) use unreadable::{reload, unreadable};

/// What an event does not say itself.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// The user `sender_of` names, and what leads to files.
    pub(crate) sender: Option<Author>,
    /// The notification it is about, in words, if it can be had.
    pub(crate) notification: Option<Notification>,
}

/// The user whose name is needed to tell of an event.
pub(crate) fn sender_of(event: &Event) -> Option<&UserId> {
    match &event.data {
        EventData::Message(event) => Some(message::sender_of(event)),
        // What leads to files comes with names.
        EventData::Media(event) => media::owner_of(event),
        EventData::Receipt(_)
        | EventData::Thread(_)
        | EventData::Report(_)
        | EventData::Reaction(_)
        | EventData::Pin(_)
        | EventData::Notification(_)
        | EventData::User(_)
        | EventData::Session(_)
        | EventData::Challenge(_)
        | EventData::Identity(_)
        | EventData::Name(_)
        | EventData::Room(_)
        | EventData::Member(_)
        | EventData::Block(_)
        | EventData::Prefs(_)
        | EventData::Audit(_)
        | EventData::Invite(_)
        | EventData::Erasure(_)
        | EventData::Export(_)
        | EventData::Hold(_)
        | EventData::Retention(_) => None,
    }
}

/// An event as clients are told of it; none when they are not told of its kind.
pub(crate) fn to_frame(event: &Event, place: Place<'_>, known: Known) -> Option<Broadcast> {
    // Only events on timelines name the former one.
    let elsewhere = Place { previous: None, ..place };
    match &event.data {
        EventData::Message(event) => Some(message::broadcast(event, place, known.sender?)),
        EventData::Receipt(event) => Some(receipt::broadcast(event, elsewhere)),
        EventData::Member(event) => member::broadcast(event, elsewhere),
        EventData::Room(event) => Some(room::broadcast(event, elsewhere)),
        EventData::Notification(event) => {
            notification::broadcast(event, elsewhere, known.notification)
        }
        EventData::User(event) => user::broadcast(event, elsewhere),
        EventData::Reaction(event) => Some(reaction::broadcast(event, place)),
        EventData::Pin(event) => Some(pin::broadcast(event, place)),
        EventData::Prefs(event) => Some(prefs::broadcast(event, elsewhere)),
        EventData::Thread(event) => Some(thread::broadcast(event, elsewhere)),
        EventData::Media(event) => media::broadcast(event, elsewhere, &known.sender?.links),
        EventData::Session(_)
        | EventData::Challenge(_)
        | EventData::Identity(_)
        | EventData::Name(_)
        | EventData::Report(_)
        | EventData::Block(_)
        | EventData::Audit(_)
        | EventData::Invite(_)
        | EventData::Erasure(_)
        | EventData::Export(_)
        | EventData::Hold(_)
        | EventData::Retention(_) => None,
    }
}

#[cfg(test)]
mod tests;
