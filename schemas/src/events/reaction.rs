//! Reactions: what people think of messages, in one emoji.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::family;
use crate::ids::{MessageId, RoomId, UserId};
use crate::position::Sequence;
use crate::values::Emoji;

/// Most kinds of reactions to one message.
pub const MAX_KINDS: usize = 50;

/// A user has reacted to a message. Changes nothing when they had reacted so already, when the message is deleted, and
/// when it has as many kinds of reactions as it may have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReactionAdded {
    /// The message.
    pub message_id: MessageId,
    /// The room it was posted in.
    pub room_id: RoomId,
    /// The user who reacted.
    pub user_id: UserId,
    /// The emoji.
    pub emoji: Emoji,
    /// Where the message was posted.
    pub posted: Sequence,
    /// The message had nearly as many kinds as it may have: another decision at the same time may have taken the last.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub near_limit: bool,
}

/// A user has taken a reaction back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReactionRemoved {
    /// The message.
    pub message_id: MessageId,
    /// The room it was posted in.
    pub room_id: RoomId,
    /// The user whose reaction it was.
    pub user_id: UserId,
    /// The emoji.
    pub emoji: Emoji,
    /// Where the message was posted.
    pub posted: Sequence,
}

family! {
    /// What happens to reactions.
    ReactionEvent {
        Added(ReactionAdded) = "reaction.added.v1", |d| d.message_id;
        Removed(ReactionRemoved) = "reaction.removed.v1", |d| d.message_id;
    }
}
