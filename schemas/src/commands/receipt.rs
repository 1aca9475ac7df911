//! Read markers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CHAT, commands};
use crate::ids::{MessageId, RoomId};
use crate::position::Sequence;

/// Where a read marker stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReadOutcome {
    /// The last message read.
    pub message_id: MessageId,
    /// Where it was posted.
    pub posted: Sequence,
}

commands! {
    /// Moves the caller's read marker forwards.
    CHAT / "mark_read": MarkRead -> ReadOutcome {
        /// The room.
        room_id: RoomId,
        /// The message to read up to.
        message_id: MessageId,
        /// The thread whose marker is meant; none: the room's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        thread_root_id: Option<MessageId>,
    }
}
