//! Blocks: whom each user blocks. There is none for a user who never blocked another.

use async_trait::async_trait;
use schemas::ids::UserId;
use schemas::position::Sequence;
use serde::{Deserialize, Serialize};

use crate::answers::Answer;

/// Whom a user blocks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BlocksDoc {
    /// The user whose blocks they are.
    pub user_id: UserId,
    /// The users they block, the newest last; at most 1,000.
    pub blocked: Vec<UserId>,
    /// The last event that changed the list.
    pub updated: Sequence,
}

/// What can be asked about blocks.
#[async_trait]
pub trait BlockReads: Send + Sync {
    /// The users whom a user blocks, the newest last.
    async fn blocked_by(&self, user: &UserId) -> Answer<Vec<UserId>>;
}
