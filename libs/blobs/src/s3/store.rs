//! The store itself.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use schemas::{MediaId, Namespace, Timestamp};

use super::bucket::Bucket;
use super::error::S3Error;
use super::http::UntrustedCa;
use super::place::S3Place;
use super::sign::Credentials;
use super::writing::Writing;
use crate::error::BlobError;
use crate::store::{Area, Blob, BlobName, BlobStore, Grant, Paused, Period, Upload};

/// Most bytes that are read in one request.
const PIECE: u64 = 2 * 1024 * 1024;
/// Parts that are younger may still be being written.
const LEFT_OVER_AFTER: Duration = Duration::from_secs(2 * 60 * 60);
/// A URL runs out within two hours, and what it leads to never changes.
const CACHED: &str = "private, max-age=3600, immutable";

/// What a bucket answers before it is used.
#[derive(Debug)]
pub enum Probe {
    /// It can be listed.
    Well,
    /// It keeps what is removed as a former version: erased files would stay.
    KeepsVersions,
    /// It refuses: why.
    Refused(BlobError),
    /// It does not answer at this moment: why.
    Away(BlobError),
}

/// A bucket of an S3-compatible store. Clones share its connections.
#[derive(Debug, Clone)]
pub struct S3 {
    bucket: Arc<Bucket>,
    /// Before every key of ours.
    root: Arc<str>,
}

impl S3 {
    /// The store of a namespace. Speaks to no server yet. `ca`: a file of certificates (PEM) of authorities to trust besides
    /// the usual ones.
    ///
    /// # Errors
    /// [`UntrustedCa`]: that file cannot be used.
    pub fn open(
        place: S3Place,
        credentials: Credentials,
        ca: Option<&Path>,
        namespace: &Namespace,
    ) -> Result<Self, UntrustedCa> {
        let root = format!("{}{namespace}/", place.prefix()).into();
        Ok(Self { bucket: Arc::new(Bucket::new(place, credentials, ca)?), root })
    }

    /// Asks whether the bucket can be used. Changes nothing.
    pub async fn probe(&self) -> Probe {
        if let Err(error) = self.bucket.list(&self.root, None).await {
            let away = error.is_away();
            let error = BlobError::from(error);
            return if away { Probe::Away(error) } else { Probe::Refused(error) };
        }
        // Who may not ask, or a store that knows no versions, says so with an error.
        match self.bucket.keeps_versions().await {
            Ok(true) => Probe::KeepsVersions,
            Ok(false) | Err(_) => Probe::Well,
        }
    }

    fn key(&self, name: &BlobName) -> String {
        format!("{}{}/{}", self.root, name.area(), name.id())
    }

    fn folder(&self, area: Area) -> String {
        format!("{}{}/", self.root, area.as_str())
    }
}

#[async_trait]
impl BlobStore for S3 {
    async fn begin(&self, name: BlobName) -> Result<Box<dyn Upload>, BlobError> {
        let key = self.key(&name);
        let is_image = matches!(name, BlobName::Thumbnail(_));
        Ok(Box::new(Writing::new(Arc::clone(&self.bucket), key, is_image)))
    }

    async fn resume(&self, name: BlobName, paused: &Paused) -> Result<Box<dyn Upload>, BlobError> {
        let key = self.key(&name);
        if !paused.upload.is_empty() && !self.bucket.is_begun(&key, &paused.upload).await? {
            return Err(BlobError::Gone);
        }
        Ok(Box::new(Writing::resumed(Arc::clone(&self.bucket), key, paused)))
    }

    async fn discard(&self, name: &BlobName, paused: &Paused) -> Result<(), BlobError> {
        if paused.upload.is_empty() {
            return Ok(());
        }
        Ok(self.bucket.abort(&self.key(name), &paused.upload).await?)
    }

    async fn stat(&self, name: &BlobName) -> Result<Option<Blob>, BlobError> {
        let found = self.bucket.head(&self.key(name)).await?;
        Ok(found.map(|object| Blob { version: object.etag, size: object.size, sha256: None }))
    }

    async fn read(
        &self,
        name: &BlobName,
        blob: &Blob,
        from: u64,
        most: u64,
    ) -> Result<Bytes, BlobError> {
        let left = blob.size.saturating_sub(from).min(most).min(PIECE);
        if left == 0 {
            return Ok(Bytes::new());
        }
        let read = self.bucket.range(&self.key(name), &blob.version, from, left).await?;
        read.filter(|bytes| !bytes.is_empty()).ok_or(BlobError::Gone)
    }

    async fn remove(&self, name: &BlobName) -> Result<(), BlobError> {
        Ok(self.bucket.delete(&self.key(name)).await?)
    }

    async fn sweep(&self) -> Result<u64, BlobError> {
        let begun = match self.bucket.begun(&self.root).await {
            Ok(begun) => begun,
            // A store that does not list them has a rule of its own for them, or none that we could help.
            Err(S3Error::Refused { status: 400 | 403 | 404 | 405 | 501, .. }) => return Ok(0),
            Err(error) => return Err(error.into()),
        };
        let limit = i64::try_from(LEFT_OVER_AFTER.as_millis()).unwrap_or(i64::MAX);
        let before = Timestamp::from_millis(Timestamp::now().millis().saturating_sub(limit));
        let mut removed = 0;
        for one in begun {
            let ours = one.key.starts_with(&*self.root);
            if ours && one.at.is_some_and(|at| at < before) {
                self.bucket.abort(&one.key, &one.upload).await?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    async fn media_in(
        &self,
        area: Area,
        after: Option<&MediaId>,
    ) -> Result<Vec<MediaId>, BlobError> {
        let folder = self.folder(area);
        let mut after = after.map(|id| format!("{folder}{id}"));
        loop {
            let (keys, more) = self.bucket.list(&folder, after.as_deref()).await?;
            let ids = keys.iter().filter_map(|key| key.strip_prefix(&folder));
            let ids: Vec<MediaId> = ids.filter_map(|id| MediaId::parse(id).ok()).collect();
            // A page may hold nothing but what others put there.
            if !ids.is_empty() || !more {
                return Ok(ids);
            }
            after = keys.into_iter().next_back();
        }
    }

    fn direct(&self, name: &BlobName, grant: Grant<'_>, period: Period) -> Option<String> {
        let key = self.key(name);
        let (method, query, headers) = match grant {
            Grant::Read { content_type, disposition } => {
                let mut query = vec![
                    ("response-cache-control", CACHED.to_owned()),
                    ("response-content-disposition", disposition.to_owned()),
                ];
                let content_type = content_type.map(str::to_owned);
                query.extend(content_type.map(|kind| ("response-content-type", kind)));
                ("GET", query, Vec::new())
            }
            Grant::Upload { content_type, size } => {
                let headers = vec![
                    ("content-length", size.to_string()),
                    ("content-type", content_type.to_owned()),
                ];
                ("PUT", Vec::new(), headers)
            }
        };
        Some(self.bucket.url(method, &key, query, headers, period))
    }

    fn origin(&self) -> Option<String> {
        Some(self.bucket.place().origin())
    }
}
