//! Inboxes in MongoDB.

use async_trait::async_trait;
use mongodb::Database;
use mongodb::bson::RawDocumentBuf;
use schemas::ids::UserId;

use super::kept::Kept;
use super::query::by_keys;
use super::rows::{OwnFields, row};
use super::store::MongoStore;
use crate::answers::Answer;
use crate::documents::{InboxDoc, InboxReads};

impl Kept for InboxDoc {
    fn to_row(&self, id: String) -> Answer<RawDocumentBuf> {
        row(id, self, OwnFields {})
    }
}

/// A user's inbox; an empty one for a user who never got an entry.
pub(super) async fn inbox(database: &Database, user: &UserId) -> Answer<InboxDoc> {
    let found = by_keys(database, &[user.to_string()]).await?.pop();
    Ok(found.unwrap_or_else(|| InboxDoc::empty(*user)))
}

#[async_trait]
impl InboxReads for MongoStore {
    async fn inbox(&self, user: &UserId) -> Answer<InboxDoc> {
        inbox(&self.database, user).await
    }
}
