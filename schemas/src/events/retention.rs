//! Retention: messages that are as old as their room keeps messages at hand, and texts that are deleted long enough.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Blank, Gone, MediaState, family};
use crate::ids::{MessageId, RoomId, UserId};
use crate::position::Sequence;
use crate::time::Timestamp;

/// The most messages one event moves: a projection that applies it holds up nothing else.
pub const MAX_ARCHIVED: usize = 250;

/// Messages of a room moved to the archive. They are read, found, answered and deleted as before, and are not edited any
/// more. An event names them one by one, so that a replay moves the same ones whatever clocks, settings and legal holds
/// say by then. A message that is named again does not move again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RetentionApplied {
    /// The room.
    pub room_id: RoomId,
    /// The days after which the room's messages moved to the archive then.
    pub days: u32,
    /// The messages were posted before this moment.
    pub before: Timestamp,
    /// The messages, in the order of the log; at most [`MAX_ARCHIVED`].
    pub messages: Vec<MessageId>,
    /// Users whose messages were as old and stayed, because they were under a legal hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except_users: Vec<UserId>,
}

/// The most messages one event purges.
pub const MAX_PURGED: usize = 100;

/// Messages of a room are gone for good: they were deleted, their texts left the log, and from here on they are on no list.
/// Their numbers stay. A message that is named again is not purged again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessagesPurged {
    /// The room.
    pub room_id: RoomId,
    /// The days after which the room's messages were purged then.
    pub days: u32,
    /// The messages were posted before this moment.
    pub before: Timestamp,
    /// The messages, in the order of the log; at most [`MAX_PURGED`].
    pub messages: Vec<MessageId>,
}

/// What stands in the place of a message event that is gone, and whose message it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AuthoredBlank {
    /// The author.
    pub sender_id: UserId,
    /// The event without its text.
    #[serde(deserialize_with = "crate::object::one")]
    pub blank: Blank,
}

/// What stands in the place of an event of a file whose name is gone: the medium after it, without the name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MediaBlank {
    /// The place.
    pub sequence: Sequence,
    /// When the server had stored it.
    pub stored_at: Timestamp,
    /// The medium after it. Its status says what had happened: it was requested, stored or removed.
    pub media: MediaState,
}

/// The texts of deleted messages, former ones included, or the names of files that are gone, leave the log: the events that
/// hold them are securely deleted next. At most some hundreds at a time. What members see of the messages does not change:
/// they were deleted before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TextsRemoved {
    /// The room; of files that were in none, the id that is all zeros.
    pub room_id: RoomId,
    /// When they were listed.
    pub listed_at: Timestamp,
    /// The messages were deleted, or the files removed, before this moment.
    pub before: Timestamp,
    /// The events that go, in the order of the log.
    pub gone: Vec<Gone>,
    /// What stands in the places of those of messages.
    pub blanks: Vec<AuthoredBlank>,
    /// What stands in the places of those of files; for most of them nothing. A build that does not know this finds the
    /// last event of each file alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media: Vec<MediaBlank>,
}

/// The room of what was in none: the id that is all zeros.
#[must_use]
pub fn no_room() -> RoomId {
    RoomId::from_uuid(uuid::Uuid::nil())
}

impl TextsRemoved {
    /// The places of the events that go.
    #[must_use]
    pub fn sequences(&self) -> Vec<Sequence> {
        self.gone.iter().map(|gone| gone.sequence).collect()
    }
}

family! {
    /// What becomes of messages with time.
    RetentionEvent {
        Applied(RetentionApplied) = "room.retention_applied.v1", |d| d.room_id;
        Purged(MessagesPurged) = "room.messages_purged.v1", |d| d.room_id;
        TextsRemoved(TextsRemoved) = "room.texts_removed.v1", |d| d.room_id;
    }
}
