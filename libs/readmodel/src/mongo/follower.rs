//! Followers of threads in MongoDB.

use std::collections::HashMap;

use async_trait::async_trait;
use mongodb::IndexModel;
use mongodb::bson::{RawDocumentBuf, doc};
use schemas::ids::{MessageId, UserId};
use schemas::position::Sequence;
use serde::Serialize;

use super::kept::{Kept, partial};
use super::query::find;
use super::rows::{int, row};
use super::store::MongoStore;
use crate::answers::{Answer, Changes, MAX_ITEMS};
use crate::documents::{FollowerDoc, FollowerReads, MAX_FOLLOWED, ThreadDoc, ThreadReads as _};

/// What a follower is searched by.
#[derive(Serialize)]
struct Searched {
    /// The last event of it that its user is told of.
    #[serde(skip_serializing_if = "Option::is_none")]
    _told: Option<i64>,
}

impl Kept for FollowerDoc {
    fn indexes() -> Vec<IndexModel> {
        let following = || doc! { "following": true };
        vec![
            partial(doc! { "root_id": 1, "user_id": 1 }, following()),
            partial(doc! { "user_id": 1, "root_id": 1 }, following()),
            partial(doc! { "user_id": 1, "_told": 1 }, doc! { "_told": { "$gt": 0 } }),
        ]
    }

    fn to_row(&self, id: String) -> Answer<RawDocumentBuf> {
        let told = (self.told() > 0).then(|| int(self.told()));
        row(id, self, Searched { _told: told })
    }

    /// It does not say which event was its first.
    fn is_new(&self, _expected: Sequence) -> bool {
        false
    }
}

#[async_trait]
impl FollowerReads for MongoStore {
    async fn following(&self, user: &UserId, roots: &[MessageId]) -> Answer<Vec<FollowerDoc>> {
        let keys: Vec<String> = roots.iter().map(|root| format!("{root}:{user}")).collect();
        let filter = doc! { "_id": { "$in": keys } };
        find(&self.database, filter, doc! {}, roots.len().max(1)).await
    }

    async fn followers(&self, root: &MessageId, limit: usize) -> Answer<Vec<FollowerDoc>> {
        let filter = doc! { "root_id": root.as_str(), "following": true };
        find(&self.database, filter, doc! { "user_id": 1 }, limit.clamp(1, MAX_ITEMS)).await
    }

    async fn answered(&self, user: &UserId) -> Answer<Vec<(FollowerDoc, ThreadDoc)>> {
        let filter = doc! { "user_id": user.as_str(), "following": true };
        let own: Vec<FollowerDoc> =
            find(&self.database, filter, doc! { "root_id": -1 }, MAX_FOLLOWED).await?;
        let roots: Vec<MessageId> = own.iter().map(|own| own.root_id).collect();
        let threads = self.threads(&roots).await?;
        let mut threads: HashMap<MessageId, ThreadDoc> =
            threads.into_iter().map(|thread| (thread.root_id, thread)).collect();
        let answered = own.into_iter().filter_map(|own| {
            let thread = threads.remove(&own.root_id)?;
            (thread.total > own.marker && thread.reply_count > 0).then_some((own, thread))
        });
        Ok(answered.collect())
    }

    async fn follower_changes(
        &self,
        user: &UserId,
        after: Sequence,
        limit: usize,
    ) -> Answer<Changes<FollowerDoc>> {
        let filter = doc! { "user_id": user.as_str(), "_told": { "$gt": int(after) } };
        self.changes(filter, "_told", limit).await
    }
}
