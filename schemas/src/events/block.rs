//! Blocks: whom a user does not want to hear from. On a lane of their own, so that no one else is told.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::family;
use crate::ids::UserId;

/// Whom a user blocks after an event on their lane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BlocksState {
    /// Whose blocks they are.
    pub user_id: UserId,
    /// The users they block, the newest last; at most 1,000.
    pub blocked: Vec<UserId>,
}

/// A user blocked another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BlockAdded {
    /// The user who is blocked now.
    pub blocked_id: UserId,
    /// All blocks after it.
    pub blocks: BlocksState,
}

/// A user no longer blocks another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BlockRemoved {
    /// The user who was blocked.
    pub blocked_id: UserId,
    /// All blocks after it.
    pub blocks: BlocksState,
}

family! {
    /// What happens to blocks.
    BlockEvent {
        Added(BlockAdded) = "block.added.v1", |d| d.blocks.user_id;
        Removed(BlockRemoved) = "block.removed.v1", |d| d.blocks.user_id;
    }
}

impl BlockEvent {
    /// All blocks of the user after it.
    #[must_use]
    pub const fn after(&self) -> &BlocksState {
        match self {
            Self::Added(BlockAdded { blocks, .. }) | Self::Removed(BlockRemoved { blocks, .. }) => {
                blocks
            }
        }
    }
}
