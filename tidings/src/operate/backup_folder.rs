//! The folder of a backup, and what it says of itself: everything that cannot be made again, or what of it has
//! changed since an earlier one.
//!
//! A whole backup holds streams, each a copy in the format of `nats stream backup`, and the keys. An increment holds
//! the small streams and the keys whole, too; of the log and of media it holds what was added since the earlier backup, and
//! which sequences are gone: all of them, so that what was erased since does not come back with the earlier one.
//! `backup.json` is written last: a folder without it is not a backup.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use eventlog::{Holes, LogError, Queue, Snapshot};
use schemas::{Namespace, Position, Sequence, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::fs;

use super::file_sum::FileSum;
use super::messages_file;
use crate::config::Config;
use crate::data::write_private;
use crate::failure::Failure;

/// The layout this build writes. It reads the first one, too, which knows no increments and no checksums.
pub(super) const FORMAT: u32 = 2;
const FIRST_FORMAT: u32 = 1;
/// What a folder says of itself, and what the copy of a stream says.
const DESCRIPTION: &str = "backup.json";
/// The copy of a stream.
const STREAM: &str = "stream.tar.s2";

/// Buckets of what ends with a restore: sessions, whose they are, tickets for sockets, one-time codes, and the
/// store's own tries.
const EPHEMERAL: &[&str] =
    &["sessions", "user_sessions", "tickets", "challenges", "codes", "attempts", "store_probe"];

/// What lies in a backup.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub(super) format: u32,
    pub(super) namespace: String,
    pub(super) made_at: Timestamp,
    pub(super) made_by: String,
    /// The streams, in the order in which they are copied: the log first.
    pub(super) streams: Vec<String>,
    pub(super) keys: Vec<String>,
    /// None of a whole backup.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) increment: Option<Increment>,
    /// Every file but this one, by its path in the folder.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) files: BTreeMap<String, FileSum>,
}

/// What makes a backup an increment.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Increment {
    /// It holds the events after this one.
    pub(super) since: Position,
    /// The last event it holds, or knows to be gone.
    pub(super) position: Position,
    /// By stream: those of which it holds what was added.
    pub(super) parts: BTreeMap<String, Part>,
    /// The work queues over the log.
    pub(super) queues: Vec<Queue>,
}

/// Of which sequences of a stream an increment holds the messages.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Part {
    /// Those after this one,
    pub(super) after: Sequence,
    /// up to this one,
    pub(super) through: Sequence,
    /// but for these, of which also those before are gone.
    pub(super) gone: Holes,
    /// So many messages.
    pub(super) messages: u64,
}

/// A backup that was read.
#[derive(Debug)]
pub(super) struct BackupFolder {
    pub(super) path: PathBuf,
    pub(super) manifest: Manifest,
    /// Where its log ends.
    pub(super) position: Position,
    /// Where each of its streams ends.
    pub(super) ends: BTreeMap<String, Sequence>,
}

impl BackupFolder {
    /// Reads what a folder says of itself.
    ///
    /// # Errors
    /// It is no finished backup, or one of another namespace or of a newer build.
    pub(super) async fn read(path: &Path, config: &Config) -> Result<Self, Failure> {
        let manifest = read_manifest(path, config).await?;
        let mut position = manifest.increment.as_ref().map(|increment| increment.position);
        let mut ends = BTreeMap::new();
        for stream in &manifest.streams {
            if let Some(part) = manifest.part(stream) {
                ends.insert(stream.clone(), part.through);
                continue;
            }
            let snapshot = snapshot_of(path, stream).await?;
            ends.insert(stream.clone(), snapshot.last());
            if *stream == config.namespace.events_stream() {
                position = position.or(snapshot.position());
            }
        }
        let none = || Failure::wrong_call(format!("{} holds no log", path.display()));
        let position = position.ok_or_else(none)?;
        Ok(Self { path: path.to_owned(), manifest, position, ends })
    }

    /// What an increment holds of a stream; none of one it holds whole or not at all.
    pub(super) fn part(&self, stream: &str) -> Option<&Part> {
        self.manifest.part(stream)
    }

    /// As people call it.
    pub(super) fn name(&self) -> std::path::Display<'_> {
        self.path.display()
    }
}

impl Manifest {
    fn part(&self, stream: &str) -> Option<&Part> {
        self.increment.as_ref()?.parts.get(stream)
    }

    /// Whether every name in it is one of a file in the folder.
    fn is_plain(&self) -> bool {
        let plain = |name: &String| !name.is_empty() && !name.contains(['/', '\\', '\0']);
        let inside = |path: &String| {
            Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
        };
        self.streams.iter().chain(&self.keys).all(plain) && self.files.keys().all(inside)
    }

    /// Files there must be, and that it does not list.
    pub(super) fn unlisted(&self) -> Option<String> {
        let of_stream = |stream: &String| match self.part(stream) {
            Some(_) => vec![messages_path(stream)],
            None => vec![stream_path(stream), description_path(stream)],
        };
        let keys = self.keys.iter().map(|key| format!("keys/{key}"));
        let mut all = self.streams.iter().flat_map(of_stream).chain(keys);
        all.find(|path| self.format > FIRST_FORMAT && !self.files.contains_key(path))
    }
}

async fn read_manifest(from: &Path, config: &Config) -> Result<Manifest, Failure> {
    let file = from.join(DESCRIPTION);
    let text = fs::read(&file)
        .await
        .map_err(|_| Failure::wrong_call(format!("{} is not a finished backup", from.display())))?;
    let other = || {
        let from = from.display();
        Failure::wrong_call(format!("the backup {from} was made by another version of tidings"))
    };
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|error| {
        // A newer layout may have what this build does not know.
        let is_newer = serde_json::from_slice::<Format>(&text).is_ok_and(|it| it.format > FORMAT);
        let text = format!("{} cannot be read: {error}", file.display());
        if is_newer { other() } else { Failure::wrong_call(text) }
    })?;
    if !(FIRST_FORMAT..=FORMAT).contains(&manifest.format) || !manifest.is_plain() {
        return Err(other());
    }
    if manifest.namespace != config.namespace.as_str() {
        let text = format!("it is a backup of namespace {}; say --namespace", manifest.namespace);
        return Err(Failure::wrong_call(text));
    }
    Ok(manifest)
}

#[derive(Deserialize)]
struct Format {
    format: u32,
}

/// What the copy of a stream says of it.
///
/// # Errors
/// It cannot be read.
pub(super) async fn snapshot_of(folder: &Path, stream: &str) -> Result<Snapshot, Failure> {
    let description = folder.join(description_path(stream));
    let text = fs::read(&description).await.map_err(cannot("cannot read", &description))?;
    serde_json::from_slice(&text)
        .map_err(|error| Failure::because(&description.display().to_string(), &error))
}

/// Writes what the folder says of itself, which makes it a backup.
///
/// # Errors
/// It cannot be written.
pub(super) fn write_manifest(folder: &Path, manifest: &Manifest) -> Result<(), Failure> {
    write_json(&folder.join(DESCRIPTION), manifest).map(drop)
}

/// Writes a file in JSON; its checksum.
///
/// # Errors
/// It cannot be written.
pub(super) fn write_json(file: &Path, value: &impl Serialize) -> Result<FileSum, Failure> {
    let text = serde_json::to_vec_pretty(value)
        .map_err(|error| Failure::because(&file.display().to_string(), &error))?;
    write_private(file, &text).map_err(cannot("cannot write", file))?;
    Ok(FileSum::of(&text))
}

/// Where the copy of a stream lies.
pub(super) fn stream_path(stream: &str) -> String {
    format!("streams/{stream}/{STREAM}")
}

/// Where the copy of a stream says what it is.
pub(super) fn description_path(stream: &str) -> String {
    format!("streams/{stream}/{DESCRIPTION}")
}

/// Where an increment has what was added to a stream.
pub(super) fn messages_path(stream: &str) -> String {
    format!("streams/{stream}/{}", messages_file::FILE)
}

/// Whether a stream comes back with a restore.
pub(super) fn lasts(stream: &str, namespace: &Namespace) -> bool {
    EPHEMERAL.iter().all(|bucket| *stream != format!("KV_{}", namespace.bucket(bucket)))
}

/// Why a file could not be used.
pub(super) fn cannot(what: &str, path: &Path) -> impl Fn(std::io::Error) -> Failure {
    let what = format!("{what} {}", path.display());
    move |error| Failure::because(&what, &error)
}

/// Why something could not be copied.
pub(super) fn copying(what: &str, error: &LogError) -> Failure {
    Failure::because(&format!("{what} cannot be copied"), error)
}
