//! Decisions about retention.

use std::collections::BTreeSet;
use std::time::Duration;

use decider::{Expect, Fact};
use schemas::commands::ChangeRoom;
use schemas::events::{MessagesPurged, RetentionApplied, RoomState};
use schemas::{Lane, MessageId, Sequence, Timestamp, UserId};

use crate::domain::room::RoomRejection;

/// What becomes of old messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fate {
    /// They move to the archive.
    #[default]
    Archive,
    /// Nothing is left of them.
    Purge,
}

/// How long messages stay at hand, and what becomes of them then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// What becomes of them.
    pub fate: Fate,
    /// Days for rooms that say nothing else; none: for ever.
    pub days: Option<u32>,
    /// How long a day is: 24 hours, less only to see what happens.
    pub day: Duration,
}

impl Rule {
    /// The days after which messages of a room move to the archive: those of the room or of the installation, whichever
    /// are fewer. None: they stay.
    #[must_use]
    pub fn days_of(&self, room: &RoomState) -> Option<u32> {
        match (room.retention_days, self.days) {
            (Some(room), Some(all)) => Some(room.min(all)),
            (room, all) => room.or(all),
        }
    }

    /// What was posted before this moment is so many days old.
    #[must_use]
    pub fn before(&self, days: u32, now: Timestamp) -> Timestamp {
        let age = self.day.saturating_mul(days).as_millis();
        let age = i64::try_from(age).unwrap_or(i64::MAX);
        Timestamp::from_millis(now.millis().saturating_sub(age))
    }
}

/// A message that is old enough to move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aged {
    /// The message.
    pub id: MessageId,
    /// Its place in its room.
    pub number: u64,
    /// Its author.
    pub sender_id: UserId,
    /// The event that deleted it, and when; none while it stands.
    pub deleted: Option<(Sequence, Timestamp)>,
}

/// Moves old messages of a room to the archive, but for those of users under a legal hold; nothing when that is all of
/// them. `at` is the last event of the room's lane of retention: two who decide at the same time write once.
#[must_use]
pub fn apply(
    room: &RoomState,
    (days, before): (u32, Timestamp),
    aged: &[Aged],
    held: &BTreeSet<UserId>,
    at: Sequence,
) -> Option<Fact> {
    let (stay, go): (Vec<&Aged>, Vec<&Aged>) =
        aged.iter().partition(|message| held.contains(&message.sender_id));
    if go.is_empty() {
        return None;
    }
    let except: BTreeSet<&UserId> = stay.iter().map(|message| &message.sender_id).collect();
    let applied = RetentionApplied {
        room_id: room.id,
        days,
        before,
        messages: go.into_iter().map(|message| message.id).collect(),
        except_users: except.into_iter().cloned().collect(),
    };
    Some(Fact::expecting(Expect::At(at), Lane::Retention(room.id), applied))
}

/// Messages of a room are gone for good. Each was deleted, and its texts have left the log.
#[must_use]
pub fn purged(
    room: &RoomState,
    (days, before): (u32, Timestamp),
    messages: Vec<MessageId>,
    at: Sequence,
) -> Fact {
    let purged = MessagesPurged { room_id: room.id, days, before, messages };
    Fact::expecting(Expect::At(at), Lane::Retention(room.id), purged)
}

/// A room may keep messages at hand for as long as the installation does, and not longer.
///
/// # Errors
/// [`RoomRejection::RetentionTooLong`].
pub fn keeps_within(command: &ChangeRoom, longest: Option<u32>) -> Result<(), RoomRejection> {
    let days = command.retention_days.clone().apply(None);
    match (days, longest) {
        (Some(days), Some(longest)) if days > longest => {
            Err(RoomRejection::RetentionTooLong(longest))
        }
        _ => Ok(()),
    }
}
