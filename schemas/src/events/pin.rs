//! Pins: messages that a room keeps at hand.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::family;
use crate::ids::{MessageId, RoomId, UserId};
use crate::position::Sequence;

/// Most pins of a room.
pub const MAX_PINS: usize = 100;

/// A message was pinned in its room. Changes nothing when it was pinned already, when it is deleted, and when the room
/// has as many pins as it may have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessagePinned {
    /// The message.
    pub message_id: MessageId,
    /// The room it was posted in.
    pub room_id: RoomId,
    /// The user who pinned it.
    pub user_id: UserId,
    /// Where the message was posted.
    pub posted: Sequence,
    /// The room had nearly as many pins as it may have: another decision at the same time may have taken the last.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub near_limit: bool,
}

/// A message was unpinned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessageUnpinned {
    /// The message.
    pub message_id: MessageId,
    /// The room it was posted in.
    pub room_id: RoomId,
    /// The user who unpinned it.
    pub user_id: UserId,
    /// Where the message was posted.
    pub posted: Sequence,
}

family! {
    /// What happens to pins.
    PinEvent {
        Pinned(MessagePinned) = "message.pinned.v1", |d| d.message_id;
        Unpinned(MessageUnpinned) = "message.unpinned.v1", |d| d.message_id;
    }
}
