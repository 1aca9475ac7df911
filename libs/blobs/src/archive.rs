//! Zip files, written as they go: into an upload, entry after entry, with nothing to go back to.
//!
//! Of an entry the size and the checksum are known before its first byte, so that also readers that do not look ahead
//! can take it: what is in memory is compressed there, and files out of a store, most of which are compressed in their
//! own way, are read once to find out and once to be copied. Sizes and counts beyond what the format was first made
//! for are written in its present form (zip64). The format: PKWARE's APPNOTE.TXT 6.3.10.

use std::io::Write as _;

use bytes::BufMut as _;
use crc32fast::Hasher;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use schemas::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::BlobError;
use crate::store::{Blob, BlobName, BlobStore, Paused, Upload};

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const END_64: u32 = 0x0606_4b50;
const LOCATOR_64: u32 = 0x0706_4b50;
/// Names are UTF-8.
const UTF_8: u16 = 1 << 11;
/// Versions of the format that a reader must know: 2.0, and 4.5 for zip64.
const PLAIN: u16 = 20;
const ZIP_64: u16 = 45;
/// Made on Unix, where a file has permissions: everyone may read, its owner write.
const MADE_BY: u16 = (3 << 8) | ZIP_64;
const PERMISSIONS: u32 = 0o100_644 << 16;
/// What stands in a field that is too small for its number.
const ELSEWHERE: u32 = u32::MAX;

/// How the bytes of an entry are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Method {
    Stored,
    Deflated,
}

/// An entry, as the directory at the end lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    path: String,
    method: Method,
    crc: u32,
    /// Bytes in the archive.
    packed: u64,
    /// Bytes of the file.
    size: u64,
    /// Where it begins.
    at: u64,
}

/// A zip file that is being written. One that is dropped before [`Archive::finish`] leaves nothing behind, unless it was
/// paused.
pub struct Archive {
    upload: Box<dyn Upload>,
    at: u64,
    entries: Vec<Entry>,
    made: (u16, u16),
}

/// A zip file that is half written, after an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PausedArchive {
    upload: Paused,
    entries: Vec<Entry>,
    made: (u16, u16),
}

impl PausedArchive {
    /// What is stored of it, to be discarded.
    #[must_use]
    pub const fn upload(&self) -> &Paused {
        &self.upload
    }
}

impl std::fmt::Debug for Archive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Archive").field("at", &self.at).finish_non_exhaustive()
    }
}

fn long(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

impl Archive {
    /// An empty one whose entries are as old as said.
    #[must_use]
    pub fn new(upload: Box<dyn Upload>, made: Timestamp) -> Self {
        Self { upload, at: 0, entries: Vec::new(), made: dos_time(made) }
    }

    /// Resumes one that is half written.
    ///
    /// # Errors
    /// See [`BlobStore::resume`].
    pub async fn resume(
        store: &dyn BlobStore,
        name: BlobName,
        paused: PausedArchive,
    ) -> Result<Self, BlobError> {
        let PausedArchive { upload, entries, made } = paused;
        let at = upload.size;
        Ok(Self { upload: store.resume(name, &upload).await?, at, entries, made })
    }

    /// What was written so far, to go on from after the entry that was added last. It stays when this is dropped.
    pub fn pause(&mut self) -> PausedArchive {
        let entries = self.entries.clone();
        PausedArchive { upload: self.upload.pause(), entries, made: self.made }
    }

    /// Bytes written so far.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.at
    }

    /// Adds a file that is in memory. Its path is relative, with `/` between folders, at most 65,535 bytes.
    ///
    /// # Errors
    /// See [`BlobError`].
    pub async fn add(&mut self, path: String, bytes: Vec<u8>) -> Result<(), BlobError> {
        let packing = tokio::task::spawn_blocking(move || pack(&bytes));
        let packed = packing.await.map_err(|error| BlobError::Unavailable(Box::new(error)))?;
        let packed = packed.map_err(|error| BlobError::Unavailable(Box::new(error)))?;
        let Packed { crc, size, bytes } = packed;
        let packed = long(bytes.len());
        self.begin(Entry { path, method: Method::Deflated, crc, packed, size, at: self.at })
            .await?;
        self.write(&bytes).await
    }

    /// Adds a file of a store as it is.
    ///
    /// # Errors
    /// [`BlobError::Gone`] when it was removed meanwhile: the archive is of no use then. See [`BlobError`].
    pub async fn copy(
        &mut self,
        path: String,
        store: &dyn BlobStore,
        (name, blob): (&BlobName, &Blob),
    ) -> Result<(), BlobError> {
        let (mut hasher, mut at) = (Hasher::new(), 0);
        while at < blob.size {
            let bytes = some(store, (name, blob), at).await?;
            hasher.update(&bytes);
            at += long(bytes.len());
        }
        let (crc, size) = (hasher.finalize(), blob.size);
        let entry = Entry { path, method: Method::Stored, crc, packed: size, size, at: self.at };
        self.begin(entry).await?;
        let mut at = 0;
        while at < size {
            let bytes = some(store, (name, blob), at).await?;
            self.write(&bytes).await?;
            at += long(bytes.len());
        }
        Ok(())
    }

    /// Writes the directory and puts the archive in the place of what was stored under its name.
    ///
    /// # Errors
    /// See [`BlobError`].
    pub async fn finish(mut self) -> Result<Blob, BlobError> {
        let begins = self.at;
        let entries = std::mem::take(&mut self.entries);
        for some in entries.chunks(1_000) {
            let mut listed = Vec::new();
            some.iter().for_each(|entry| list(entry, self.made, &mut listed));
            self.write(&listed).await?;
        }
        let mut end = Vec::new();
        ends(long(entries.len()), begins, self.at - begins, &mut end);
        self.write(&end).await?;
        self.upload.finish().await
    }

    async fn begin(&mut self, entry: Entry) -> Result<(), BlobError> {
        let mut head = Vec::with_capacity(50 + entry.path.len());
        open(&entry, self.made, &mut head);
        self.entries.push(entry);
        self.write(&head).await
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        self.at += long(bytes.len());
        self.upload.write(bytes).await
    }
}

/// Bytes of a file from a place on; at least one.
async fn some(
    store: &dyn BlobStore,
    (name, blob): (&BlobName, &Blob),
    at: u64,
) -> Result<bytes::Bytes, BlobError> {
    let bytes = store.read(name, blob, at, blob.size - at).await?;
    if bytes.is_empty() { Err(BlobError::Gone) } else { Ok(bytes) }
}

struct Packed {
    crc: u32,
    size: u64,
    bytes: Vec<u8>,
}

fn pack(bytes: &[u8]) -> std::io::Result<Packed> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes)?;
    let packed = encoder.finish()?;
    Ok(Packed { crc: crc32fast::hash(bytes), size: long(bytes.len()), bytes: packed })
}

impl Entry {
    /// Whether a size does not fit into the fields that the format had first.
    fn is_large(&self) -> bool {
        self.packed.max(self.size) >= u64::from(ELSEWHERE)
    }

    fn method(&self) -> u16 {
        match self.method {
            Method::Stored => 0,
            Method::Deflated => 8,
        }
    }
}

/// A number where it fits; else what says that it stands elsewhere.
fn short(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(ELSEWHERE)
}

fn half(number: u64) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

/// What the head of an entry and its line in the directory have in common, up to the length of its name.
fn describe(entry: &Entry, (time, date): (u16, u16), needs: u16, into: &mut Vec<u8>) {
    let large = entry.is_large();
    into.put_u16_le(needs);
    into.put_u16_le(UTF_8);
    into.put_u16_le(entry.method());
    into.put_u16_le(time);
    into.put_u16_le(date);
    into.put_u32_le(entry.crc);
    into.put_u32_le(if large { ELSEWHERE } else { short(entry.packed) });
    into.put_u32_le(if large { ELSEWHERE } else { short(entry.size) });
    into.put_u16_le(half(long(entry.path.len())));
}

/// The large numbers of an entry.
fn extra(numbers: &[u64]) -> Vec<u8> {
    let mut extra: Vec<u8> = Vec::new();
    if !numbers.is_empty() {
        extra.put_u16_le(1);
        extra.put_u16_le(half(8 * long(numbers.len())));
        numbers.iter().for_each(|number| extra.put_u64_le(*number));
    }
    extra
}

/// The head of an entry.
fn open(entry: &Entry, made: (u16, u16), into: &mut Vec<u8>) {
    let (needs, large) = match entry.is_large() {
        true => (ZIP_64, extra(&[entry.size, entry.packed])),
        false => (PLAIN, Vec::new()),
    };
    into.put_u32_le(LOCAL);
    describe(entry, made, needs, into);
    into.put_u16_le(half(long(large.len())));
    into.extend_from_slice(entry.path.as_bytes());
    into.extend_from_slice(&large);
}

/// The line of an entry in the directory.
fn list(entry: &Entry, made: (u16, u16), into: &mut Vec<u8>) {
    let mut numbers = Vec::new();
    if entry.is_large() {
        numbers.extend([entry.size, entry.packed]);
    }
    let is_far = entry.at >= u64::from(ELSEWHERE);
    if is_far {
        numbers.push(entry.at);
    }
    let needs = if numbers.is_empty() { PLAIN } else { ZIP_64 };
    let large = extra(&numbers);
    into.put_u32_le(CENTRAL);
    into.put_u16_le(MADE_BY);
    describe(entry, made, needs, into);
    into.put_u16_le(half(long(large.len())));
    // No comment, on the first disk, not known to be text.
    into.put_u16_le(0);
    into.put_u16_le(0);
    into.put_u16_le(0);
    into.put_u32_le(PERMISSIONS);
    into.put_u32_le(if is_far { ELSEWHERE } else { short(entry.at) });
    into.extend_from_slice(entry.path.as_bytes());
    into.extend_from_slice(&large);
}

/// What stands after the directory of so many entries, which begins at a place and has so many bytes.
fn ends(entries: u64, at: u64, bytes: u64, into: &mut Vec<u8>) {
    let many = entries >= u64::from(u16::MAX);
    if many || at.max(bytes) >= u64::from(ELSEWHERE) {
        into.put_u32_le(END_64);
        // Bytes of the rest of this.
        into.put_u64_le(44);
        into.put_u16_le(MADE_BY);
        into.put_u16_le(ZIP_64);
        into.put_u32_le(0);
        into.put_u32_le(0);
        into.put_u64_le(entries);
        into.put_u64_le(entries);
        into.put_u64_le(bytes);
        into.put_u64_le(at);
        into.put_u32_le(LOCATOR_64);
        into.put_u32_le(0);
        into.put_u64_le(at.saturating_add(bytes));
        into.put_u32_le(1);
    }
    into.put_u32_le(END);
    into.put_u16_le(0);
    into.put_u16_le(0);
    into.put_u16_le(half(entries));
    into.put_u16_le(half(entries));
    into.put_u32_le(short(bytes));
    into.put_u32_le(short(at));
    into.put_u16_le(0);
}

/// A time in the format's way: UTC, to two seconds, from 1980 on.
fn dos_time(at: Timestamp) -> (u16, u16) {
    let text = at.to_string();
    let part = |from: usize, to: usize| -> u16 {
        text.get(from..to).and_then(|digits| digits.parse().ok()).unwrap_or(0)
    };
    let years = part(0, 4).saturating_sub(1980).min(127);
    let date = (years << 9) | (part(5, 7) << 5) | part(8, 10);
    let time = (part(11, 13) << 11) | (part(14, 16) << 5) | (part(17, 19) / 2);
    (time, date)
}

#[cfg(test)]
mod tests;
