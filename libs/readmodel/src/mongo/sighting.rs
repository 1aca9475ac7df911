//! Sightings in MongoDB.

use async_trait::async_trait;
use mongodb::IndexModel;
use mongodb::bson::{RawDocumentBuf, doc};
use schemas::position::Sequence;
use schemas::time::Timestamp;
use serde::Serialize;

use super::kept::{Kept, index, partial};
use super::query::find;
use super::rows::{int, row};
use super::store::MongoStore;
use crate::answers::{Answer, Slice};
use crate::documents::{SightingDoc, SightingReads, Term};

/// When a block begins, in the sighting that every block has: milliseconds since 1970.
#[derive(Serialize)]
struct Searched {
    #[serde(skip_serializing_if = "Option::is_none")]
    _begins: Option<i64>,
}

impl Kept for SightingDoc {
    fn indexes() -> Vec<IndexModel> {
        let begins = doc! { "_begins": 1, "block": 1 };
        vec![
            index(doc! { "term": 1, "block": 1 }),
            partial(begins, doc! { "_begins": { "$exists": true } }),
        ]
    }

    fn to_row(&self, id: String) -> Answer<RawDocumentBuf> {
        row(id, self, Searched { _begins: self.is_of_block().then(|| self.time.millis()) })
    }

    fn is_new(&self, expected: Sequence) -> bool {
        self.updated > expected
    }
}

#[async_trait]
impl SightingReads for MongoStore {
    async fn sightings(
        &self,
        term: &Term,
        from: u64,
        end: u64,
        limit: usize,
    ) -> Answer<Slice<u64>> {
        let range = doc! { "$gte": int(from), "$lt": int(end) };
        let filter = doc! { "term": term.as_str(), "block": range };
        let found: Slice<SightingDoc> = self.slice(filter, doc! { "block": -1 }, limit).await?;
        let items = found.items.into_iter().map(|sighting| sighting.block).collect();
        Ok(Slice { items, more: found.more })
    }

    async fn block_before(&self, time: Timestamp) -> Answer<Option<u64>> {
        let filter = doc! { "_begins": { "$lt": time.millis() } };
        let newest = doc! { "_begins": -1, "block": -1 };
        let found: Vec<SightingDoc> = find(&self.database, filter, newest, 1).await?;
        Ok(found.first().map(|sighting| sighting.block))
    }
}
