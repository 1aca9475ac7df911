//! Syncs the files of new streams and consumers before they are used.
//!
//! With an interval as `sync_interval` nats-server syncs messages at that interval, and never the descriptions of
//! the streams and consumers it has created: those wait until the kernel writes them back, about half a minute. A
//! power loss before that loses the whole stream instead of the last interval. So the process that runs the server on
//! this machine syncs the files of a stream after creating or changing it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::connection::Connection;
use crate::error::LogError;
use crate::log::EventLog;

/// Where the server keeps a stream's messages, which it syncs itself.
const MESSAGES: &str = "msgs";
/// The account of a server that has no others, below the store's folder.
const STREAMS: &str = "jetstream/$G/streams";

impl EventLog {
    /// Says that the server keeps its files below this folder of this machine: streams created from now on are synced
    /// before they are used. Call it before [`EventLog::ensure_topology`].
    pub fn sync_below(&self, folder: PathBuf) {
        // A second call names the same folder.
        let _ = self.inner.connection.files.set(folder);
    }

    /// Syncs everything the server has written, messages included, where its files are on this machine.
    ///
    /// # Errors
    /// [`LogError::Unavailable`] when a file cannot be synced.
    pub async fn sync_everything(&self) -> Result<(), LogError> {
        let Some(store) = self.inner.connection.files.get().cloned() else { return Ok(()) };
        run(move || sync_tree(&store, &|_| true)).await
    }
}

impl Connection {
    /// Syncs the files of a stream and of its consumers, where they are known to be on this machine.
    pub(crate) async fn sync_stream(&self, stream: &str) -> Result<(), LogError> {
        let Some(store) = self.files.get().cloned() else { return Ok(()) };
        let stream = stream.to_owned();
        run(move || {
            let folder = store.join(STREAMS).join(stream);
            let described = |folder: &Path| !folder.ends_with(MESSAGES);
            sync_tree(if folder.is_dir() { &folder } else { &store }, &described)?;
            folder.ancestors().skip(1).take_while(|it| it.starts_with(&store)).try_for_each(sync)
        })
        .await
    }
}

async fn run(syncing: impl FnOnce() -> io::Result<()> + Send + 'static) -> Result<(), LogError> {
    let synced = tokio::task::spawn_blocking(syncing).await.map_err(io::Error::other);
    synced.flatten().map_err(|error| LogError::Unavailable(error.into()))
}

/// Syncs a folder and all that is in those below it that are wanted. The server goes on meanwhile: what has
/// gone is passed over.
fn sync_tree(folder: &Path, wanted: &dyn Fn(&Path) -> bool) -> io::Result<()> {
    let entries = if wanted(folder) { unless_gone(fs::read_dir(folder))? } else { None };
    for entry in entries.into_iter().flatten() {
        let Some(entry) = unless_gone(entry)? else { continue };
        match unless_gone(entry.file_type())? {
            Some(kind) if kind.is_dir() => sync_tree(&entry.path(), wanted)?,
            Some(kind) if kind.is_file() => sync(&entry.path())?,
            _ => {}
        }
    }
    sync(folder)
}

/// Syncs one file or folder.
fn sync(path: &Path) -> io::Result<()> {
    match unless_gone(File::open(path))? {
        Some(file) => file.sync_all(),
        None => Ok(()),
    }
}

fn unless_gone<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
