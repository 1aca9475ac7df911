//! The built-in store: pieces of 256 KiB in a stream of the log's server.
//!
//! A file is its note, which says which version of the name stands and how long it is, and the pieces of that version.
//! The note is written last: what has none is not there. Pieces of another version than the note's are left over from
//! clients or processes that were cut off.

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
use crate::store::{Area, Blob, BlobName, BlobStore, Grant, Period, Upload};

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

    /// Removes the pieces of a version of a name, the first last: as long as it is there the rest is found.
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

fn stem(name: &BlobName, version: &str) -> String {
    format!("C.{}.{}.{version}", name.area(), name.id())
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
        let version = format!("{:016x}", rand::random::<u64>());
        Ok(Box::new(Writing {
            store: self.clone(),
            stem: stem(&name, &version),
            name,
            version,
            waiting: BytesMut::new(),
            pieces: 0,
            size: 0,
            hash: Sha256::new(),
            settled: false,
        }))
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
        let key = piece_key(&stem(name, &blob.version), index);
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
        self.erase(&stem(name, &blob.version)).await
    }

    async fn sweep(&self) -> Result<u64, BlobError> {
        let mut versions: HashMap<String, Option<String>> = HashMap::new();
        let mut removed = 0;
        for key in self.pieces.keys("C.*.*.*.0").await? {
            let Some((area, id, version)) = parts(&key) else { continue };
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
            if standing.as_deref() != Some(version) && self.is_left_over(&key).await? {
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

/// Area, id and version of the first piece of a file.
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
    stem: String,
    /// What does not fill a piece yet.
    waiting: BytesMut,
    pieces: u64,
    size: u64,
    hash: Sha256,
    /// It was finished or removed: there is nothing to clean up.
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
        let digits = HEXLOWER.encode(&self.hash.clone().finalize());
        let sha256 =
            Checksum::parse(&digits).map_err(|error| BlobError::Unavailable(Box::new(error)))?;
        let (version, sha256) = (self.version.clone(), Some(sha256));
        let blob = Blob { version, size: self.size, sha256 };
        let before = self.store.stat(&self.name).await?;
        let note = serde_json::to_vec(&blob).map_err(unreadable)?;
        self.store.pieces.put(&note_key(&self.name), note.into()).await?;
        self.settled = true;
        if let Some(before) = before {
            let stem = stem(&self.name, &before.version);
            if let Err(error) = self.store.erase(&stem).await {
                tracing::warn!(%error, "a file that was replaced is removed later");
            }
        }
        Ok(blob)
    }
}

#[async_trait]
impl Upload for Writing {
    async fn write(&mut self, mut bytes: &[u8]) -> Result<(), BlobError> {
        self.hash.update(bytes);
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

    async fn finish(mut self: Box<Self>) -> Result<Blob, BlobError> {
        self.end().await
    }

    async fn abort(mut self: Box<Self>) {
        self.settled = true;
        if let Err(error) = self.store.erase(&self.stem).await {
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
mod tests {
    use eventlog::{Connect, Topology};
    use schemas::Namespace;
    use uuid::Uuid;

    use super::*;

    async fn store(server: &testbed::Nats) -> Builtin {
        let namespace = Namespace::parse("files").unwrap();
        let connect = Connect { url: server.url(), client_name: "files".to_owned(), namespace };
        let log = EventLog::connect(connect).await.unwrap();
        log.ensure_topology(&Topology::default()).await.unwrap();
        Builtin::of(&log)
    }

    fn bytes(count: usize) -> Vec<u8> {
        (0..count).map(|at| u8::try_from(at * 7 % 251).unwrap()).collect()
    }

    async fn put(store: &Builtin, name: &BlobName, bytes: &[u8]) -> Blob {
        let mut upload = store.begin(name.clone()).await.unwrap();
        for some in bytes.chunks(100_000) {
            upload.write(some).await.unwrap();
        }
        upload.finish().await.unwrap()
    }

    async fn whole(store: &Builtin, name: &BlobName, blob: &Blob, from: u64) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            let at = from + u64::try_from(all.len()).unwrap();
            let some = store.read(name, blob, at, u64::MAX).await.unwrap();
            if some.is_empty() {
                return all;
            }
            all.extend_from_slice(&some);
        }
    }

    #[tokio::test]
    async fn a_file_is_read_from_any_place_and_nothing_of_it_stays_once_it_is_removed() {
        let server = testbed::Nats::start().await;
        let store = store(&server).await;
        let name = BlobName::File(MediaId::from_uuid(Uuid::from_u128(1)));
        assert_eq!(store.stat(&name).await.unwrap(), None);
        let content = bytes(MAX_PIECE * 2 + 1234);
        let blob = put(&store, &name, &content).await;
        assert_eq!(store.stat(&name).await.unwrap().as_ref(), Some(&blob));
        for from in [0, 1, MAX_PIECE - 1, MAX_PIECE, MAX_PIECE * 2 + 1233, content.len()] {
            let read = whole(&store, &name, &blob, u64::try_from(from).unwrap()).await;
            assert!(read == content[from..], "from {from}");
        }
        let other = put(&store, &name, b"another").await;
        let gone = store.read(&name, &blob, 0, 1).await;
        assert!(matches!(gone, Err(BlobError::Gone)), "{gone:?}");
        assert_eq!(whole(&store, &name, &other, 0).await, b"another");
        let BlobName::File(id) = &name else { panic!("a file") };
        assert_eq!(store.media_in(Area::File, None).await.unwrap(), std::slice::from_ref(id));
        assert!(store.media_in(Area::Upload, None).await.unwrap().is_empty());
        assert!(store.media_in(Area::File, Some(id)).await.unwrap().is_empty());
        store.remove(&name).await.unwrap();
        store.remove(&name).await.unwrap();
        assert_eq!(store.pieces.keys(">").await.unwrap(), [""; 0]);
    }

    #[tokio::test]
    async fn what_was_aborted_leaves_nothing_and_what_is_being_written_is_not_swept() {
        let server = testbed::Nats::start().await;
        let store = store(&server).await;
        let name = BlobName::Upload(MediaId::from_uuid(Uuid::from_u128(1)));
        let mut upload = store.begin(name.clone()).await.unwrap();
        upload.write(&bytes(MAX_PIECE + 1)).await.unwrap();
        assert_eq!(store.pieces.keys(">").await.unwrap().len(), 1);
        assert_eq!(store.sweep().await.unwrap(), 0);
        upload.abort().await;
        assert_eq!(store.pieces.keys(">").await.unwrap(), [""; 0]);
        assert_eq!(store.stat(&name).await.unwrap(), None);
    }
}
