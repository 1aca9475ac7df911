//! What an event is to clients: its name on the socket, the document after it, and who hears of it.
//! Pure: names of people are handed in. One event becomes one frame, the same bytes for everybody.

use bytes::Bytes;
use schemas::events::{
    MemberEvent, MemberState, MessageEvent, NotificationEvent, ReadMoved, ReceiptEvent, RoomEvent,
    UserEvent,
};
use schemas::position::Sequence;
use schemas::views::{Notification, ReadMarker, Sender};
use schemas::{Epoch, Event, EventData, MessageId, Position, RoomId, Timestamp, UserId};
use serde::Serialize;

use super::wire;
use crate::documents;

mod hole;
mod message;
pub(crate) use hole::hole;
pub(crate) use message::posted_as_now;
use message::{deleted_view, message_view};

/// Who hears of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Everybody in a room.
    Room(RoomId),
    /// Everybody in a room, and somebody who may not be in it any more.
    RoomAnd(RoomId, UserId),
    /// One person.
    Person(UserId),
    /// One person, and everybody he shares a room with.
    Acquainted(UserId),
}

/// What an event does to who is in which room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing.
    None,
    /// A person is in a room from now on, or is not any more.
    Member { room: RoomId, user: UserId, present: bool },
    /// A room came to be; these are in it from the beginning, or everybody is.
    Created { room: RoomId, members: Vec<UserId>, everyone: bool },
}

/// An event as clients are told of it.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    /// Its name on the socket.
    pub(crate) name: &'static str,
    /// The whole WebSocket frame.
    pub(crate) frame: Bytes,
    /// What the person it happened to gets instead, where that differs.
    pub(crate) own: Option<Bytes>,
    pub(crate) audience: Audience,
    pub(crate) effect: Effect,
    /// What a resume must know of it.
    pub(crate) about: About,
}

/// What an event is about, as far as a resume puts several events together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum About {
    /// Nothing of the kind.
    Other,
    /// A message was posted by a person, in the main timeline or in a thread.
    Posted { message: MessageId, thread: Option<MessageId>, by: UserId },
    /// Its text changed.
    Edited { message: MessageId },
    /// It was taken back.
    Deleted { message: MessageId, thread: Option<MessageId> },
    /// A person's read marker moved to a message that was posted there.
    Marker { user: UserId, posted: Sequence },
}

impl Told {
    /// Whether it stands for an event that cannot be told.
    pub(crate) fn is_hole(&self) -> bool {
        matches!(self.name, "reload" | "reset")
    }

    /// Every frame that was made of the event.
    pub(crate) fn frames(&self) -> impl Iterator<Item = &Bytes> {
        [Some(&self.frame), self.own.as_ref()].into_iter().flatten()
    }
}

/// Where an event stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) epoch: &'a Epoch,
    pub(crate) sequence: Sequence,
    /// The last event told on the room's timeline before it; 0 for none, nothing when it is not known. Events
    /// elsewhere name none.
    pub(crate) previous: Option<Sequence>,
}

impl Place<'_> {
    /// An event's frame.
    pub(crate) fn frame(&self, name: &str, room: Option<&RoomId>, data: &impl Serialize) -> Bytes {
        let previous = self.previous.filter(|previous| *previous > 0);
        wire::frame(&EventFrame {
            kind: "event",
            event: name,
            room_id: room,
            position: self.epoch.at(self.sequence),
            previous: previous.map(|previous| self.epoch.at(previous)),
            data,
        })
    }
}

/// [`schemas::frames::ServerFrame::Event`] with its document still to be written: a frame is made for
/// every event there is, and a detour over a JSON tree would double its cost.
#[derive(Serialize)]
struct EventFrame<'a, T> {
    #[serde(rename = "type")]
    kind: &'static str,
    event: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    room_id: Option<&'a RoomId>,
    position: Position,
    previous: Option<Position>,
    data: &'a T,
}

/// Whose name is needed to tell of an event.
pub(crate) fn sender_of(event: &Event) -> Option<&UserId> {
    let EventData::Message(event) = &event.data else { return None };
    Some(match event {
        MessageEvent::Posted(posted) => &posted.message.sender_id,
        MessageEvent::Edited(edited) => &edited.message.sender_id,
        MessageEvent::Deleted(deleted) => &deleted.sender_id,
    })
}

/// What an event does not say itself.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// The person `sender_of` names.
    pub(crate) sender: Option<Sender>,
    /// The notification it is about, in words, if it can be had.
    pub(crate) notification: Option<Notification>,
}

/// Tells of an event; none when clients are not told of its kind.
pub(crate) fn tell(event: &Event, place: Place<'_>, known: Known) -> Option<Told> {
    if let EventData::Message(event) = &event.data {
        return Some(tell_message(event, place, known.sender?));
    }
    let place = Place { previous: None, ..place };
    match &event.data {
        EventData::Receipt(ReceiptEvent::Moved(read)) => Some(tell_reading(read, place)),
        EventData::Member(event) => Some(tell_member(event, place)),
        EventData::Room(event) => Some(tell_room(event, place)),
        EventData::Notification(event) => tell_notification(event, place, known.notification),
        EventData::User(event) => tell_user(event, place),
        EventData::Message(_) | EventData::Session(_) | EventData::Name(_) => None,
    }
}

fn tell_reading(read: &ReadMoved, place: Place<'_>) -> Told {
    let marker = ReadMarker { user_id: read.user_id.clone(), message_id: read.message_id.clone() };
    let told = in_room("read.moved", &read.room_id, place, &marker);
    Told { about: About::Marker { user: marker.user_id, posted: read.posted }, ..told }
}

fn in_room(name: &'static str, room: &RoomId, place: Place<'_>, data: &impl Serialize) -> Told {
    Told {
        name,
        frame: place.frame(name, Some(room), data),
        own: None,
        audience: Audience::Room(room.clone()),
        effect: Effect::None,
        about: About::Other,
    }
}

fn tell_room(event: &RoomEvent, place: Place<'_>) -> Told {
    let room = event.after();
    let (name, effect) = match event {
        RoomEvent::Created(_) => {
            let effect = Effect::Created {
                room: room.id.clone(),
                members: room.direct_members.clone(),
                everyone: room.everyone,
            };
            ("room.created", effect)
        }
        RoomEvent::Changed(_) => ("room.changed", Effect::None),
        RoomEvent::Archived(_) => ("room.archived", Effect::None),
        RoomEvent::Restored(_) => ("room.restored", Effect::None),
    };
    Told { effect, ..in_room(name, &room.id, place, &documents::written_room(room)) }
}

fn tell_message(event: &MessageEvent, place: Place<'_>, sender: Sender) -> Told {
    let epoch = place.epoch;
    let (name, about, message) = match event {
        MessageEvent::Posted(posted) => {
            let about = About::Posted {
                message: posted.message.id.clone(),
                thread: posted.message.thread_root_id.clone(),
                by: posted.message.sender_id.clone(),
            };
            let position = epoch.at(place.sequence);
            ("message.posted", about, message_view(&posted.message, sender, position))
        }
        MessageEvent::Edited(edited) => {
            let about = About::Edited { message: edited.message.id.clone() };
            let mut message = message_view(&edited.message, sender, epoch.at(edited.posted));
            message.edited_at = Some(edited.edited_at);
            (message.reply_count, message.reactions, message.pinned) = (None, None, None);
            ("message.edited", about, message)
        }
        MessageEvent::Deleted(deleted) => {
            let about = About::Deleted {
                message: deleted.message_id.clone(),
                thread: deleted.thread_root_id.clone(),
            };
            ("message.deleted", about, deleted_view(deleted, sender, epoch.at(deleted.posted)))
        }
    };
    Told { about, ..in_room(name, &message.room_id, place, &message) }
}

fn tell_member(event: &MemberEvent, place: Place<'_>) -> Told {
    let name = match event {
        MemberEvent::Joined(_) | MemberEvent::Added(_) => "member.joined",
        MemberEvent::Left(_) | MemberEvent::Removed(_) => "member.left",
        MemberEvent::Changed(_) => "member.changed",
    };
    let member = event.after();
    let effect = Effect::Member {
        room: member.room_id.clone(),
        user: member.user_id.clone(),
        present: member.present,
    };
    Told {
        audience: Audience::RoomAnd(member.room_id.clone(), member.user_id.clone()),
        effect,
        ..in_room(name, &member.room_id, place, &MemberTold::from(member))
    }
}

fn tell_user(event: &UserEvent, place: Place<'_>) -> Option<Told> {
    let user = match event {
        UserEvent::Registered(_) => return None,
        UserEvent::ProfileChanged(_)
        | UserEvent::RoleChanged(_)
        | UserEvent::SuspensionChanged(_) => event.after()?,
    };
    Some(Told {
        name: "user.changed",
        frame: place.frame("user.changed", None, &documents::user(user)),
        own: Some(place.frame("user.changed", None, &documents::account(user))),
        audience: Audience::Acquainted(user.id.clone()),
        effect: Effect::None,
        about: About::Other,
    })
}

fn tell_notification(
    event: &NotificationEvent,
    place: Place<'_>,
    known: Option<Notification>,
) -> Option<Told> {
    let (name, person, frame) = match event {
        NotificationEvent::Created(created) => {
            let name = "notification.created";
            (name, &created.user_id, place.frame(name, None, &known?))
        }
        NotificationEvent::Removed(removed) => {
            let name = "notification.removed";
            let told = NotificationGone {
                id: &removed.notification_id,
                room_id: removed.room_id.as_ref(),
                message_id: removed.message_id.as_ref(),
            };
            (name, &removed.user_id, place.frame(name, None, &told))
        }
        NotificationEvent::Read(read) => {
            let name = "notification.read";
            let frame = match known {
                Some(whole) => place.frame(name, None, &Notification { read: true, ..whole }),
                None => {
                    let told = NotificationsTold::new(read.notification_id.as_ref());
                    place.frame(name, None, &told)
                }
            };
            (name, &read.user_id, frame)
        }
    };
    Some(Told {
        name,
        frame,
        own: None,
        audience: Audience::Person(person.clone()),
        effect: Effect::None,
        about: About::Other,
    })
}

/// A member, in an event.
#[derive(Debug, Serialize)]
pub(crate) struct MemberTold<'a> {
    pub(crate) user_id: &'a UserId,
    pub(crate) role: schemas::values::RoomRole,
    pub(crate) joined_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) muted_until: Option<Timestamp>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) banned: bool,
}

impl<'a> From<&'a MemberState> for MemberTold<'a> {
    fn from(member: &'a MemberState) -> Self {
        Self {
            user_id: &member.user_id,
            role: member.role,
            joined_at: member.joined_at,
            muted_until: member.muted_until,
            banned: member.banned,
        }
    }
}

/// Notifications that were read: one, or (`all`) every one there was.
#[derive(Debug, Serialize)]
pub(crate) struct NotificationsTold<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a schemas::NotificationId>,
    read: bool,
    all: bool,
}

/// A notification that was taken back.
#[derive(Debug, Serialize)]
pub(crate) struct NotificationGone<'a> {
    pub(crate) id: &'a schemas::NotificationId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) room_id: Option<&'a RoomId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message_id: Option<&'a MessageId>,
}

impl<'a> NotificationsTold<'a> {
    /// Of one, or of all.
    pub(crate) const fn new(id: Option<&'a schemas::NotificationId>) -> Self {
        Self { id, read: true, all: id.is_none() }
    }
}

#[cfg(test)]
mod tests;
