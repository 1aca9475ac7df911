//! What a resume out of the read model tells of a document that changed, and where: the vocabulary of every family's
//! `changed`.

use std::collections::HashMap;

use bytes::Bytes;
use readmodel::MembershipDoc;
use schemas::{Epoch, MessageId, RoomId, Sequence, UserId};

use super::broadcast::Place;
use crate::links::Links;

/// For whom, and between which places.
pub(crate) struct Span<'a> {
    pub(crate) epoch: &'a Epoch,
    pub(crate) user: &'a UserId,
    /// What leads to files.
    pub(crate) links: &'a Links,
    /// The last position the client has.
    pub(crate) after: Sequence,
    /// The documents hold everything up to here. What they hold beyond it is told by other means.
    pub(crate) through: Sequence,
}

impl Span<'_> {
    /// Whether something of that sequence is told of here.
    pub(super) const fn covers(&self, sequence: Sequence) -> bool {
        sequence > self.after && sequence <= self.through
    }

    pub(super) const fn place(&self, sequence: Sequence) -> Place<'_> {
        Place { epoch: self.epoch, sequence, previous: None }
    }
}

/// One thing a resume tells.
#[derive(Debug)]
pub(crate) enum Change {
    /// A document that is small, as a frame.
    Frame { at: Sequence, frame: Bytes },
    /// What the client holds of a room may have holes.
    Reload { at: Sequence, room: RoomId },
    /// A message, of about so many bytes, whose document is read when its turn comes. `second`: of two frames at this
    /// position it is the second.
    Message { at: Sequence, second: bool, message: MessageId, bytes: usize },
}

/// The rooms that the user came into in the meantime, and where the present stay began: of what happened there before,
/// a `reload` is all that is told.
pub(crate) struct Arrivals<'a>(HashMap<&'a RoomId, Sequence>);

impl<'a> Arrivals<'a> {
    /// From the user's own memberships.
    pub(crate) fn of(own: &'a [MembershipDoc], span: &Span<'_>) -> Self {
        let came = own.iter().filter(|doc| is_in(doc) && doc.joined > span.after);
        Self(came.map(|doc| (&doc.room_id, doc.joined)).collect())
    }

    /// Whether what happened in a room at a place is told.
    pub(super) fn tell(&self, room: &RoomId, at: Sequence) -> bool {
        self.0.get(room).is_none_or(|joined| at > *joined)
    }

    /// Where the user came into a room, if they did.
    pub(super) fn joined(&self, room: &RoomId) -> Option<Sequence> {
        self.0.get(room).copied()
    }
}

/// Whether a membership lets its user hear the room.
pub(super) const fn is_in(doc: &MembershipDoc) -> bool {
    doc.present && !doc.banned
}
