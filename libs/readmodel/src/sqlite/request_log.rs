//! The log of requests in `side.db`, on a connection of its own: nothing else waits for it.

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use rusqlite::{Connection, ToSql, Transaction, params, params_from_iter};
use schemas::{Timestamp, UserId};

use super::rows::{db_error, each, execute, int, unreadable};
use super::store::{blocking, items};
use crate::answers::Answer;
use crate::request_log::{
    FoundRequests, LoggedRequest, RequestFilter, RequestKey, RequestLog, Taking, activity,
};

/// The log, in the file of all that is kept beside the generations.
#[derive(Debug, Clone)]
pub(super) struct Requests(Arc<Mutex<Connection>>);

/// Rows that are removed in one transaction, so that no writer waits for long.
const PIECE: usize = 5_000;

/// The tables. A name that may not be kept stands in `forgotten`.
const TABLES: &str = "
CREATE TABLE IF NOT EXISTS requests(
    at INTEGER NOT NULL, draw INTEGER NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL, status INTEGER NOT NULL,
    took INTEGER NOT NULL, user TEXT, ip TEXT NOT NULL, trace TEXT NOT NULL, PRIMARY KEY(at, draw)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS requests_user ON requests(user, at, draw) WHERE user IS NOT NULL;
CREATE INDEX IF NOT EXISTS requests_path ON requests(path, at, draw);
CREATE INDEX IF NOT EXISTS requests_failed ON requests(status, at, draw) WHERE status >= 400;
CREATE TABLE IF NOT EXISTS active(user TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS active_at ON active(at);
CREATE TABLE IF NOT EXISTS forgotten(user TEXT PRIMARY KEY) WITHOUT ROWID;
";

fn add(db: &Transaction<'_>, rows: &[LoggedRequest]) -> Answer<()> {
    let sql = "INSERT OR IGNORE INTO requests SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9
        WHERE NOT EXISTS (SELECT 1 FROM forgotten WHERE user = ?7)";
    for row in rows {
        let LoggedRequest { key, method, path, status, took_us, user, ip, trace_id } = row;
        let user = user.as_ref().map(UserId::as_str);
        let (at, draw) = (key.time.millis(), int(key.draw));
        execute(
            db,
            sql,
            params![at, draw, method, path, status, int(*took_us), user, ip, trace_id],
        )?;
    }
    Ok(())
}

fn note(db: &Transaction<'_>, active: &[UserId], at: Timestamp) -> Answer<()> {
    let sql = "INSERT INTO active SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM forgotten WHERE user = ?1)
        ON CONFLICT(user) DO UPDATE SET at = max(at, excluded.at)";
    for user in active {
        execute(db, sql, params![user.as_str(), at.millis()])?;
    }
    Ok(())
}

fn row(row: &rusqlite::Row<'_>) -> Answer<LoggedRequest> {
    let number = |column| row.get::<_, i64>(column).map_err(db_error);
    let text = |column| row.get::<_, String>(column).map_err(db_error);
    let user: Option<String> = row.get(6).map_err(db_error)?;
    Ok(LoggedRequest {
        key: RequestKey {
            time: Timestamp::from_millis(number(0)?),
            draw: number(1)?.try_into().map_err(unreadable)?,
        },
        method: text(2)?,
        path: text(3)?,
        status: number(4)?.try_into().map_err(unreadable)?,
        took_us: number(5)?.try_into().map_err(unreadable)?,
        user: user.map(|user| UserId::parse(&user)).transpose().map_err(unreadable)?,
        ip: text(7)?,
        trace_id: text(8)?,
    })
}

/// The one condition whose index is gone along; the others are looked at row by row.
fn narrowest(filter: &RequestFilter) -> (&'static str, Option<Box<dyn ToSql>>) {
    match filter {
        RequestFilter { user: Some(user), .. } => {
            ("AND user = ?4", Some(Box::new(user.to_string())))
        }
        RequestFilter { status: Some(status), .. } if *status >= 400 => {
            ("AND status = ?4 AND status >= 400", Some(Box::new(*status)))
        }
        RequestFilter { path: Some(path), .. } => ("AND path = ?4", Some(Box::new(path.clone()))),
        _ => ("", None),
    }
}

fn find(
    db: &Connection,
    filter: &RequestFilter,
    before: Option<RequestKey>,
    limit: usize,
) -> Answer<FoundRequests> {
    let (condition, value) = narrowest(filter);
    let sql = format!(
        "SELECT at, draw, method, path, status, took, user, ip, trace FROM requests
        WHERE (at, draw) < (?1, ?2) AND at >= ?3 {condition} ORDER BY at DESC, draw DESC"
    );
    let until = filter.until.map(|time| RequestKey { time, draw: 0 });
    let end = [before, until].into_iter().flatten().min();
    let end = end.map_or((i64::MAX, i64::MAX), |key| (key.time.millis(), int(key.draw)));
    let since = filter.since.map_or(i64::MIN, Timestamp::millis);
    let mut values: Vec<Box<dyn ToSql>> = vec![Box::new(end.0), Box::new(end.1), Box::new(since)];
    values.extend(value);
    let mut taking = Taking::new(filter, limit);
    let mut more = false;
    each(db, &sql, params_from_iter(values), |found| {
        more = !taking.look_at(row(found)?);
        Ok(!more)
    })?;
    Ok(taking.done(more))
}

impl Requests {
    /// Works on a connection of its own; makes the tables that are not there yet.
    pub(super) fn of(db: Connection) -> Answer<Self> {
        db.execute_batch(TABLES).map_err(db_error)?;
        Ok(Self(Arc::new(Mutex::new(db))))
    }

    async fn on_requests<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Answer<T> + Send + 'static,
    ) -> Answer<T> {
        let db = Arc::clone(&self.0);
        blocking(move || work(&mut db.lock())).await
    }

    async fn change_requests(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Answer<()> + Send + 'static,
    ) -> Answer<()> {
        self.on_requests(move |db| {
            let transaction = db.transaction().map_err(db_error)?;
            work(&transaction)?;
            transaction.commit().map_err(db_error)
        })
        .await
    }
}

#[async_trait]
impl RequestLog for Requests {
    async fn log_requests(&self, rows: Vec<LoggedRequest>) -> Answer<()> {
        self.change_requests(move |db| {
            add(db, &rows)?;
            let (active, at) = activity(&rows);
            note(db, &active, at)
        })
        .await
    }

    async fn requests(
        &self,
        filter: &RequestFilter,
        before: Option<RequestKey>,
        limit: usize,
    ) -> Answer<FoundRequests> {
        let filter = filter.clone();
        self.on_requests(move |db| find(db, &filter, before, items(limit))).await
    }

    async fn forget_requests_of(&self, user: &UserId) -> Answer<()> {
        let user = user.to_string();
        self.change_requests(move |db| {
            execute(db, "INSERT OR IGNORE INTO forgotten VALUES (?1)", [&user])?;
            execute(db, "DELETE FROM requests WHERE user = ?1", [&user])?;
            execute(db, "DELETE FROM active WHERE user = ?1", [&user]).map(drop)
        })
        .await?;
        // What was deleted is not in the file beside the database either.
        self.on_requests(|db| {
            let truncated = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
            truncated.map_err(db_error)
        })
        .await
    }

    async fn forget_requests_before(&self, time: Timestamp) -> Answer<()> {
        let sql = "DELETE FROM requests WHERE (at, draw) IN
            (SELECT at, draw FROM requests WHERE at < ?1 ORDER BY at, draw LIMIT ?2)";
        loop {
            let piece = int(PIECE as u64);
            let work = move |db: &mut Connection| execute(db, sql, params![time.millis(), piece]);
            if self.on_requests(work).await? < PIECE {
                return Ok(());
            }
        }
    }

    async fn note_active(&self, users: Vec<UserId>, at: Timestamp) -> Answer<()> {
        self.change_requests(move |db| note(db, &users, at)).await
    }

    async fn active_since(&self, time: Timestamp) -> Answer<u64> {
        self.on_requests(move |db| {
            let sql = "SELECT count(*) FROM active WHERE at >= ?1";
            let count = db.query_row(sql, [time.millis()], |row| row.get::<_, i64>(0));
            u64::try_from(count.map_err(db_error)?).map_err(unreadable)
        })
        .await
    }
}
