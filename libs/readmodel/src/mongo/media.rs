//! Media in MongoDB.

use async_trait::async_trait;
use mongodb::IndexModel;
use mongodb::bson::{RawDocumentBuf, doc};
use schemas::ids::{MediaId, UserId};
use schemas::position::Sequence;
use schemas::time::Timestamp;
use serde::Serialize;

use super::kept::{Kept, index, partial};
use super::query::{by_keys, find};
use super::rows::{OwnFields, int, row};
use super::store::MongoStore;
use crate::answers::{Answer, Changes, MAX_ITEMS, Slice};
use crate::documents::{
    Collection, MediaDoc, MediaReads, MediaUsageDoc, MediaUsageReads, SiteDoc, Waiting,
};

/// What a medium is searched by.
#[derive(Serialize)]
struct Searched {
    /// What it waits for; none for nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    _waiting: Option<i64>,
    /// Since when, in milliseconds.
    _since: i64,
}

impl Kept for MediaDoc {
    fn indexes() -> Vec<IndexModel> {
        vec![
            index(doc! { "state.owner_id": 1, "_id": 1 }),
            partial(doc! { "_waiting": 1, "_since": 1 }, doc! { "_waiting": { "$gt": 0 } }),
            partial(doc! { "state.owner_id": 1, "told": 1 }, doc! { "told": { "$gt": 0 } }),
        ]
    }

    fn to_row(&self, id: String) -> Answer<RawDocumentBuf> {
        let _waiting = self.waiting().map(Waiting::code);
        row(id, self, Searched { _waiting, _since: self.state.changed_at.millis() })
    }

    /// It does not say which event was its first.
    fn is_new(&self, _expected: Sequence) -> bool {
        false
    }
}

impl Kept for MediaUsageDoc {
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
}

#[async_trait]
impl MediaReads for MongoStore {
    async fn media(&self, id: &MediaId) -> Answer<Option<MediaDoc>> {
        Ok(by_keys(&self.database, &[id.to_string()]).await?.pop())
    }

    async fn media_of(
        &self,
        owner: &UserId,
        after: Option<&MediaId>,
        limit: usize,
    ) -> Answer<Slice<MediaDoc>> {
        let filter = doc! {
            "state.owner_id": owner.as_str(), "_id": { "$gt": after.map_or("", MediaId::as_str) },
            "state.status": { "$ne": "purged" },
        };
        self.slice(filter, doc! { "_id": 1 }, limit).await
    }

    async fn media_waiting(
        &self,
        waiting: Waiting,
        before: Timestamp,
        limit: usize,
    ) -> Answer<Vec<MediaDoc>> {
        let filter = doc! { "_waiting": waiting.code(), "_since": { "$lt": before.millis() } };
        find(&self.database, filter, doc! { "_since": 1 }, limit.clamp(1, MAX_ITEMS)).await
    }

    async fn media_changes(
        &self,
        owner: &UserId,
        after: Sequence,
        limit: usize,
    ) -> Answer<Changes<MediaDoc>> {
        let filter = doc! { "state.owner_id": owner.as_str(), "told": { "$gt": int(after) } };
        self.changes(filter, "told", limit).await
    }
}

#[async_trait]
impl MediaUsageReads for MongoStore {
    async fn media_usage(&self, user: &UserId) -> Answer<Option<MediaUsageDoc>> {
        Ok(by_keys(&self.database, &[user.to_string()]).await?.pop())
    }

    async fn media_bytes(&self) -> Answer<u64> {
        let key = Collection::Site.as_str().to_owned();
        let site: Option<SiteDoc> = by_keys(&self.database, &[key]).await?.pop();
        Ok(site.map_or(0, |site| site.media_bytes))
    }
}
