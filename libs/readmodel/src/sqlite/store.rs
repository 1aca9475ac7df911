//! One generation's file: one connection that writes and a few that read.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;

use super::kept::RoomKeys;
use super::rows::db_error;
use crate::answers::{Answer, MAX_CHANGES, MAX_ITEMS, StoreError};
use crate::backend::Durability;

/// Connections that read at the same time; more would only queue for two or four cores.
const READERS: usize = 4;
/// How long a statement waits for another process's write before it gives up.
const BUSY: Duration = Duration::from_secs(5);

/// A generation in an SQLite file. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct SqliteStore(Arc<Inner>);

/// The one connection that writes.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) db: Connection,
    pub(super) room_keys: RoomKeys,
}

#[derive(Debug)]
struct Inner {
    name: String,
    writer: Mutex<Writer>,
    readers: Mutex<Vec<Connection>>,
    /// As many permits as there are idle connections: with one there is a connection in `readers`.
    free: Semaphore,
}

impl SqliteStore {
    /// Opens a generation, which keeps so many bytes of pages in memory: half of them for writing.
    pub(super) fn open(
        name: &str,
        path: &Path,
        durability: Durability,
        cache: u64,
    ) -> Answer<Self> {
        let db = connect(path)?;
        if durability == Durability::AtSeal {
            // Discarded if this process dies: a page is written once and not twice, and what a transaction
            // has changed is remembered only to roll it back.
            db.pragma_update(None, "journal_mode", "memory").map_err(db_error)?;
            db.pragma_update(None, "synchronous", "off").map_err(db_error)?;
        }
        // Checkpointing the WAL seldom is worth half the write rate; 16,000 pages are 64 MiB.
        db.pragma_update(None, "wal_autocheckpoint", 16_000).map_err(db_error)?;
        // What an erasure or a person deletes is gone from the file, too.
        db.pragma_update(None, "secure_delete", true).map_err(db_error)?;
        let kibibytes = i64::try_from(cache / 1024).unwrap_or(i64::MAX);
        db.pragma_update(None, "cache_size", -(kibibytes / 2)).map_err(db_error)?;
        let mut readers = Vec::with_capacity(READERS);
        for _ in 0..READERS {
            let reader = connect(path)?;
            reader.pragma_update(None, "query_only", true).map_err(db_error)?;
            reader.pragma_update(None, "cache_size", -(kibibytes / 8)).map_err(db_error)?;
            readers.push(reader);
        }
        Ok(Self(Arc::new(Inner {
            name: name.to_owned(),
            writer: Mutex::new(Writer { db, room_keys: RoomKeys::default() }),
            readers: Mutex::new(readers),
            free: Semaphore::new(READERS),
        })))
    }

    /// The generation's name.
    pub(super) fn name(&self) -> &str {
        &self.0.name
    }

    /// Asks a question on a connection that only reads.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Answer<T> + Send + 'static,
    ) -> Answer<T> {
        let inner = Arc::clone(&self.0);
        let permit = inner.free.acquire().await;
        permit.map_err(|error| StoreError::Failed(Box::new(error)))?.forget();
        let returned = ReturnPermit(Arc::clone(&self.0));
        blocking(move || {
            let returned = returned;
            let Some(db) = returned.0.readers.lock().pop() else {
                return Err(StoreError::Failed("no free reader".into()));
            };
            let answer = query(&db);
            returned.0.readers.lock().push(db);
            answer
        })
        .await
    }

    /// Works on the connection that writes.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writer) -> T + Send + 'static,
    ) -> Answer<T> {
        let inner = Arc::clone(&self.0);
        blocking(move || Ok(work(&mut inner.writer.lock()))).await
    }
}

/// Gives a reader's permit back, after the connection itself, even if the caller has been cancelled meanwhile.
struct ReturnPermit(Arc<Inner>);

impl Drop for ReturnPermit {
    fn drop(&mut self) {
        self.0.free.add_permits(1);
    }
}

fn connect(path: &Path) -> Answer<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).map_err(db_error)?;
    db.busy_timeout(BUSY).map_err(db_error)?;
    // In WAL mode NORMAL never damages the file; a power loss may take back the last commits, with their
    // checkpoint, and the projector applies them again.
    db.pragma_update(None, "synchronous", "normal").map_err(db_error)?;
    db.set_prepared_statement_cache_capacity(128);
    Ok(db)
}

/// A limit on items, within what a query may answer with.
pub(super) fn items(limit: usize) -> usize {
    limit.clamp(1, MAX_ITEMS)
}

/// A limit on changes, within what a query may answer with.
pub(super) fn changes(limit: usize) -> usize {
    limit.clamp(1, MAX_CHANGES)
}

/// Runs blocking work on a thread that may block.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Answer<T> + Send + 'static,
) -> Answer<T> {
    let (done, answer) = oneshot::channel();
    // A caller who has gone away does not hear of it.
    let work = run(Box::new(move || drop(done.send(work()))));
    work.await.map_err(|error| StoreError::Failed(Box::new(error)))?;
    answer.await.unwrap_or_else(|error| Err(StoreError::Failed(Box::new(error))))
}

/// Runs work on a thread that may block. Compiled once, not for every query: hence the box.
fn run(work: Box<dyn FnOnce() + Send>) -> JoinHandle<()> {
    tokio::task::spawn_blocking(work)
}
