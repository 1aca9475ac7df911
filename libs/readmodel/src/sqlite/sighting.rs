//! Sightings in SQLite.

use async_trait::async_trait;
use rusqlite::{Connection, params};
use schemas::time::Timestamp;

use super::kept::{Batch, Kept};
use super::rows::{db_error, each, execute, int, json, limit as sql_limit, raw, unreadable};
use super::store::{SqliteStore, items};
use crate::answers::{Answer, Slice};
use crate::documents::{SightingDoc, SightingReads, Term};

impl Kept for SightingDoc {
    const TABLES: &'static str = "
-- term: what the log is looked through for; '*' is every event, and its rows say when a block begins.
CREATE TABLE sightings(
    id BLOB PRIMARY KEY, term TEXT NOT NULL, block INTEGER NOT NULL, time INTEGER NOT NULL, doc BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX sightings_term ON sightings(term, block);
CREATE INDEX sightings_time ON sightings(time, block) WHERE term = '*';
";
    const BY_KEY: &'static str = "SELECT doc FROM sightings WHERE id = ?1";
    const SCAN: &'static str = "SELECT doc FROM sightings WHERE id > ?1 ORDER BY id LIMIT ?3";

    fn put(&self, batch: &mut Batch<'_>) -> Answer<()> {
        let sql = "INSERT INTO sightings VALUES (?1, ?2, ?3, ?4, ?5)
            ON CONFLICT(id) DO UPDATE SET time = ?4, doc = ?5";
        let (term, block, time) = (self.term.as_str(), int(self.block), self.time.millis());
        execute(batch.db, sql, params![raw(self.id), term, block, time, json(self)?]).map(drop)
    }
}

fn blocks(db: &Connection, term: &Term, range: (u64, u64), limit: usize) -> Answer<Slice<u64>> {
    let sql = "SELECT block FROM sightings WHERE term = ?1 AND block >= ?2 AND block < ?3
        ORDER BY block DESC LIMIT ?4";
    let mut found = Vec::new();
    let values = params![term.as_str(), int(range.0), int(range.1), sql_limit(limit + 1)];
    each(db, sql, values, |row| {
        let block: i64 = row.get(0).map_err(db_error)?;
        found.push(u64::try_from(block).map_err(unreadable)?);
        Ok(true)
    })?;
    Ok(Slice::cut(found, limit))
}

fn before(db: &Connection, time: Timestamp) -> Answer<Option<u64>> {
    let sql = "SELECT block FROM sightings WHERE term = '*' AND time < ?1 ORDER BY time DESC, block DESC LIMIT 1";
    let mut newest = None;
    each(db, sql, [time.millis()], |row| {
        let block: i64 = row.get(0).map_err(db_error)?;
        newest = Some(u64::try_from(block).map_err(unreadable)?);
        Ok(false)
    })?;
    Ok(newest)
}

#[async_trait]
impl SightingReads for SqliteStore {
    async fn sightings(
        &self,
        term: &Term,
        from: u64,
        end: u64,
        limit: usize,
    ) -> Answer<Slice<u64>> {
        let term = term.clone();
        self.read(move |db| blocks(db, &term, (from, end), items(limit))).await
    }

    async fn block_before(&self, time: Timestamp) -> Answer<Option<u64>> {
        self.read(move |db| before(db, time)).await
    }
}
