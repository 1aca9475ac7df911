//! Between documents and BSON, and what MongoDB's errors mean.

use mongodb::bson::{self, RawDocument, RawDocumentBuf};
use mongodb::error::{
    Error, ErrorKind, RETRYABLE_WRITE_ERROR, TRANSIENT_TRANSACTION_ERROR,
    UNKNOWN_TRANSACTION_COMMIT_RESULT, WriteFailure,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::answers::{Answer, StoreError};

/// Sorts MongoDB's errors by what can be done about them.
pub(super) fn db_error(error: Error) -> StoreError {
    let passing = matches!(
        error.kind.as_ref(),
        ErrorKind::Io(_)
            | ErrorKind::ServerSelection { .. }
            | ErrorKind::ConnectionPoolCleared { .. }
            | ErrorKind::DnsResolve { .. }
    );
    let labels =
        [RETRYABLE_WRITE_ERROR, TRANSIENT_TRANSACTION_ERROR, UNKNOWN_TRANSACTION_COMMIT_RESULT];
    if passing || labels.iter().any(|label| error.contains_label(label)) {
        StoreError::Unavailable(Box::new(error))
    } else if matches!(error.kind.as_ref(), ErrorKind::Bson(_)) {
        StoreError::Unreadable(error.to_string())
    } else {
        StoreError::Failed(Box::new(error))
    }
}

/// Whether the server refused with this code.
pub(super) fn has_code(error: &Error, code: i32) -> bool {
    match error.kind.as_ref() {
        ErrorKind::Command(refusal) => refusal.code == code,
        ErrorKind::Write(WriteFailure::WriteError(refusal)) => refusal.code == code,
        _ => false,
    }
}

/// What was found is not what was written.
pub(super) fn unreadable(error: impl std::fmt::Display) -> StoreError {
    StoreError::Unreadable(error.to_string())
}

/// A sequence or number as BSON keeps it. None comes near the bound: the log counts from 1.
pub(super) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A document as it is written: its key, itself, and the fields it is searched by.
#[derive(Serialize)]
struct Row<'a, T, S> {
    _id: String,
    #[serde(flatten)]
    doc: &'a T,
    #[serde(flatten)]
    searched: S,
}

/// For documents that are searched by nothing but their own fields.
#[derive(Serialize)]
pub(super) struct OwnFields {}

/// A document as BSON. The names of the fields in `searched` begin with an underscore.
pub(super) fn row<T: Serialize>(
    id: String,
    doc: &T,
    searched: impl Serialize,
) -> Answer<RawDocumentBuf> {
    bson::serialize_to_raw_document_buf(&Row { _id: id, doc, searched })
        .map_err(|error| StoreError::Failed(Box::new(error)))
}

/// The document of a row, without the fields it is only searched by.
pub(super) fn plain<T: DeserializeOwned>(row: &RawDocument) -> Answer<T> {
    bson::deserialize_from_slice(row.as_bytes()).map_err(unreadable)
}
