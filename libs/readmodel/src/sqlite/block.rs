//! Blocks in SQLite.

use async_trait::async_trait;
use rusqlite::params;
use schemas::ids::UserId;

use super::kept::{Batch, Kept};
use super::rows::{execute, json, one, raw};
use super::store::SqliteStore;
use crate::answers::Answer;
use crate::documents::{BlockReads, BlocksDoc};

impl Kept for BlocksDoc {
    const TABLES: &'static str = "
CREATE TABLE blocks(user BLOB PRIMARY KEY, doc BLOB NOT NULL) WITHOUT ROWID;
";
    const BY_KEY: &'static str = "SELECT doc FROM blocks WHERE user = ?1";
    const SCAN: &'static str = "SELECT doc FROM blocks WHERE user > ?1 ORDER BY user LIMIT ?3";

    fn put(&self, batch: &mut Batch<'_>) -> Answer<()> {
        let sql = "INSERT INTO blocks VALUES (?1, ?2) ON CONFLICT(user) DO UPDATE SET doc = ?2";
        execute(batch.db, sql, params![raw(self.user_id), json(self)?]).map(drop)
    }
}

#[async_trait]
impl BlockReads for SqliteStore {
    async fn blocked_by(&self, user: &UserId) -> Answer<Vec<UserId>> {
        let user = *user;
        let found: Option<BlocksDoc> =
            self.read(move |db| one(db, BlocksDoc::BY_KEY, [raw(user)])).await?;
        Ok(found.map(|doc| doc.blocked).unwrap_or_default())
    }
}
