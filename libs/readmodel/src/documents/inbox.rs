//! Inboxes: what is true of a user's inbox as a whole.
//!
//! There is none for a user who never got an entry; [`InboxDoc::empty`] stands for it.

use async_trait::async_trait;
use schemas::ids::UserId;
use schemas::position::Sequence;
use serde::{Deserialize, Serialize};

use crate::answers::Answer;

/// A user's inbox as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InboxDoc {
    /// The user whose inbox it is.
    pub user_id: UserId,
    /// Every entry created up to here was marked read at once, by the event at this sequence; 0 for never.
    pub read_all: Sequence,
    /// The number of unread entries.
    pub unread_count: u64,
    /// The last event that changed the inbox.
    pub updated: Sequence,
}

impl InboxDoc {
    /// The inbox of a user who never got an entry.
    #[must_use]
    pub const fn empty(user_id: UserId) -> Self {
        Self { user_id, read_all: 0, unread_count: 0, updated: 0 }
    }
}

/// What can be asked about inboxes.
#[async_trait]
pub trait InboxReads: Send + Sync {
    /// A user's inbox; [`InboxDoc::empty`] for a user who never got an entry.
    async fn inbox(&self, user: &UserId) -> Answer<InboxDoc>;
}
