//! An event as it goes to sockets: the bytes, who hears it and what it changes in the tables of the hub.

use bytes::Bytes;
use schemas::{Epoch, MessageId, Position, RoomId, Sequence, Timestamp, UserId};
use serde::Serialize;

use super::names::FrameName;
use crate::live::wire;

/// Who hears of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Every user in a room.
    Room(RoomId),
    /// Every user in a room, and one who may not be in it any more.
    RoomAnd(RoomId, UserId),
    /// One user.
    Person(UserId),
    /// One user, while they are in a room.
    PersonIn(RoomId, UserId),
    /// One user, and every user who shares a room with them.
    SharesRoomWith(UserId),
    /// The same of a user whose data is erased. By the time of a resume they have left every room, so that every user
    /// is told then: what a client holds of them must go.
    Erased(UserId),
}

/// What an event does to who is in which room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing.
    None,
    /// A user is in a room from now on, or is not any more.
    Member { room: RoomId, user: UserId, present: bool },
    /// A room was created; these users are in it from the beginning, or every user is.
    Created { room: RoomId, members: Vec<UserId>, everyone: bool },
}

/// What an event is about, as far as a resume puts several events together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum About {
    /// Nothing of the kind.
    Other,
    /// A message was posted by a user, in the main timeline or in a thread.
    Posted { message: MessageId, thread: Option<MessageId>, by: UserId, when: Timestamp },
    /// Its text changed.
    Edited { message: MessageId },
    /// It was deleted.
    Deleted { message: MessageId, thread: Option<MessageId> },
    /// Something beside it changed: a reaction, its pin.
    Beside { message: MessageId },
    /// A user's read marker moved to a message that was posted there.
    Marker { room: RoomId, user: UserId, posted: Sequence },
    /// The reader's own marker in a thread moved to an answer that was posted there.
    ThreadMarker { root: MessageId, posted: Sequence },
    /// The reader followed a thread, or stopped.
    Follow { root: MessageId },
}

/// An event as clients are told of it.
#[derive(Debug, Clone)]
pub(crate) struct Broadcast {
    /// Its name on the socket.
    pub(crate) name: FrameName,
    /// The whole WebSocket frame.
    pub(crate) frame: Bytes,
    /// What the user it happened to gets instead, where that differs.
    pub(crate) self_frame: Option<Bytes>,
    pub(crate) audience: Audience,
    pub(crate) effect: Effect,
    /// What a resume must know of it.
    pub(crate) about: About,
}

impl Broadcast {
    /// An event that every user in a room hears of.
    pub(super) fn in_room(
        name: FrameName,
        room: &RoomId,
        place: Place<'_>,
        data: &impl Serialize,
    ) -> Self {
        Self {
            name,
            frame: place.frame(name, Some(room), data),
            self_frame: None,
            audience: Audience::Room(*room),
            effect: Effect::None,
            about: About::Other,
        }
    }

    /// An event outside of rooms.
    pub(super) const fn outside(name: FrameName, frame: Bytes, audience: Audience) -> Self {
        let (effect, about) = (Effect::None, About::Other);
        Self { name, frame, self_frame: None, audience, effect, about }
    }

    /// Whether it stands for an event that cannot be told.
    pub(crate) const fn is_hole(&self) -> bool {
        matches!(self.name, FrameName::Reload | FrameName::Reset)
    }

    /// Every frame that was made of the event.
    pub(crate) fn frames(&self) -> impl Iterator<Item = &Bytes> {
        [Some(&self.frame), self.self_frame.as_ref()].into_iter().flatten()
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
    pub(crate) fn frame(
        &self,
        name: FrameName,
        room: Option<&RoomId>,
        data: &impl Serialize,
    ) -> Bytes {
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
    event: FrameName,
    #[serde(skip_serializing_if = "Option::is_none")]
    room_id: Option<&'a RoomId>,
    position: Position,
    previous: Option<Position>,
    data: &'a T,
}
