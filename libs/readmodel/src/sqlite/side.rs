//! `side.db`, beside the generations: opened by every process that needs it, and never rebuilt.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension as _, params};
use schemas::{Timestamp, UserId};

use super::request_log::Requests;
use super::rows::{db_error, raw};
use super::store::blocking;
use crate::answers::Answer;
use crate::request_log::RequestLog;
use crate::side::SideStore;

const TABLES: &str = "CREATE TABLE IF NOT EXISTS last_seen (
    user BLOB PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;";
/// How long a statement waits for another process's write before it gives up.
const BUSY: Duration = Duration::from_secs(5);

/// The file.
#[derive(Debug, Clone)]
pub(super) struct SideFile {
    last_seen: Arc<Mutex<Connection>>,
    requests: Requests,
}

impl SideFile {
    /// Opens a file that is there, empty or not.
    pub(super) fn open(path: &Path) -> Answer<Self> {
        let last_seen = connect(path)?;
        last_seen.execute_batch(TABLES).map_err(db_error)?;
        // Presence does not wait for batches of requests.
        let requests = Requests::of(connect(path)?)?;
        Ok(Self { last_seen: Arc::new(Mutex::new(last_seen)), requests })
    }
}

fn connect(path: &Path) -> Answer<Connection> {
    let db = Connection::open(path).map_err(db_error)?;
    db.busy_timeout(BUSY).map_err(db_error)?;
    db.pragma_update(None, "journal_mode", "wal").map_err(db_error)?;
    db.pragma_update(None, "synchronous", "normal").map_err(db_error)?;
    // What is forgotten is gone from the file, too.
    db.pragma_update(None, "secure_delete", true).map_err(db_error)?;
    Ok(db)
}

#[async_trait]
impl SideStore for SideFile {
    fn request_log(&self) -> &dyn RequestLog {
        &self.requests
    }

    async fn last_seen(&self, users: &[UserId]) -> Answer<Vec<(UserId, Timestamp)>> {
        let (db, users) = (Arc::clone(&self.last_seen), users.to_vec());
        blocking(move || {
            let db = db.lock();
            let sql = "SELECT at FROM last_seen WHERE user = ?1";
            let mut found = db.prepare_cached(sql).map_err(db_error)?;
            let mut seen = Vec::new();
            for user in users {
                let at = found.query_row([raw(user)], |row| row.get(0)).optional();
                if let Some(at) = at.map_err(db_error)? {
                    seen.push((user, Timestamp::from_millis(at)));
                }
            }
            Ok(seen)
        })
        .await
    }

    async fn keep_last_seen(&self, seen: Vec<(UserId, Option<Timestamp>)>) -> Answer<()> {
        let db = Arc::clone(&self.last_seen);
        blocking(move || {
            let mut db = db.lock();
            let transaction = db.transaction().map_err(db_error)?;
            for (user, at) in seen {
                let user = raw(user);
                match at {
                    Some(at) => transaction.execute(
                        "INSERT INTO last_seen (user, at) VALUES (?1, ?2)
                         ON CONFLICT (user) DO UPDATE SET at = max(at, excluded.at)",
                        params![user, at.millis()],
                    ),
                    None => transaction.execute("DELETE FROM last_seen WHERE user = ?1", [user]),
                }
                .map_err(db_error)?;
            }
            transaction.commit().map_err(db_error)
        })
        .await
    }
}
