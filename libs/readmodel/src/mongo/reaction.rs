//! Reactions in MongoDB.

use async_trait::async_trait;
use mongodb::IndexModel;
use mongodb::bson::{RawDocumentBuf, doc};
use schemas::ids::{MessageId, ReactionId};
use schemas::position::Sequence;
use schemas::values::Emoji;

use super::kept::{Kept, index};
use super::query::{by_keys, find};
use super::rows::{OwnFields, int, row};
use super::store::MongoStore;
use crate::answers::{Answer, MAX_ITEMS, Slice};
use crate::documents::{Key, ReactionDoc, ReactionReads};

impl Kept for ReactionDoc {
    fn indexes() -> Vec<IndexModel> {
        Vec::new()
    }

    /// The reactions to a message that is deleted are found by it, too.
    fn index_to_project() -> Option<IndexModel> {
        Some(index(doc! { "message_id": 1, "emoji": 1, "at": 1 }))
    }

    fn to_row(&self, id: String) -> Answer<RawDocumentBuf> {
        row(id, self, OwnFields {})
    }

    /// It may have been taken back and added again in one batch.
    fn is_new(&self, _expected: Sequence) -> bool {
        false
    }

    fn is_gone(&self) -> bool {
        self.removed
    }
}

#[async_trait]
impl ReactionReads for MongoStore {
    async fn reactions(&self, keys: &[(MessageId, ReactionId)]) -> Answer<Vec<ReactionDoc>> {
        let key =
            |(message, id): &(MessageId, ReactionId)| Key::Reaction(*message, *id).to_string();
        by_keys(&self.database, &keys.iter().map(key).collect::<Vec<_>>()).await
    }

    async fn reactions_of_kind(
        &self,
        message: &MessageId,
        emoji: &Emoji,
        after: Sequence,
        limit: usize,
    ) -> Answer<Slice<ReactionDoc>> {
        let limit = limit.clamp(1, MAX_ITEMS);
        let filter = doc! {
            "message_id": message.as_str(), "emoji": emoji.as_str(), "at": { "$gt": int(after) },
        };
        let found = find(&self.database, filter, doc! { "at": 1 }, limit + 1).await?;
        Ok(Slice::cut(found, limit))
    }
}
