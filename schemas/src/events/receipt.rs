//! Read markers: how far people have read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::family;
use crate::ids::{MessageId, RoomId, UserId};
use crate::position::Sequence;

/// A user has read a room up to a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReadMoved {
    /// The room.
    pub room_id: RoomId,
    /// The user who has read.
    pub user_id: UserId,
    /// The last message read.
    pub message_id: MessageId,
    /// Where that message was posted.
    pub posted: Sequence,
    /// The user did not want it to be seen then: only they are told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub private: bool,
}

family! {
    /// What happens to read markers.
    ReceiptEvent {
        Moved(ReadMoved) = "read.moved.v1", |d| d.message_id;
    }
}
