//! The built-in store: pieces of 256 KiB in a stream of the log's server.
//!
//! A file is its note, which says which version of the name stands and how long it is, and the pieces of that version.
//! The note is written last: what has none is not there. Pieces of another version than the note's are left over from
//! clients or processes that were cut off.
//!
//! A file that was resumed is in several legs, one for each upload that wrote of it, so that none can write over
//! what another has written: its version names them with the pieces that count of each, `<leg>-<pieces>-<leg>`.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use data_encoding::HEXLOWER;
use eventlog::{EventLog, MAX_PIECE, PieceStore};
use schemas::media::Checksum;
use schemas::{MediaId, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::error::BlobError;
use crate::store::{Area, Blob, BlobName, BlobStore, Grant, Paused, Period, Upload};

/// The name of the bucket.
const BUCKET: &str = "media";
/// Media that are listed at a time.
const LISTED: usize = 1000;
/// What is younger may still be being written.
const LEFT_OVER_AFTER: Duration = Duration::from_secs(2 * 60 * 60);

/// The store that needs nothing but the log's server.
#[derive(Debug, Clone)]
pub struct Builtin {
    pieces: PieceStore,
}

impl Builtin {
    /// The store of a log's namespace.
    #[must_use]
    pub fn of(log: &EventLog) -> Self {
        Self { pieces: log.pieces(BUCKET) }
    }

    /// Removes the pieces of a version of a name, but for legs that another version has, too.
    async fn erase_legs(&self, name: &BlobName, version: &str, but: &str) -> Result<(), BlobError> {
        for (leg, _) in legs(version) {
            if !has_leg(but, leg) {
                self.erase(&stem(name, leg)).await?;
            }
        }
        Ok(())
    }

    /// Removes the pieces of a leg, the first last: as long as it is there the rest is found.
    async fn erase(&self, stem: &str) -> Result<(), BlobError> {
        let mut keys = self.pieces.keys(&format!("{stem}.*")).await?;
        let first = piece_key(stem, 0);
        keys.retain(|key| *key != first);
        for key in keys.iter().chain([&first]) {
            self.pieces.erase(key).await?;
        }
        Ok(())
    }
}

fn note_key(name: &BlobName) -> String {
    format!("M.{}.{}", name.area(), name.id())
}

fn stem(name: &BlobName, leg: &str) -> String {
    format!("C.{}.{}.{leg}", name.area(), name.id())
}

fn new_leg() -> String {
    format!("{:016x}", rand::random::<u64>())
}

/// The legs of a version, and how many pieces of each count; of the last, all.
fn legs(version: &str) -> impl Iterator<Item = (&str, u64)> {
    let mut parts = version.split('-');
    std::iter::from_fn(move || {
        let leg = parts.next()?;
        Some((leg, parts.next().and_then(|pieces| pieces.parse().ok()).unwrap_or(u64::MAX)))
    })
}

fn has_leg(version: &str, wanted: &str) -> bool {
    legs(version).any(|(leg, _)| leg == wanted)
}

/// Where a piece of a file is kept.
fn key_of(name: &BlobName, version: &str, mut index: u64) -> Option<String> {
    for (leg, pieces) in legs(version) {
        if index < pieces {
            return Some(piece_key(&stem(name, leg), index));
        }
        index -= pieces;
    }
    None
}

fn piece_key(stem: &str, index: u64) -> String {
    format!("{stem}.{index}")
}

fn piece_size() -> u64 {
    u64::try_from(MAX_PIECE).unwrap_or(u64::MAX)
}

fn unreadable(error: serde_json::Error) -> BlobError {
    BlobError::Unavailable(Box::new(error))
}

#[async_trait]
impl BlobStore for Builtin {
    async fn begin(&self, name: BlobName) -> Result<Box<dyn Upload>, BlobError> {
        let leg = new_leg();
        Ok(Box::new(Writing {
            store: self.clone(),
            stem: stem(&name, &leg),
            name,
            version: leg,
            waiting: BytesMut::new(),
            pieces: 0,
            size: 0,
            hash: Some(Sha256::new()),
            settled: false,
        }))
    }

    async fn resume(&self, name: BlobName, paused: &Paused) -> Result<Box<dyn Upload>, BlobError> {
        let before = format!("{}-{}", paused.upload, paused.pieces);
        for (leg, pieces) in legs(&before) {
            let first = piece_key(&stem(&name, leg), 0);
            if pieces > 0 && self.pieces.get(&first).await?.is_none() {
                return Err(BlobError::Gone);
            }
        }
        let leg = new_leg();
        Ok(Box::new(Writing {
            store: self.clone(),
            stem: stem(&name, &leg),
            name,
            version: format!("{before}-{leg}"),
            waiting: BytesMut::from(paused.waiting.as_slice()),
            pieces: 0,
            size: paused.size,
            hash: None,
            settled: false,
        }))
    }

    async fn discard(&self, name: &BlobName, paused: &Paused) -> Result<(), BlobError> {
        self.erase_legs(name, &paused.upload, "").await
    }

    async fn stat(&self, name: &BlobName) -> Result<Option<Blob>, BlobError> {
        let Some(note) = self.pieces.get(&note_key(name)).await? else { return Ok(None) };
        serde_json::from_slice(&note.bytes).map(Some).map_err(unreadable)
    }

    async fn read(
        &self,
        name: &BlobName,
        blob: &Blob,
        from: u64,
        most: u64,
    ) -> Result<Bytes, BlobError> {
        if from >= blob.size || most == 0 {
            return Ok(Bytes::new());
        }
        let (index, skip) = (from / piece_size(), from % piece_size());
        let key = key_of(name, &blob.version, index).ok_or(BlobError::Gone)?;
        let piece = self.pieces.get(&key).await?.ok_or(BlobError::Gone)?;
        let mut bytes = piece.bytes;
        let skip = usize::try_from(skip).unwrap_or(usize::MAX).min(bytes.len());
        bytes = bytes.slice(skip..);
        bytes.truncate(usize::try_from(most).unwrap_or(usize::MAX));
        if bytes.is_empty() { Err(BlobError::Gone) } else { Ok(bytes) }
    }

    async fn remove(&self, name: &BlobName) -> Result<(), BlobError> {
        let Some(blob) = self.stat(name).await? else { return Ok(()) };
        // Without its note it is not there; the pieces that are left are found when this is cut off here.
        self.pieces.erase(&note_key(name)).await?;
        self.erase_legs(name, &blob.version, "").await
    }

    async fn sweep(&self) -> Result<u64, BlobError> {
        let mut versions: HashMap<String, Option<String>> = HashMap::new();
        let mut removed = 0;
        for key in self.pieces.keys("C.*.*.*.0").await? {
            let Some((area, id, leg)) = parts(&key) else { continue };
            let note = format!("M.{area}.{id}");
            let standing = match versions.get(&note) {
                Some(known) => known.clone(),
                None => {
                    let found = self.pieces.get(&note).await?;
                    let blob = found.and_then(|note| serde_json::from_slice(&note.bytes).ok());
                    let standing = blob.map(|blob: Blob| blob.version);
                    versions.insert(note, standing.clone());
                    standing
                }
            };
            let stands = standing.is_some_and(|version| has_leg(&version, leg));
            if !stands && self.is_left_over(&key).await? {
                let stem = key.strip_suffix(".0").unwrap_or(&key);
                self.erase(stem).await?;
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
        let after = after.map(|id| format!("M.{}.{id}", area.as_str()));
        let mut keys = self.pieces.keys(&format!("M.{}.*", area.as_str())).await?;
        keys.retain(|key| after.as_ref().is_none_or(|after| key > after));
        keys.sort_unstable();
        let ids = keys.iter().filter_map(|key| MediaId::parse(key.rsplit('.').next()?).ok());
        Ok(ids.take(LISTED).collect())
    }

    /// All bytes go through the gateways.
    fn direct(&self, _: &BlobName, _: Grant<'_>, _: Period) -> Option<String> {
        None
    }

    fn origin(&self) -> Option<String> {
        None
    }
}

/// Area, id and leg of the first piece of a leg.
fn parts(key: &str) -> Option<(&str, &str, &str)> {
    let mut parts = key.split('.').skip(1);
    Some((parts.next()?, parts.next()?, parts.next()?))
}

impl Builtin {
    async fn is_left_over(&self, key: &str) -> Result<bool, BlobError> {
        let Some(piece) = self.pieces.get(key).await? else { return Ok(false) };
        let age = |at: Timestamp| Timestamp::now().millis().saturating_sub(at.millis());
        let limit = i64::try_from(LEFT_OVER_AFTER.as_millis()).unwrap_or(i64::MAX);
        Ok(piece.stored_at.is_some_and(|at| age(at) > limit))
    }
}

/// A file that is being written.
struct Writing {
    store: Builtin,
    name: BlobName,
    version: String,
    /// What the pieces of the last leg are kept under, which this upload writes.
    stem: String,
    /// What does not fill a piece yet.
    waiting: BytesMut,
    /// Pieces of the last leg.
    pieces: u64,
    size: u64,
    /// Of all bytes, where this upload has seen all.
    hash: Option<Sha256>,
    /// It was finished, paused or removed: there is nothing to clean up.
    settled: bool,
}

impl Writing {
    async fn piece(&mut self, bytes: Bytes) -> Result<(), BlobError> {
        self.store.pieces.put(&piece_key(&self.stem, self.pieces), bytes).await?;
        self.pieces += 1;
        Ok(())
    }

    async fn end(&mut self) -> Result<Blob, BlobError> {
        if !self.waiting.is_empty() {
            let last = self.waiting.split().freeze();
            self.piece(last).await?;
        }
        let digits = self.hash.take().map(|hash| HEXLOWER.encode(&hash.finalize()));
        let sha256 = digits.map(|digits| Checksum::parse(&digits)).transpose();
        let sha256 = sha256.map_err(|error| BlobError::Unavailable(Box::new(error)))?;
        let version = self.version.clone();
        let blob = Blob { version, size: self.size, sha256 };
        let before = self.store.stat(&self.name).await?;
        let note = serde_json::to_vec(&blob).map_err(unreadable)?;
        self.store.pieces.put(&note_key(&self.name), note.into()).await?;
        self.settled = true;
        if let Some(before) = before {
            let erased = self.store.erase_legs(&self.name, &before.version, &blob.version).await;
            if let Err(error) = erased {
                tracing::warn!(%error, "a file that was replaced is removed later");
            }
        }
        Ok(blob)
    }
}

#[async_trait]
impl Upload for Writing {
    async fn write(&mut self, mut bytes: &[u8]) -> Result<(), BlobError> {
        if let Some(hash) = &mut self.hash {
            hash.update(bytes);
        }
        self.size += u64::try_from(bytes.len()).unwrap_or(0);
        while !bytes.is_empty() {
            let room = MAX_PIECE - self.waiting.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.waiting.extend_from_slice(now);
            bytes = later;
            if self.waiting.len() == MAX_PIECE {
                let full = std::mem::take(&mut self.waiting).freeze();
                self.piece(full).await?;
            }
        }
        Ok(())
    }

    fn pause(&mut self) -> Paused {
        self.settled = true;
        Paused {
            upload: self.version.clone(),
            parts: Vec::new(),
            pieces: self.pieces,
            size: self.size,
            waiting: self.waiting.to_vec(),
        }
    }

    async fn finish(mut self: Box<Self>) -> Result<Blob, BlobError> {
        self.end().await
    }

    async fn abort(mut self: Box<Self>) {
        self.settled = true;
        if let Err(error) = self.store.erase_legs(&self.name, &self.version, "").await {
            tracing::warn!(%error, "what was written of a file is removed later");
        }
    }
}

impl Drop for Writing {
    /// Its client or the command went away in the middle.
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if self.settled || self.pieces == 0 {
            return;
        }
        let (store, stem) = (self.store.clone(), self.stem.clone());
        runtime.spawn(async move {
            if let Err(error) = store.erase(&stem).await {
                tracing::warn!(%error, "what was written of a file is removed later");
            }
        });
    }
}

#[cfg(test)]
mod tests;
