//! Threads, as their readers see them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Message, User};
use crate::ids::{MessageId, UserId};

/// A thread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Thread {
    /// The message that began it.
    pub root: Message,
    /// Answers after the reader's marker, by others, that were not deleted; 0 in a thread they do not follow.
    pub unread_count: u64,
    /// Of those, the ones that mention the reader or the whole room.
    pub mention_count: u64,
    /// Whether the reader follows it.
    pub following: bool,
    /// Who answered, the newest answer first; at most 5.
    pub participants: Vec<User>,
}

/// A read marker in a thread: how far a user has read it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ThreadMarker {
    /// The user.
    pub user_id: UserId,
    /// The last answer read.
    pub message_id: MessageId,
    /// The message that began the thread.
    pub thread_root_id: MessageId,
}
