//! Reactions: a document for each, and the kinds of them on their message.
//!
//! A message keeps how many reacted with each emoji and who was first; who else did stands in a document per reaction, so
//! that thousands may react to one message.

use async_trait::async_trait;
use schemas::ids::{MessageId, ReactionId, UserId};
use schemas::position::Sequence;
use schemas::values::Emoji;
use serde::{Deserialize, Serialize};

use crate::answers::{Answer, Slice};

/// The users a message itself names of each kind, at most.
pub const FIRST_USERS: usize = 20;

/// A user's reaction to a message. Those to a deleted message are gone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReactionDoc {
    /// The message.
    pub message_id: MessageId,
    /// A function of user and emoji ([`ReactionId::of`]).
    pub id: ReactionId,
    /// The user who reacted.
    pub user_id: UserId,
    /// The emoji.
    pub emoji: Emoji,
    /// The event that added it; reactions of one kind are in its order.
    pub at: Sequence,
    /// It was taken back: no store keeps the document.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub removed: bool,
    /// The last event that changed anything here.
    pub updated: Sequence,
}

/// The reactions of one kind to a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReactionKind {
    /// The emoji.
    pub emoji: Emoji,
    /// How many users reacted with it; never 0.
    pub count: u64,
    /// The first of them, in order: at most [`FIRST_USERS`], and fewer than there are after one of them took theirs back.
    pub first: Vec<UserId>,
}

impl ReactionKind {
    /// Whether the users of the kind that are to be shown are not all named here.
    #[must_use]
    pub fn lacks_users(&self) -> bool {
        let named = u64::try_from(self.first.len()).unwrap_or(u64::MAX);
        self.first.len() < FIRST_USERS && named < self.count
    }
}

/// What can be asked about reactions.
#[async_trait]
pub trait ReactionReads: Send + Sync {
    /// Which of these reactions, each to a message, there are; in no particular order.
    async fn reactions(&self, keys: &[(MessageId, ReactionId)]) -> Answer<Vec<ReactionDoc>>;
    /// The reactions of one kind to a message after one of them (0: from the beginning), the first added first.
    async fn reactions_of_kind(
        &self,
        message: &MessageId,
        emoji: &Emoji,
        after: Sequence,
        limit: usize,
    ) -> Answer<Slice<ReactionDoc>>;
}
