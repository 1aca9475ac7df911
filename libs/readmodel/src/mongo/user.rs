//! Users in MongoDB.

use std::collections::BTreeSet;

use async_trait::async_trait;
use mongodb::IndexModel;
use mongodb::bson::{Bson, RawDocument, RawDocumentBuf, doc};
use schemas::ids::UserId;
use schemas::position::Sequence;
use schemas::values::Username;
use serde::{Deserialize, Serialize};

use super::kept::{Kept, index, partial};
use super::query::{by_keys, by_words, by_words_of, find, texts};
use super::rows::{int, plain, row, unreadable};
use super::store::MongoStore;
use crate::answers::{Answer, Changes, ListFrom, Slice};
use crate::documents::{AccountFilter, UserDoc, UserReads};
use crate::words;

/// What a user is searched by.
#[derive(Serialize)]
struct Searched {
    /// The words the user is found by.
    _words: BTreeSet<String>,
    /// The user's settings as JSON text: BSON cannot hold every number and key that JSON can.
    _settings: String,
}

/// The field is there, and true, for users who are erased.
const NOT_DELETED: Bson = Bson::Null;

impl Kept for UserDoc {
    fn indexes() -> Vec<IndexModel> {
        vec![
            index(doc! { "state.username": 1 }),
            index(doc! { "_words": 1 }),
            index(doc! { "updated": 1 }),
            index(doc! { "state.role": 1, "_id": 1 }),
            partial(doc! { "state.suspended": 1, "_id": 1 }, doc! { "state.suspended": true }),
        ]
    }

    fn to_row(&self, id: String) -> Answer<RawDocumentBuf> {
        let mut doc = self.clone();
        let settings = std::mem::take(&mut doc.state.settings);
        let settings = serde_json::to_string(&settings).map_err(unreadable)?;
        row(id, &doc, Searched { _words: words::of_account(self), _settings: settings })
    }

    fn from_row(row: &RawDocument) -> Answer<Self> {
        #[derive(Deserialize)]
        struct Settings {
            _settings: String,
        }
        let mut user: Self = plain(row)?;
        let text = plain::<Settings>(row)?._settings;
        user.state.settings = serde_json::from_str(&text).map_err(unreadable)?;
        Ok(user)
    }

    fn is_new(&self, expected: Sequence) -> bool {
        self.registered > expected
    }
}

#[async_trait]
impl UserReads for MongoStore {
    async fn users(&self, ids: &[UserId]) -> Answer<Vec<UserDoc>> {
        by_keys(&self.database, &texts(ids)).await
    }

    async fn user_by_username(&self, username: &Username) -> Answer<Option<UserDoc>> {
        let filter = doc! { "state.username": username.as_str(), "state.deleted": NOT_DELETED };
        Ok(find(&self.database, filter, doc! { "_id": 1 }, 1).await?.pop())
    }

    async fn search_users(
        &self,
        query: &str,
        from: &ListFrom<Username, UserId>,
        limit: usize,
    ) -> Answer<Slice<UserDoc>> {
        let Some(words) = by_words(query) else { return Ok(Slice::cut(Vec::new(), limit)) };
        let mut filter = doc! { "$and": words };
        let sort = match from {
            ListFrom::Start => doc! { "state.username": 1, "_id": 1 },
            ListFrom::After(username) => {
                filter.insert("state.username", doc! { "$gt": username.as_str() });
                doc! { "state.username": 1, "_id": 1 }
            }
            ListFrom::Moved { since, after } => {
                filter.insert("updated", doc! { "$gt": int(*since) });
                filter.insert("_id", doc! { "$gt": after.as_ref().map_or("", UserId::as_str) });
                doc! { "_id": 1 }
            }
        };
        self.slice(filter, sort, limit).await
    }

    async fn accounts(
        &self,
        filter: &AccountFilter,
        after: Option<&UserId>,
        limit: usize,
    ) -> Answer<Slice<UserDoc>> {
        let AccountFilter { words, role, suspended } = filter;
        let after = after.map_or("", UserId::as_str);
        let mut asked = doc! { "_id": { "$gt": after }, "state.deleted": NOT_DELETED };
        if let Some(words) = words {
            let Some(words) = by_words_of(words, &words::OF_ADDRESS.to_string()) else {
                return Ok(Slice::cut(Vec::new(), limit));
            };
            asked.insert("$and", words);
        }
        if let Some(role) = role {
            asked.insert("state.role", role.as_str());
        }
        if let Some(suspended) = suspended {
            asked.insert("state.suspended", *suspended);
        }
        self.slice(asked, doc! { "_id": 1 }, limit).await
    }

    async fn list_users(&self, after: Option<&UserId>, limit: usize) -> Answer<Slice<UserDoc>> {
        let after = after.map_or("", UserId::as_str);
        let filter = doc! { "_id": { "$gt": after }, "state.deleted": NOT_DELETED };
        self.slice(filter, doc! { "_id": 1 }, limit).await
    }

    async fn user_changes(&self, after: Sequence, limit: usize) -> Answer<Changes<UserDoc>> {
        self.changes(doc! { "updated": { "$gt": int(after) } }, "updated", limit).await
    }
}
