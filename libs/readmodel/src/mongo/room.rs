//! Rooms in MongoDB.

use std::collections::BTreeSet;

use async_trait::async_trait;
use mongodb::IndexModel;
use mongodb::bson::{RawDocumentBuf, doc};
use schemas::ids::RoomId;
use schemas::position::Sequence;
use serde::Serialize;

use super::kept::{Kept, partial};
use super::query::{by_keys, by_words, texts};
use super::rows::{int, row};
use super::store::MongoStore;
use crate::answers::{Answer, Changes, ListFrom, Slice};
use crate::documents::{NameAnchor, RoomDoc, RoomFilter, RoomReads, fold};
use crate::words;

/// What a room is searched by.
#[derive(Serialize)]
struct Searched {
    /// The words a room that can be found by its name is found by.
    #[serde(skip_serializing_if = "Option::is_none")]
    _words: Option<BTreeSet<String>>,
    /// The folded name of such a room.
    #[serde(skip_serializing_if = "Option::is_none")]
    _name: Option<String>,
}

impl Kept for RoomDoc {
    fn indexes() -> Vec<IndexModel> {
        let public = || doc! { "_name": { "$gte": "" } };
        vec![
            partial(doc! { "_name": 1, "_id": 1 }, public()),
            partial(doc! { "_words": 1 }, public()),
        ]
    }

    fn to_row(&self, id: String) -> Answer<RawDocumentBuf> {
        let words = Some(words::of_room(self)).filter(|words| !words.is_empty());
        row(id, self, Searched { _words: words, _name: self.public_name() })
    }

    /// Its counts change in the batch that creates it, and it may have been heard of before.
    fn is_new(&self, _expected: Sequence) -> bool {
        false
    }
}

#[async_trait]
impl RoomReads for MongoStore {
    async fn rooms(&self, ids: &[RoomId]) -> Answer<Vec<RoomDoc>> {
        let found: Vec<RoomDoc> = by_keys(&self.database, &texts(ids)).await?;
        Ok(found.into_iter().filter(|room| room.created).collect())
    }

    async fn public_rooms(
        &self,
        filter: &RoomFilter,
        from: &ListFrom<NameAnchor, RoomId>,
        limit: usize,
    ) -> Answer<Slice<RoomDoc>> {
        // The bound that holds for every text is the index's own: without it the server does not use it.
        let mut filter = match filter {
            RoomFilter::Any => doc! { "_name": { "$gte": "" } },
            RoomFilter::Name(name) => doc! { "_name": { "$eq": fold(name), "$gte": "" } },
            RoomFilter::Words(query) => match by_words(query) {
                Some(words) => doc! { "_name": { "$gte": "" }, "$and": words },
                None => return Ok(Slice::cut(Vec::new(), limit)),
            },
        };
        let sort = match from {
            ListFrom::Start => doc! { "_name": 1, "_id": 1 },
            ListFrom::After(NameAnchor { name, room_id }) => {
                let same = doc! { "_name": name, "_id": { "$gt": room_id.as_str() } };
                filter.insert("$or", vec![doc! { "_name": { "$gt": name } }, same]);
                doc! { "_name": 1, "_id": 1 }
            }
            ListFrom::Moved { since, after } => {
                filter.insert("changed", doc! { "$gt": int(*since) });
                filter.insert("_id", doc! { "$gt": after.as_ref().map_or("", RoomId::as_str) });
                doc! { "_id": 1 }
            }
        };
        self.slice(filter, sort, limit).await
    }

    async fn all_rooms(&self, after: Option<&RoomId>, limit: usize) -> Answer<Slice<RoomDoc>> {
        let after = after.map_or("", RoomId::as_str);
        let filter = doc! { "created": true, "_id": { "$gt": after } };
        self.slice(filter, doc! { "_id": 1 }, limit).await
    }

    async fn room_changes(
        &self,
        rooms: &[RoomId],
        after: Sequence,
        limit: usize,
    ) -> Answer<Changes<RoomDoc>> {
        let filter = doc! {
            "_id": { "$in": texts(rooms) }, "created": true, "changed": { "$gt": int(after) },
        };
        self.changes(filter, "changed", limit).await
    }
}
