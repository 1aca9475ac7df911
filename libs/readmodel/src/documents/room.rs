//! Rooms: the room as it is after its last event, and what is counted about its timeline.
//!
//! Counts and the newest message stand in the room so that a list of rooms is one query. They change with nearly every
//! message and are not indexed; what queries search by changes only with events about the room itself.

use async_trait::async_trait;
use schemas::events::RoomState;
use schemas::ids::{MessageId, RoomId};
use schemas::position::Sequence;
use schemas::values::{RoomKind, Visibility};
use serde::{Deserialize, Serialize};

use crate::answers::{Answer, Changes, ListFrom, Slice};

/// A room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoomDoc {
    /// The room after its last event.
    pub state: RoomState,
    /// Whether the room's creation has been projected. False only while events about it have come
    /// first (inside one atomic batch); no query finds such a room.
    pub created: bool,
    /// The number of members; for a room that every user belongs to, the number of registered users.
    pub member_count: u64,
    /// The number of the newest message, which is also how many were ever posted; 0 for none.
    pub last_number: u64,
    /// How many messages were ever posted in the main timeline, that is, not as thread answers.
    pub main_number: u64,
    /// The newest message of the main timeline, which may have been deleted since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_message_id: Option<MessageId>,
    /// The number of that message among all messages of the room; 0 for none.
    pub last_message_number: u64,
    /// The newest message of the main timeline, or the room's creation: what room lists are ordered by.
    pub last_activity: Sequence,
    /// No message of the main timeline after this main number was ever deleted. Spares counting.
    pub deleted_up_to: u64,
    /// No message of the main timeline after this main number ever named a member or the room. Spares
    /// counting.
    pub named_up_to: u64,
    /// The last event of the room's own lane (created, changed, archived).
    pub changed: Sequence,
    /// The last event that changed anything here, counts included.
    pub updated: Sequence,
}

impl RoomDoc {
    /// A room in which nothing has happened yet, by the event at this place.
    #[must_use]
    pub const fn begun(state: RoomState, at: Sequence) -> Self {
        Self {
            state,
            created: true,
            member_count: 0,
            last_number: 0,
            main_number: 0,
            last_message_id: None,
            last_message_number: 0,
            last_activity: at,
            deleted_up_to: 0,
            named_up_to: 0,
            changed: at,
            updated: at,
        }
    }

    /// How many messages were ever posted in the room.
    #[must_use]
    pub const fn message_count(&self) -> u64 {
        self.last_number
    }

    /// The folded name under which any user may find the room; none when it cannot be found by its name.
    pub(crate) fn public_name(&self) -> Option<String> {
        let state = &self.state;
        let findable = self.created
            && state.visibility == Visibility::Public
            && state.kind != RoomKind::Direct
            && !state.archived;
        state.name.as_ref().filter(|_| findable).map(|name| fold(name.as_str()))
    }
}

/// Which public rooms to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoomFilter {
    /// All of them.
    Any,
    /// Those of exactly this name, without regard to case.
    Name(String),
    /// Those whose name has words that begin like those of the query; see
    /// [`UserReads::search_users`](super::UserReads::search_users).
    Words(String),
}

/// Where a list of rooms ordered by name goes on: after this room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameAnchor {
    /// The room's name, as [`fold`] gives it.
    pub name: String,
    /// The room's id, which orders rooms of the same name.
    pub room_id: RoomId,
}

/// The form in which names are compared: that of [`schemas::unicode::key`].
#[must_use]
pub fn fold(name: &str) -> String {
    schemas::unicode::key(name)
}

/// What can be asked about rooms.
#[async_trait]
pub trait RoomReads: Send + Sync {
    /// One room.
    async fn room(&self, id: &RoomId) -> Answer<Option<RoomDoc>> {
        Ok(self.rooms(std::slice::from_ref(id)).await?.pop())
    }
    /// Several rooms: those that exist, in no particular order.
    async fn rooms(&self, ids: &[RoomId]) -> Answer<Vec<RoomDoc>>;
    /// Public rooms that are not archived, by folded name, then id. A room moves when its own state changes.
    async fn public_rooms(
        &self,
        filter: &RoomFilter,
        from: &ListFrom<NameAnchor, RoomId>,
        limit: usize,
    ) -> Answer<Slice<RoomDoc>>;
    /// All rooms there are, in the order of their ids, after an id.
    async fn all_rooms(&self, after: Option<&RoomId>, limit: usize) -> Answer<Slice<RoomDoc>>;
    /// Of these rooms, those whose own state changed after a sequence.
    async fn room_changes(
        &self,
        rooms: &[RoomId],
        after: Sequence,
        limit: usize,
    ) -> Answer<Changes<RoomDoc>>;
}
