//! Reports in MongoDB.

use async_trait::async_trait;
use mongodb::IndexModel;
use mongodb::bson::{Document as Bson, RawDocumentBuf, doc};
use schemas::ids::{MessageId, ReportId, UserId};
use schemas::position::Sequence;
use schemas::values::ReportStatus;

use super::kept::{Kept, index};
use super::query::by_keys;
use super::rows::{OwnFields, db_error, int, row};
use super::store::MongoStore;
use crate::answers::{Answer, Slice};
use crate::documents::{ReportDoc, ReportReads, Stored as _};

const fn name(status: ReportStatus) -> &'static str {
    match status {
        ReportStatus::Open => "open",
        ReportStatus::Dismissed => "dismissed",
        ReportStatus::Actioned => "actioned",
    }
}

impl Kept for ReportDoc {
    fn indexes() -> Vec<IndexModel> {
        vec![
            index(doc! { "created": 1 }),
            index(doc! { "state.status": 1, "created": 1 }),
            index(doc! { "state.reporter_id": 1, "state.status": 1 }),
            index(doc! { "state.message_id": 1, "state.status": 1 }),
        ]
    }

    fn to_row(&self, id: String) -> Answer<RawDocumentBuf> {
        row(id, self, OwnFields {})
    }

    /// The same message may be reported again by the same user, once the first report is handled.
    fn is_new(&self, _expected: Sequence) -> bool {
        false
    }
}

#[async_trait]
impl ReportReads for MongoStore {
    async fn report(&self, id: &ReportId) -> Answer<Option<ReportDoc>> {
        Ok(by_keys(&self.database, &[id.to_string()]).await?.pop())
    }

    async fn reports(
        &self,
        status: Option<ReportStatus>,
        before: Option<Sequence>,
        limit: usize,
    ) -> Answer<Slice<ReportDoc>> {
        let mut filter = doc! { "created": { "$lt": int(before.unwrap_or(Sequence::MAX)) } };
        if let Some(status) = status {
            filter.insert("state.status", name(status));
        }
        self.slice(filter, doc! { "created": -1 }, limit).await
    }

    async fn open_reports(&self, reporter: &UserId) -> Answer<u64> {
        let reports = self.database.collection::<Bson>(ReportDoc::COLLECTION.as_str());
        let filter = doc! { "state.reporter_id": reporter.as_str(), "state.status": "open" };
        reports.count_documents(filter).await.map_err(db_error)
    }

    async fn open_reports_of(&self, message: &MessageId) -> Answer<u64> {
        let reports = self.database.collection::<Bson>(ReportDoc::COLLECTION.as_str());
        let filter = doc! { "state.message_id": message.as_str(), "state.status": "open" };
        reports.count_documents(filter).await.map_err(db_error)
    }
}
