//! The contract of a store of files.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use schemas::media::Checksum;
use schemas::{MediaId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::error::BlobError;

/// A part of a store, with what is kept of media.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Area {
    /// What was uploaded, as it came.
    Upload,
    /// What is stored of media.
    File,
    /// Smaller images.
    Thumbnail,
}

impl Area {
    /// As stores keep it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::File => "file",
            Self::Thumbnail => "thumbnail",
        }
    }

    /// What is kept of a medium in it.
    #[must_use]
    pub const fn name_of(self, id: MediaId) -> BlobName {
        match self {
            Self::Upload => BlobName::Upload(id),
            Self::File => BlobName::File(id),
            Self::Thumbnail => BlobName::Thumbnail(id),
        }
    }
}

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
    /// The draft of that copy while it is made.
    ExportDraft(UserId),
}

impl BlobName {
    /// Everything that is kept of a medium.
    #[must_use]
    pub fn all_of(id: &MediaId) -> [Self; 3] {
        [Self::Upload(*id), Self::File(*id), Self::Thumbnail(*id)]
    }

    /// The id of what it belongs to.
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Upload(id) | Self::File(id) | Self::Thumbnail(id) => id.as_str(),
            Self::Export(id) | Self::ExportDraft(id) => id.as_str(),
        }
    }

    /// As stores keep it.
    pub(crate) const fn area(&self) -> &'static str {
        match self {
            Self::Upload(_) => Area::Upload.as_str(),
            Self::File(_) => Area::File.as_str(),
            Self::Thumbnail(_) => Area::Thumbnail.as_str(),
            Self::Export(_) => "export",
            Self::ExportDraft(_) => "export_draft",
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
    /// Their checksum, where the store has seen all of them.
    pub sha256: Option<Checksum>,
}

impl Blob {
    /// What tells its content from another's: the checksum, else the version. Fits between the quotes of an `ETag`.
    #[must_use]
    pub fn tag(&self) -> String {
        match &self.sha256 {
            Some(sha256) => sha256.to_string(),
            None => {
                self.version.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect()
            }
        }
    }
}

/// A file that is half written: what another upload goes on from ([`BlobStore::resume`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paused {
    /// What the store calls it; empty where it has nothing of it yet.
    pub(crate) upload: String,
    /// What the store calls its parts, in order, where it names them.
    pub(crate) parts: Vec<String>,
    /// Pieces since it was resumed last, where they are counted.
    pub(crate) pieces: u64,
    /// Bytes, with those that wait.
    pub(crate) size: u64,
    /// Bytes that do not fill a part of the store yet; at most 8 MiB.
    #[serde(with = "base64")]
    pub(crate) waiting: Vec<u8>,
}

/// Bytes in JSON.
mod base64 {
    use data_encoding::BASE64;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&BASE64.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        BASE64.decode(text.as_bytes()).map_err(D::Error::custom)
    }
}

/// What a URL of the store itself lets its holder do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant<'a> {
    /// To read a file, shown so.
    Read {
        /// As what; none: as what it was stored.
        content_type: Option<&'a str>,
        /// The value of the header `Content-Disposition`.
        disposition: &'a str,
    },
    /// To upload a file of this type and of exactly so many bytes.
    Upload {
        /// The type.
        content_type: &'a str,
        /// Bytes.
        size: u64,
    },
}

/// When a URL is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// From then on.
    pub from: Timestamp,
    /// For so long, in whole seconds; stores allow a week at most.
    pub lasts: Duration,
}

/// Keeps files. Every method may be called again after an error that is not [`BlobError::Gone`].
#[async_trait]
pub trait BlobStore: std::fmt::Debug + Send + Sync + 'static {
    /// Begins to store a file. It cannot be read before [`Upload::finish`].
    async fn begin(&self, name: BlobName) -> Result<Box<dyn Upload>, BlobError>;
    /// Resumes a file that is half written. The upload that was paused may go on as well, in a process that does not
    /// know better: each may be finished, and what is stored then is whole.
    ///
    /// # Errors
    /// [`BlobError::Gone`] when it cannot be resumed: it was finished, discarded or swept.
    async fn resume(&self, name: BlobName, paused: &Paused) -> Result<Box<dyn Upload>, BlobError>;
    /// Removes a file that is half written. If it was finished meanwhile, what is stored under the name is of no use any
    /// more and must be removed as well.
    async fn discard(&self, name: &BlobName, paused: &Paused) -> Result<(), BlobError>;
    /// What is stored under a name.
    async fn stat(&self, name: &BlobName) -> Result<Option<Blob>, BlobError>;
    /// Bytes of a file from a place on: at least one where there are any, at most `most` and never more than
    /// 2 MiB; none at the end of the file.
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
    /// The media of which something is stored in a part of the store: at most a thousand, in an order of the store's own, which
    /// come after the one given; none at the end.
    async fn media_in(
        &self,
        area: Area,
        after: Option<&MediaId>,
    ) -> Result<Vec<MediaId>, BlobError>;
    /// A URL by which a client reads or uploads a file at the store itself, whether it is there or not; none where all
    /// bytes go through this server.
    fn direct(&self, name: &BlobName, grant: Grant<'_>, period: Period) -> Option<String>;
    /// The origin (`https://files.example.org`) that such URLs lead to.
    fn origin(&self) -> Option<String>;
}

/// A file that is being stored.
#[async_trait]
pub trait Upload: Send {
    /// Takes the next bytes.
    async fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError>;
    /// What was written so far, to go on from later. From now on it stays when this is dropped, until the sweep.
    fn pause(&mut self) -> Paused;
    /// Puts the file in place of what was stored under its name.
    async fn finish(self: Box<Self>) -> Result<Blob, BlobError>;
    /// Removes what was written.
    async fn abort(self: Box<Self>);
}
