//! What waits for a person in a room, counted when somebody asks.
//!
//! A message costs no write per member. A room keeps how many messages of its main timeline there were, a
//! membership keeps the place of its marker among them; what lies between is unread, less what was deleted. Which
//! of them name the person, and which were deleted, is counted on indexes of exactly these messages, so that no
//! order of edits and deletions can leave a count behind.

use schemas::ids::{RoomId, UserId};
use schemas::values::RoomMention;

use crate::docs::{MembershipDoc, MessageDoc, RoomDoc};

/// What waits for a person in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unread {
    /// Messages of the main timeline after the marker, by others, that were not deleted.
    pub messages: u64,
    /// Of those, the ones that name the person or the whole room, each counted once.
    pub mentions: u64,
}

/// A stretch of a room's main timeline in which something is to be counted for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// Where.
    pub room_id: RoomId,
    /// For whom.
    pub user_id: UserId,
    /// The main number after which it begins.
    pub after: u64,
    /// The main number with which it ends.
    pub through: u64,
    /// Whether there may be deleted messages in it.
    pub deleted: bool,
    /// Whether there may be messages in it that name somebody.
    pub named: bool,
}

/// What a store counted in a stretch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counted {
    /// Deleted messages.
    pub deleted: u64,
    /// Messages that name the person or the whole room.
    pub named: u64,
}

impl Stretch {
    /// What lies between a member's marker and the room's end.
    pub(crate) fn unread(room: &RoomDoc, member: &MembershipDoc) -> Self {
        Self {
            room_id: room.state.id.clone(),
            user_id: member.user_id.clone(),
            after: member.marker_main,
            through: room.main_number,
            deleted: room.deleted_up_to > member.marker_main,
            named: room.named_up_to > member.marker_main,
        }
    }

    /// Whether anything in it has to be counted by the store.
    pub(crate) const fn must_be_counted(&self) -> bool {
        self.through > self.after && (self.deleted || self.named)
    }

    /// What is unread in it.
    pub(crate) const fn less(&self, counted: Counted) -> Unread {
        let all = self.through.saturating_sub(self.after);
        // Own messages are never among them: posting in the main timeline moves the marker.
        Unread { messages: all.saturating_sub(counted.deleted), mentions: counted.named }
    }
}

/// The stretches that a store has to count.
pub(crate) fn to_be_counted(all: &[Stretch]) -> Vec<Stretch> {
    all.iter().filter(|stretch| stretch.must_be_counted()).cloned().collect()
}

/// What is unread in stretches, when those of [`to_be_counted`] were counted.
pub(crate) fn unread(all: &[Stretch], counted: Vec<Counted>) -> Vec<Unread> {
    let mut counted = counted.into_iter();
    let of = |stretch: &Stretch| {
        let counted = if stretch.must_be_counted() { counted.next() } else { None };
        stretch.less(counted.unwrap_or_default())
    };
    all.iter().map(of).collect()
}

impl MembershipDoc {
    /// The number of the last message the person is known to have read in the present stay: the marker, once
    /// it was moved; 0 before.
    #[must_use]
    pub const fn read_through(&self) -> u64 {
        if self.marker_moved { self.marker_number } else { 0 }
    }
}

impl MessageDoc {
    /// Whether it stands in the main timeline rather than in a thread.
    #[must_use]
    pub const fn is_main(&self) -> bool {
        self.thread_root_id.is_none()
    }

    /// Its place among the deleted messages of the main timeline; none when it is not one of them.
    pub(crate) fn deleted_place(&self) -> Option<u64> {
        (self.is_main() && self.deleted_at.is_some()).then_some(self.main_number)
    }

    /// The people for whom it counts as a mention: named by others, in the main timeline.
    pub(crate) fn people_named(&self) -> impl Iterator<Item = &UserId> {
        let named = self.mentions.iter().filter(|user| **user != self.sender_id);
        named.filter(|_| self.is_main())
    }

    /// Whether it counts as a mention for everyone in the room.
    pub(crate) fn names_room(&self) -> bool {
        self.mentions_room == Some(RoomMention::Room) && self.is_main()
    }
}
