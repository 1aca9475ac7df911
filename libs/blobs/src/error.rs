//! Why a store of files did not do what it was asked.

use eventlog::PieceError;

/// Why an operation on the store of files failed.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The store takes no more; what was written of the file is removed.
    #[error("the store of files is full")]
    Full,
    /// The file was replaced or removed while it was read.
    #[error("the file is gone")]
    Gone,
    /// The store does not answer, or refuses what it must not; the source says which. Nothing is known to be wrong with the
    /// request; try again.
    #[error("the store of files does not work")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<PieceError> for BlobError {
    fn from(error: PieceError) -> Self {
        match error {
            PieceError::Full => Self::Full,
            PieceError::Bad | PieceError::Log(_) => Self::Unavailable(Box::new(error)),
        }
    }
}
