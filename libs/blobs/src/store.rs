//! The contract of a store of files.

use async_trait::async_trait;
use bytes::Bytes;
use schemas::media::Checksum;
use schemas::{MediaId, UserId};
use serde::{Deserialize, Serialize};

use crate::error::BlobError;

/// What a file is kept under.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum BlobName {
    /// What was uploaded, as it came; no user sees it.
    Upload(MediaId),
    /// What is stored of a medium.
    File(MediaId),
    /// The smaller image of a medium.
    Thumbnail(MediaId),
    /// The copy of their data that a user asked for last.
    Export(UserId),
}

impl BlobName {
    /// Everything that is kept of a medium.
    #[must_use]
    pub fn all_of(id: &MediaId) -> [Self; 3] {
        [Self::Upload(id.clone()), Self::File(id.clone()), Self::Thumbnail(id.clone())]
    }

    /// The id of what it belongs to.
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Upload(id) | Self::File(id) | Self::Thumbnail(id) => id.as_str(),
            Self::Export(id) => id.as_str(),
        }
    }

    /// As stores keep it.
    pub(crate) const fn area(&self) -> &'static str {
        match self {
            Self::Upload(_) => "upload",
            Self::File(_) => "file",
            Self::Thumbnail(_) => "thumbnail",
            Self::Export(_) => "export",
        }
    }
}

/// A file that is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blob {
    /// What tells it from a file that was stored under the same name before.
    pub version: String,
    /// Bytes.
    pub size: u64,
    /// Their checksum.
    pub sha256: Checksum,
}

/// Keeps files. Every method may be called again after an error that is not [`BlobError::Gone`].
#[async_trait]
pub trait BlobStore: std::fmt::Debug + Send + Sync + 'static {
    /// Begins to store a file. It cannot be read before [`Upload::finish`].
    async fn begin(&self, name: BlobName) -> Result<Box<dyn Upload>, BlobError>;
    /// What is stored under a name.
    async fn stat(&self, name: &BlobName) -> Result<Option<Blob>, BlobError>;
    /// Bytes of a file from a place on: at least one where there are any, at most `most` and never more than a few
    /// hundred KiB; none at the end of the file.
    ///
    /// # Errors
    /// [`BlobError::Gone`] when it is not the file that was asked about any more.
    async fn read(
        &self,
        name: &BlobName,
        blob: &Blob,
        from: u64,
        most: u64,
    ) -> Result<Bytes, BlobError>;
    /// Removes what is stored under a name, if anything is.
    async fn remove(&self, name: &BlobName) -> Result<(), BlobError>;
    /// Removes what clients and processes that were cut off left behind under no name; answers how many files that were.
    async fn sweep(&self) -> Result<u64, BlobError>;
}

/// A file that is being stored.
#[async_trait]
pub trait Upload: Send {
    /// Takes the next bytes.
    async fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError>;
    /// Puts the file in place of what was stored under its name.
    async fn finish(self: Box<Self>) -> Result<Blob, BlobError>;
    /// Removes what was written.
    async fn abort(self: Box<Self>);
}
