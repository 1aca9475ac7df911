//! The site's one document in MongoDB.

use mongodb::IndexModel;
use mongodb::bson::RawDocumentBuf;
use schemas::position::Sequence;

use super::kept::Kept;
use super::rows::{OwnFields, row};
use crate::answers::Answer;
use crate::documents::SiteDoc;

impl Kept for SiteDoc {
    /// It is found by its key.
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
