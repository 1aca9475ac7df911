//! Read markers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{MessageId, UserId};

/// A read marker: how far a user has read a room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReadMarker {
    /// The user.
    pub user_id: UserId,
    /// The last message read.
    pub message_id: MessageId,
}
