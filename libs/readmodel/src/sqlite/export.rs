//! Exports in SQLite.

use async_trait::async_trait;
use rusqlite::params;
use schemas::ids::ExportId;
use schemas::time::Timestamp;

use super::kept::{Batch, Kept};
use super::rows::{docs, execute, json, limit as sql_limit, one, raw};
use super::store::{SqliteStore, items};
use crate::answers::Answer;
use crate::documents::{ExportDoc, ExportReads};

impl Kept for ExportDoc {
    const TABLES: &'static str = "
-- due: milliseconds; null for one that is over.
CREATE TABLE exports(user BLOB PRIMARY KEY, id BLOB NOT NULL, due INTEGER, doc BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX exports_id ON exports(id);
CREATE INDEX exports_due ON exports(due) WHERE due IS NOT NULL;
";
    const BY_KEY: &'static str = "SELECT doc FROM exports WHERE user = ?1";
    const SCAN: &'static str = "SELECT doc FROM exports WHERE user > ?1 ORDER BY user LIMIT ?3";

    fn put(&self, batch: &mut Batch<'_>) -> Answer<()> {
        let sql = "INSERT INTO exports VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT(user) DO UPDATE SET id = ?2, due = ?3, doc = ?4";
        let due = self.due().map(Timestamp::millis);
        let row = params![raw(self.user_id), raw(self.state.id), due, json(self)?];
        execute(batch.db, sql, row).map(drop)
    }
}

#[async_trait]
impl ExportReads for SqliteStore {
    async fn export(&self, id: &ExportId) -> Answer<Option<ExportDoc>> {
        let id = raw(id);
        self.read(move |db| one(db, "SELECT doc FROM exports WHERE id = ?1", [id])).await
    }

    async fn exports_due(&self, now: Timestamp, limit: usize) -> Answer<Vec<ExportDoc>> {
        let limit = sql_limit(items(limit));
        let sql = "SELECT doc FROM exports WHERE due IS NOT NULL AND due <= ?1
            ORDER BY due LIMIT ?2";
        self.read(move |db| docs(db, sql, params![now.millis(), limit])).await
    }
}
