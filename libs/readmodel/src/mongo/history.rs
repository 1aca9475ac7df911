//! Former texts of messages in MongoDB.

use async_trait::async_trait;
use mongodb::bson::RawDocumentBuf;
use schemas::ids::MessageId;

use super::kept::Kept;
use super::query::by_keys;
use super::rows::{OwnFields, row};
use super::store::MongoStore;
use crate::answers::Answer;
use crate::documents::{HistoryDoc, HistoryReads};

impl Kept for HistoryDoc {
    fn to_row(&self, id: String) -> Answer<RawDocumentBuf> {
        row(id, self, OwnFields {})
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
