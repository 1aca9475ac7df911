//! Exports in MongoDB.

use async_trait::async_trait;
use mongodb::IndexModel;
use mongodb::bson::{RawDocumentBuf, doc};
use schemas::ids::ExportId;
use schemas::position::Sequence;
use schemas::time::Timestamp;
use serde::Serialize;

use super::kept::{Kept, index, partial};
use super::query::find;
use super::rows::row;
use super::store::MongoStore;
use crate::answers::{Answer, MAX_ITEMS};
use crate::documents::{ExportDoc, ExportReads};

/// What an export is searched by.
#[derive(Serialize)]
struct Searched {
    /// When something is to be done with it, in milliseconds; none for one that is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    _due: Option<i64>,
}

impl Kept for ExportDoc {
    fn indexes() -> Vec<IndexModel> {
        vec![
            index(doc! { "state.id": 1 }),
            partial(doc! { "_due": 1 }, doc! { "_due": { "$exists": true } }),
        ]
    }

    fn to_row(&self, id: String) -> Answer<RawDocumentBuf> {
        row(id, self, Searched { _due: self.due().map(Timestamp::millis) })
    }

    /// It does not say which event was its first.
    fn is_new(&self, _expected: Sequence) -> bool {
        false
    }
}

#[async_trait]
impl ExportReads for MongoStore {
    async fn export(&self, id: &ExportId) -> Answer<Option<ExportDoc>> {
        let filter = doc! { "state.id": id.as_str() };
        Ok(find(&self.database, filter, doc! { "_id": 1 }, 1).await?.pop())
    }

    async fn exports_due(&self, now: Timestamp, limit: usize) -> Answer<Vec<ExportDoc>> {
        let filter = doc! { "_due": { "$exists": true, "$lte": now.millis() } };
        find(&self.database, filter, doc! { "_due": 1 }, limit.clamp(1, MAX_ITEMS)).await
    }
}
