//! What is unread for a member of a room, counted when it is asked for.
//!
//! A message costs no write per member. A room keeps how many messages of its main timeline there were, a
//! membership keeps the place of its marker among them; what lies between is unread, less what was deleted. Which
//! of them name the member, and which were deleted, is counted on indexes of exactly these messages, so that no
//! order of edits and deletions can leave a wrong count behind.

use async_trait::async_trait;
use schemas::ids::{RoomId, UserId};

use super::block::BlockReads;
use super::membership::MembershipDoc;
use super::room::RoomDoc;
use crate::answers::Answer;

/// What is unread for a member of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unread {
    /// Messages of the main timeline after the marker, by others, that were not deleted.
    pub messages: u64,
    /// Of those, the ones that name the member or the whole room and are not by users the member blocks, each counted
    /// once.
    pub mentions: u64,
}

/// A stretch of a room's main timeline in which something is to be counted for a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// The room whose timeline it is a part of.
    pub room_id: RoomId,
    /// The user for whom mentions are counted.
    pub user_id: UserId,
    /// The main number after which it begins.
    pub after: u64,
    /// The main number with which it ends.
    pub through: u64,
    /// Whether there may be deleted messages in it.
    pub deleted: bool,
    /// Whether there may be messages in it that name a member or the room.
    pub named: bool,
    /// Users whose messages count as naming no one, as the user blocks them.
    pub blocked: Vec<UserId>,
}

/// What a store counted in a stretch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counted {
    /// The number of deleted messages.
    pub deleted: u64,
    /// The number of messages that name the user or the whole room.
    pub named: u64,
}

impl Stretch {
    /// What lies between a member's marker and the room's end.
    fn unread(room: &RoomDoc, member: &MembershipDoc) -> Self {
        Self {
            room_id: room.state.id,
            user_id: member.user_id,
            after: member.marker_main,
            through: room.main_number,
            deleted: room.deleted_up_to > member.marker_main,
            named: room.named_up_to > member.marker_main,
            blocked: Vec::new(),
        }
    }

    /// Whether the store has to count anything in it.
    const fn must_be_counted(&self) -> bool {
        self.through > self.after && (self.deleted || self.named)
    }

    /// What is unread in it.
    const fn less(&self, counted: Counted) -> Unread {
        let all = self.through.saturating_sub(self.after);
        // The member's own messages are never among them: a post in the main timeline moves the marker.
        Unread { messages: all.saturating_sub(counted.deleted), mentions: counted.named }
    }
}

/// What can be asked about unread messages.
#[async_trait]
pub trait UnreadReads: BlockReads + Send + Sync {
    /// Counts in stretches of main timelines, in their order. What a stretch does not ask for may be left out.
    async fn count(&self, stretches: Vec<Stretch>) -> Answer<Vec<Counted>>;
    /// What is unread for members in their rooms, in the order they are given.
    async fn unread(&self, of: &[(&RoomDoc, &MembershipDoc)]) -> Answer<Vec<Unread>> {
        let all: Vec<Stretch> = of.iter().map(|(room, own)| Stretch::unread(room, own)).collect();
        let mut asked: Vec<Stretch> =
            all.iter().filter(|stretch| stretch.must_be_counted()).cloned().collect();
        let mut blocks: Option<(UserId, Vec<UserId>)> = None;
        for stretch in asked.iter_mut().filter(|stretch| stretch.named) {
            let known = blocks.take().filter(|(user, _)| *user == stretch.user_id);
            let known = match known {
                Some(known) => known,
                None => (stretch.user_id, self.blocked_by(&stretch.user_id).await?),
            };
            stretch.blocked.clone_from(&known.1);
            blocks = Some(known);
        }
        let counted = if asked.is_empty() { Vec::new() } else { self.count(asked).await? };
        let mut counted = counted.into_iter();
        let unread = |stretch: &Stretch| {
            let counted = if stretch.must_be_counted() { counted.next() } else { None };
            stretch.less(counted.unwrap_or_default())
        };
        Ok(all.iter().map(unread).collect())
    }
}
