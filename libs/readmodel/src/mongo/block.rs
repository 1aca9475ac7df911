//! Blocks in MongoDB.

use async_trait::async_trait;
use mongodb::bson::RawDocumentBuf;
use schemas::ids::UserId;

use super::kept::Kept;
use super::query::by_keys;
use super::rows::{OwnFields, row};
use super::store::MongoStore;
use crate::answers::Answer;
use crate::documents::{BlockReads, BlocksDoc};

impl Kept for BlocksDoc {
    fn to_row(&self, id: String) -> Answer<RawDocumentBuf> {
        row(id, self, OwnFields {})
    }
}

#[async_trait]
impl BlockReads for MongoStore {
    async fn blocked_by(&self, user: &UserId) -> Answer<Vec<UserId>> {
        let found: Option<BlocksDoc> = by_keys(&self.database, &[user.to_string()]).await?.pop();
        Ok(found.map(|doc| doc.blocked).unwrap_or_default())
    }
}
