//! `side.db`, beside the generations: opened by every process that needs it, and never rebuilt.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension as _, params};
use schemas::{Timestamp, UserId};

use super::rows::{db_error, raw};
use super::store::blocking;
use crate::answers::Answer;
use crate::side::SideStore;

const TABLES: &str = "CREATE TABLE IF NOT EXISTS last_seen (
    user BLOB PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;";
/// How long a statement waits for another process's write before it gives up.
const BUSY: Duration = Duration::from_secs(5);

/// The file.
#[derive(Debug, Clone)]
pub(super) struct SideFile(Arc<Mutex<Connection>>);

impl SideFile {
    /// Opens a file that is there, empty or not.
    pub(super) fn open(path: &Path) -> Answer<Self> {
        let db = Connection::open(path).map_err(db_error)?;
        db.busy_timeout(BUSY).map_err(db_error)?;
        db.pragma_update(None, "journal_mode", "wal").map_err(db_error)?;
        db.pragma_update(None, "synchronous", "normal").map_err(db_error)?;
        // What is forgotten is gone from the file, too.
        db.pragma_update(None, "secure_delete", true).map_err(db_error)?;
        db.execute_batch(TABLES).map_err(db_error)?;
        Ok(Self(Arc::new(Mutex::new(db))))
    }
}

#[async_trait]
impl SideStore for SideFile {
    async fn last_seen(&self, users: &[UserId]) -> Answer<Vec<(UserId, Timestamp)>> {
        let (db, users) = (Arc::clone(&self.0), users.to_vec());
        blocking(move || {
            let db = db.lock();
            let sql = "SELECT at FROM last_seen WHERE user = ?1";
            let mut found = db.prepare_cached(sql).map_err(db_error)?;
            let mut seen = Vec::new();
            for user in users {
                let at = found.query_row([raw(&user)], |row| row.get(0)).optional();
                if let Some(at) = at.map_err(db_error)? {
                    seen.push((user, Timestamp::from_millis(at)));
                }
            }
            Ok(seen)
        })
        .await
    }

    async fn keep_last_seen(&self, seen: Vec<(UserId, Option<Timestamp>)>) -> Answer<()> {
        let db = Arc::clone(&self.0);
        blocking(move || {
            let mut db = db.lock();
            let transaction = db.transaction().map_err(db_error)?;
            for (user, at) in seen {
                let user = raw(&user);
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
