//! A file on its way into the store: small ones in one request, larger ones in parts. It is there as a whole or not at all.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::BytesMut;
use data_encoding::HEXLOWER;
use schemas::media::Checksum;
use sha2::{Digest as _, Sha256};

use super::bucket::Bucket;
use super::error::S3Error;
use crate::error::BlobError;
use crate::picture::thumbnail_type;
use crate::store::{Blob, Paused, Upload};

/// Bytes of a part; stores want at least 5 MiB of all but the last.
const PART: usize = 8 * 1024 * 1024;
/// What objects are stored as: how files are shown is said by the URLs that lead to them.
const BYTES: &str = "application/octet-stream";

/// A file that is being written.
pub(super) struct Writing {
    bucket: Arc<Bucket>,
    key: String,
    /// It is a smaller image, which is stored as what it is.
    is_image: bool,
    /// What is not sent yet.
    waiting: BytesMut,
    size: u64,
    /// Of all bytes, where this upload has seen all.
    hash: Option<Sha256>,
    /// The name of what goes up in parts, once it does.
    upload: Option<String>,
    /// The `ETag`s of its parts.
    parts: Vec<String>,
    /// What was written stays when this is dropped.
    paused: bool,
}

impl Writing {
    pub(super) fn new(bucket: Arc<Bucket>, key: String, is_image: bool) -> Self {
        Self {
            bucket,
            key,
            is_image,
            waiting: BytesMut::new(),
            size: 0,
            hash: Some(Sha256::new()),
            upload: None,
            parts: Vec::new(),
            paused: false,
        }
    }

    /// Resumes what is half written.
    pub(super) fn resumed(bucket: Arc<Bucket>, key: String, paused: &Paused) -> Self {
        let upload = Some(paused.upload.as_str()).filter(|upload| !upload.is_empty());
        let mut writing = Self::new(bucket, key, false);
        writing.waiting.extend_from_slice(&paused.waiting);
        writing.size = paused.size;
        writing.hash = None;
        writing.upload = upload.map(str::to_owned);
        writing.parts.clone_from(&paused.parts);
        writing
    }

    /// Sends at most so many of the bytes that wait as a part.
    async fn part(&mut self, most: usize) -> Result<(), S3Error> {
        let upload = match self.upload.take() {
            Some(upload) => upload,
            None => {
                let kind = content_type(self.is_image, &self.waiting);
                self.bucket.begin(&self.key, kind).await?
            }
        };
        let upload = self.upload.insert(upload);
        let body = self.waiting.split_to(most.min(self.waiting.len())).freeze();
        let begun = (self.key.as_str(), upload.as_str());
        let etag = self.bucket.part(begun, self.parts.len() + 1, body).await?;
        self.parts.push(etag);
        Ok(())
    }

    /// What tells the version that is stored now.
    async fn end(&mut self) -> Result<String, S3Error> {
        if self.upload.is_none() {
            let body = self.waiting.split().freeze();
            let kind = content_type(self.is_image, &body);
            return self.bucket.put(&self.key, kind, body).await;
        }
        if !self.waiting.is_empty() {
            self.part(PART).await?;
        }
        let upload = self.upload.clone().unwrap_or_default();
        let version = self.bucket.end((&self.key, &upload), &self.parts).await?;
        self.upload = None;
        Ok(version)
    }
}

fn content_type(is_image: bool, head: &[u8]) -> &'static str {
    if is_image { thumbnail_type(head) } else { BYTES }
}

#[async_trait]
impl Upload for Writing {
    async fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        if let Some(hash) = &mut self.hash {
            hash.update(bytes);
        }
        self.size += u64::try_from(bytes.len()).unwrap_or(0);
        self.waiting.extend_from_slice(bytes);
        while self.waiting.len() > PART {
            self.part(PART).await?;
        }
        Ok(())
    }

    fn pause(&mut self) -> Paused {
        self.paused = true;
        Paused {
            upload: self.upload.clone().unwrap_or_default(),
            parts: self.parts.clone(),
            pieces: 0,
            size: self.size,
            waiting: self.waiting.to_vec(),
        }
    }

    async fn finish(mut self: Box<Self>) -> Result<Blob, BlobError> {
        let digits = self.hash.take().map(|hash| HEXLOWER.encode(&hash.finalize()));
        let sha256 = digits.map(|digits| Checksum::parse(&digits)).transpose();
        let sha256 = sha256.map_err(|error| BlobError::Unavailable(Box::new(error)))?;
        let version = self.end().await?;
        Ok(Blob { version, size: self.size, sha256 })
    }

    async fn abort(mut self: Box<Self>) {
        let Some(upload) = self.upload.take() else { return };
        if let Err(error) = self.bucket.abort(&self.key, &upload).await {
            tracing::warn!(%error, "what was written of a file is removed later");
        }
    }
}

impl Drop for Writing {
    /// Its client or the command went away in the middle.
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if self.paused {
            return;
        }
        let Some(upload) = self.upload.take() else { return };
        let (bucket, key) = (Arc::clone(&self.bucket), std::mem::take(&mut self.key));
        runtime.spawn(async move {
            if let Err(error) = bucket.abort(&key, &upload).await {
                tracing::warn!(%error, "what was written of a file is removed later");
            }
        });
    }
}
