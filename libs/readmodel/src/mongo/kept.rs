//! What a noun's file says of how its documents are kept in MongoDB.

use mongodb::IndexModel;
use mongodb::bson::{Document as Bson, RawDocument, RawDocumentBuf};
use mongodb::options::IndexOptions;
use schemas::position::Sequence;

use super::rows::plain;
use crate::answers::Answer;
use crate::documents::Stored;

/// A document that is kept in MongoDB. A collection without this does not compile.
pub(super) trait Kept: Stored {
    /// Collections that some of its documents lie in, apart from the others and with the same indexes. A document only ever
    /// moves on in this order.
    const APART: &'static [&'static str] = &[];

    /// In which of them it lies, and the event that moved it there; none where it lies among the others.
    fn apart(&self) -> Option<(&'static str, Sequence)> {
        None
    }

    /// The indexes that only queries need: created when a generation is sealed. Documents that are found by their keys
    /// need none.
    fn indexes() -> Vec<IndexModel> {
        Vec::new()
    }

    /// The index the projector itself needs: created with the collection.
    fn index_to_project() -> Option<IndexModel> {
        None
    }

    /// The document as BSON under its key, with the fields it is searched by.
    fn to_row(&self, id: String) -> Answer<RawDocumentBuf>;

    /// The document of a row.
    fn from_row(row: &RawDocument) -> Answer<Self> {
        plain(row)
    }

    /// Whether the document came into being in a batch that began after `expected`. Inserting is cheaper than
    /// upserting; the checkpoint's condition makes sure that no other writer has inserted it. Of one that does not say
    /// which event was its first that is not known.
    fn is_new(&self, _expected: Sequence) -> bool {
        false
    }

    /// Whether nothing is left of it: it is deleted instead of written.
    fn is_gone(&self) -> bool {
        false
    }
}

/// An index of all documents.
pub(super) fn index(keys: Bson) -> IndexModel {
    IndexModel::builder().keys(keys).build()
}

/// An index of the documents that fit a condition.
pub(super) fn partial(keys: Bson, of: Bson) -> IndexModel {
    let options = IndexOptions::builder().partial_filter_expression(of).build();
    IndexModel::builder().keys(keys).options(options).build()
}
