//! Former texts of messages in MongoDB.

use async_trait::async_trait;
use mongodb::IndexModel;
use mongodb::bson::RawDocumentBuf;
use schemas::ids::MessageId;
use schemas::position::Sequence;

use super::kept::Kept;
use super::query::by_keys;
use super::rows::{OwnFields, row};
use super::store::MongoStore;
use crate::answers::Answer;
use crate::documents::{HistoryDoc, HistoryReads};

impl Kept for HistoryDoc {
    /// They are found by their keys.
    fn indexes() -> Vec<IndexModel> {
        Vec::new()
    }

    fn to_row(&self, id: String) -> Answer<RawDocumentBuf> {
        row(id, self, OwnFields {})
    }

    /// It does not say which event was its first.
    fn is_new(&self, _expected: Sequence) -> bool {
        false
    }

    fn is_gone(&self) -> bool {
        self.texts.is_empty()
    }
}

#[async_trait]
impl HistoryReads for MongoStore {
    async fn history(&self, message: &MessageId) -> Answer<Option<HistoryDoc>> {
        Ok(by_keys(&self.database, &[message.to_string()]).await?.pop())
    }
}
