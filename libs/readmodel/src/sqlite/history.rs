//! Former texts of messages in SQLite.

use async_trait::async_trait;
use rusqlite::params;
use schemas::ids::MessageId;

use super::kept::{Batch, Kept};
use super::rows::{execute, json, one, raw};
use super::store::SqliteStore;
use crate::answers::Answer;
use crate::documents::{HistoryDoc, HistoryReads};

impl Kept for HistoryDoc {
    const TABLES: &'static str = "
CREATE TABLE histories(message BLOB PRIMARY KEY, doc BLOB NOT NULL) WITHOUT ROWID;
";
    const BY_KEY: &'static str = "SELECT doc FROM histories WHERE message = ?1";
    const SCAN: &'static str =
        "SELECT doc FROM histories WHERE message > ?1 ORDER BY message LIMIT ?3";

    fn put(&self, batch: &mut Batch<'_>) -> Answer<()> {
        let message = raw(self.message_id);
        if self.texts.is_empty() {
            let sql = "DELETE FROM histories WHERE message = ?1";
            return execute(batch.db, sql, [message]).map(drop);
        }
        let sql =
            "INSERT INTO histories VALUES (?1, ?2) ON CONFLICT(message) DO UPDATE SET doc = ?2";
        execute(batch.db, sql, params![message, json(self)?]).map(drop)
    }
}

#[async_trait]
impl HistoryReads for SqliteStore {
    async fn history(&self, message: &MessageId) -> Answer<Option<HistoryDoc>> {
        let message = raw(message);
        self.read(move |db| one(db, HistoryDoc::BY_KEY, [message])).await
    }
}
