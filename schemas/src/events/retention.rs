//! Retention: messages that are as old as their room keeps messages at hand.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::family;
use crate::ids::{MessageId, RoomId, UserId};
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

family! {
    /// What becomes of messages with time.
    RetentionEvent {
        Applied(RetentionApplied) = "room.retention_applied.v1", |d| d.room_id;
    }
}
