//! Threads in MongoDB, and what is counted among their answers.

use async_trait::async_trait;
use futures_util::future::try_join_all;
use mongodb::bson::{RawDocumentBuf, doc};
use mongodb::{Database, IndexModel};
use schemas::ids::{MessageId, RoomId};
use schemas::position::Sequence;
use serde::Serialize;

use super::archive::number_of;
use super::kept::{Kept, partial};
use super::message::ROOM;
use super::query::{by_keys, texts};
use super::rows::{int, row};
use super::store::MongoStore;
use crate::answers::{Answer, ListFrom, Slice};
use crate::documents::{Counted, ThreadAnchor, ThreadDoc, ThreadReads, ThreadStretch};

/// What a thread is searched by.
#[derive(Serialize)]
struct Searched {
    /// The event of its newest answer, while an answer is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    _activity: Option<i64>,
}

impl Kept for ThreadDoc {
    fn indexes() -> Vec<IndexModel> {
        let listed = doc! { "_activity": { "$gt": 0 } };
        vec![partial(doc! { "room_id": 1, "_activity": 1, "_id": 1 }, listed)]
    }

    fn to_row(&self, id: String) -> Answer<RawDocumentBuf> {
        let activity = (self.reply_count > 0).then(|| int(self.last_activity));
        row(id, self, Searched { _activity: activity })
    }

    /// It does not say which event was its first.
    fn is_new(&self, _expected: Sequence) -> bool {
        false
    }
}

async fn count(database: &Database, stretch: &ThreadStretch) -> Answer<Counted> {
    let between = || doc! { "$gt": int(stretch.after), "$lte": int(stretch.through) };
    let thread = || doc! { "$eq": stretch.root_id.as_str(), "$exists": true };
    let deleted = doc! { "thread_root_id": thread(), "_gone_answer": between() };
    // An answer that names both is found once.
    let of = doc! { "$in": [stretch.user_id.as_str(), ROOM], "$exists": true };
    let mut named =
        doc! { "thread_root_id": thread(), "_named_answer": of, "thread_number": between() };
    if !stretch.blocked.is_empty() {
        named.insert("sender_id", doc! { "$nin": texts(&stretch.blocked) });
    }
    Ok(Counted {
        deleted: number_of(database, deleted).await?,
        named: number_of(database, named).await?,
    })
}

#[async_trait]
impl ThreadReads for MongoStore {
    async fn threads(&self, roots: &[MessageId]) -> Answer<Vec<ThreadDoc>> {
        by_keys(&self.database, &texts(roots)).await
    }

    async fn room_threads(
        &self,
        room: &RoomId,
        from: &ListFrom<ThreadAnchor, MessageId>,
        limit: usize,
    ) -> Answer<Slice<ThreadDoc>> {
        let mut filter = doc! { "room_id": room.as_str() };
        let newest_first = doc! { "_activity": -1, "_id": -1 };
        let sort = match from {
            ListFrom::Start => {
                filter.insert("_activity", doc! { "$gt": 0 });
                newest_first
            }
            ListFrom::After(ThreadAnchor { last_activity, root_id }) => {
                let at = int(*last_activity);
                filter.insert("_activity", doc! { "$gt": 0, "$lte": at });
                let same = doc! { "_activity": at, "_id": { "$lt": root_id.as_str() } };
                filter.insert("$or", vec![doc! { "_activity": { "$lt": at } }, same]);
                newest_first
            }
            ListFrom::Moved { since, after } => {
                filter.insert("_activity", doc! { "$gt": int(*since) });
                filter.insert("_id", doc! { "$gt": after.as_ref().map_or("", MessageId::as_str) });
                doc! { "_id": 1 }
            }
        };
        self.slice(filter, sort, limit).await
    }

    async fn count_answers(&self, stretches: Vec<ThreadStretch>) -> Answer<Vec<Counted>> {
        try_join_all(stretches.iter().map(|stretch| count(&self.database, stretch))).await
    }
}
