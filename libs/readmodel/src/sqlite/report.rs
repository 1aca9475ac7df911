//! Reports in SQLite.

use async_trait::async_trait;
use rusqlite::{Connection, params};
use schemas::ids::{MessageId, ReportId, UserId};
use schemas::position::Sequence;
use schemas::values::ReportStatus;

use super::kept::{Batch, Kept};
use super::rows::{db_error, docs, each, execute, int, json, limit as sql_limit, one, raw};
use super::store::{SqliteStore, items};
use crate::answers::{Answer, Slice};
use crate::documents::{ReportDoc, ReportReads};

const fn code(status: ReportStatus) -> i64 {
    match status {
        ReportStatus::Open => 0,
        ReportStatus::Dismissed => 1,
        ReportStatus::Actioned => 2,
    }
}

impl Kept for ReportDoc {
    const TABLES: &'static str = "
-- status: 0 open, 1 dismissed, 2 actioned.
CREATE TABLE reports(
    id BLOB PRIMARY KEY, reporter BLOB NOT NULL, message BLOB NOT NULL, status INTEGER NOT NULL, created INTEGER NOT NULL,
    doc BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX reports_created ON reports(created);
CREATE INDEX reports_status ON reports(status, created);
CREATE INDEX reports_open ON reports(reporter) WHERE status = 0;
CREATE INDEX reports_message ON reports(message) WHERE status = 0;
";
    const BY_KEY: &'static str = "SELECT doc FROM reports WHERE id = ?1";
    const SCAN: &'static str = "SELECT doc FROM reports WHERE id > ?1 ORDER BY id LIMIT ?3";

    fn put(&self, batch: &mut Batch<'_>) -> Answer<()> {
        let sql = "INSERT INTO reports VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            ON CONFLICT(id) DO UPDATE SET status = ?4, created = ?5, doc = ?6";
        let state = &self.state;
        let row = params![
            raw(state.id),
            raw(state.reporter_id),
            raw(state.message_id),
            code(state.status),
            int(self.created),
            json(self)?
        ];
        execute(batch.db, sql, row).map(drop)
    }
}

fn reports(
    db: &Connection,
    status: Option<ReportStatus>,
    before: Option<Sequence>,
    limit: usize,
) -> Answer<Slice<ReportDoc>> {
    let (before, most) = (int(before.unwrap_or(Sequence::MAX)), sql_limit(limit + 1));
    let found = match status {
        None => {
            let sql = "SELECT doc FROM reports WHERE created < ?1 ORDER BY created DESC LIMIT ?2";
            docs(db, sql, params![before, most])?
        }
        Some(status) => {
            let sql = "SELECT doc FROM reports WHERE status = ?3 AND created < ?1
                ORDER BY created DESC LIMIT ?2";
            docs(db, sql, params![before, most, code(status)])?
        }
    };
    Ok(Slice::cut(found, limit))
}

fn count(db: &Connection, sql: &str, id: [u8; 16]) -> Answer<u64> {
    let mut found = 0;
    each(db, sql, [id], |row| {
        let count: i64 = row.get(0).map_err(db_error)?;
        found = u64::try_from(count).unwrap_or_default();
        Ok(false)
    })?;
    Ok(found)
}

#[async_trait]
impl ReportReads for SqliteStore {
    async fn report(&self, id: &ReportId) -> Answer<Option<ReportDoc>> {
        let id = raw(id);
        self.read(move |db| one(db, ReportDoc::BY_KEY, [id])).await
    }

    async fn reports(
        &self,
        status: Option<ReportStatus>,
        before: Option<Sequence>,
        limit: usize,
    ) -> Answer<Slice<ReportDoc>> {
        self.read(move |db| reports(db, status, before, items(limit))).await
    }

    async fn open_reports(&self, reporter: &UserId) -> Answer<u64> {
        let reporter = raw(reporter);
        let sql = "SELECT count(*) FROM reports WHERE reporter = ?1 AND status = 0";
        self.read(move |db| count(db, sql, reporter)).await
    }

    async fn open_reports_of(&self, message: &MessageId) -> Answer<u64> {
        let message = raw(message);
        let sql = "SELECT count(*) FROM reports WHERE message = ?1 AND status = 0";
        self.read(move |db| count(db, sql, message)).await
    }
}
