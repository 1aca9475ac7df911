//! Inboxes in SQLite.

use async_trait::async_trait;
use rusqlite::{Connection, params};
use schemas::ids::UserId;

use super::kept::{Batch, Kept};
use super::rows::{execute, json, one, raw};
use super::store::SqliteStore;
use crate::answers::Answer;
use crate::documents::{InboxDoc, InboxReads};

impl Kept for InboxDoc {
    const TABLES: &'static str = "
CREATE TABLE inboxes(user BLOB PRIMARY KEY, doc BLOB NOT NULL) WITHOUT ROWID;
";
    const BY_KEY: &'static str = "SELECT doc FROM inboxes WHERE user = ?1";
    const SCAN: &'static str = "SELECT doc FROM inboxes WHERE user > ?1 ORDER BY user LIMIT ?3";

    fn put(&self, batch: &mut Batch<'_>) -> Answer<()> {
        let sql = "INSERT INTO inboxes VALUES (?1, ?2) ON CONFLICT(user) DO UPDATE SET doc = ?2";
        execute(batch.db, sql, params![raw(self.user_id), json(self)?]).map(drop)
    }
}

/// A user's inbox; an empty one for a user who never got an entry.
pub(super) fn inbox(db: &Connection, user: &UserId) -> Answer<InboxDoc> {
    let found = one(db, InboxDoc::BY_KEY, [raw(user)])?;
    Ok(found.unwrap_or_else(|| InboxDoc::empty(*user)))
}

#[async_trait]
impl InboxReads for SqliteStore {
    async fn inbox(&self, user: &UserId) -> Answer<InboxDoc> {
        let user = *user;
        self.read(move |db| inbox(db, &user)).await
    }
}
