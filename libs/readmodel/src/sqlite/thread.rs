//! Threads in SQLite, and what is counted among their answers.

use async_trait::async_trait;
use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};
use schemas::ids::{MessageId, RoomId};

use super::kept::{Batch, Kept};
use super::room::key_of;
use super::rows::{db_error, docs, each, execute, int, json, limit as sql_limit, one, raw};
use super::store::{SqliteStore, items};
use crate::answers::{Answer, ListFrom, Slice};
use crate::documents::{Counted, MessageDoc, ThreadAnchor, ThreadDoc, ThreadReads, ThreadStretch};

impl Kept for ThreadDoc {
    const TABLES: &'static str = "
-- room: the room's integer; activity: the event of the newest answer, 0 when no answer is left.
CREATE TABLE threads(
    root BLOB PRIMARY KEY, room INTEGER NOT NULL, activity INTEGER NOT NULL, total INTEGER NOT NULL,
    doc BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX threads_room ON threads(room, activity, root) WHERE activity > 0;

-- Answers that were deleted, and whom those that were not name: a user, or the whole room (an empty user).
CREATE TABLE deleted_answers(
    root BLOB NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (root, number)) WITHOUT ROWID;
CREATE TABLE named_answers(
    root BLOB NOT NULL, user BLOB NOT NULL, number INTEGER NOT NULL, sender BLOB NOT NULL,
    PRIMARY KEY (root, user, number)) WITHOUT ROWID;
CREATE INDEX named_answers_number ON named_answers(root, number);
";
    const BY_KEY: &'static str = "SELECT doc FROM threads WHERE root = ?1";
    const SCAN: &'static str = "SELECT doc FROM threads WHERE root > ?1 ORDER BY root LIMIT ?3";

    fn put(&self, batch: &mut Batch<'_>) -> Answer<()> {
        let room = batch.room_key(&self.room_id)?;
        let activity = if self.reply_count > 0 { int(self.last_activity) } else { 0 };
        let sql = "INSERT INTO threads VALUES (?1, ?2, ?3, ?4, ?5)
            ON CONFLICT(root) DO UPDATE SET activity = ?3, total = ?4, doc = ?5";
        let row = params![raw(self.root_id), room, activity, int(self.total), json(self)?];
        execute(batch.db, sql, row).map(drop)
    }
}

/// Files an answer under what is counted; `before`: it may have been filed before.
pub(super) fn put_answer(db: &Connection, answer: &MessageDoc, before: bool) -> Answer<()> {
    let (Some(root), Some(number)) = (&answer.thread_root_id, answer.thread_number) else {
        return Ok(());
    };
    let (root, number) = (raw(root), int(number));
    if before {
        let sql = "DELETE FROM named_answers WHERE root = ?1 AND number = ?2";
        execute(db, sql, params![root, number])?;
    }
    if answer.deleted_at.is_some() {
        let sql = "INSERT OR IGNORE INTO deleted_answers VALUES (?1, ?2)";
        execute(db, sql, params![root, number])?;
    }
    let sql = "INSERT OR IGNORE INTO named_answers VALUES (?1, ?2, ?3, ?4)";
    let sender = raw(answer.sender_id);
    for user in answer.people_named_in_thread() {
        execute(db, sql, params![root, raw(user).as_slice(), number, sender])?;
    }
    if answer.names_room_in_thread() {
        let no_user: &[u8] = &[];
        execute(db, sql, params![root, no_user, number, sender])?;
    }
    Ok(())
}

fn count(db: &Connection, stretch: &ThreadStretch) -> Answer<Counted> {
    let root = raw(stretch.root_id);
    let (after, through) = (int(stretch.after), int(stretch.through));
    let deleted = "SELECT count(*) FROM deleted_answers
        WHERE root = ?1 AND number > ?2 AND number <= ?3";
    // An answer that names both counts once.
    let by_others = format!("sender NOT IN ({})", vec!["?"; stretch.blocked.len()].join(", "));
    let named = format!(
        "SELECT count(*) FROM (
        SELECT number, sender FROM named_answers
            WHERE root = ?1 AND user = ?4 AND number > ?2 AND number <= ?3
        UNION SELECT number, sender FROM named_answers
            WHERE root = ?1 AND user = x'' AND number > ?2 AND number <= ?3)
        WHERE {by_others}"
    );
    let user = raw(stretch.user_id).to_vec();
    let mut asked: Vec<Value> =
        vec![root.to_vec().into(), after.into(), through.into(), user.into()];
    asked.extend(stretch.blocked.iter().map(|user| Value::Blob(raw(user).to_vec())));
    Ok(Counted {
        deleted: number(db, deleted, params![root, after, through])?,
        named: number(db, &named, params_from_iter(asked))?,
    })
}

fn number(db: &Connection, sql: &str, params: impl rusqlite::Params) -> Answer<u64> {
    let mut found = 0;
    each(db, sql, params, |row| {
        let count: i64 = row.get(0).map_err(db_error)?;
        found = u64::try_from(count).unwrap_or_default();
        Ok(false)
    })?;
    Ok(found)
}

fn room_threads(
    db: &Connection,
    room: &RoomId,
    from: &ListFrom<ThreadAnchor, MessageId>,
    limit: usize,
) -> Answer<Slice<ThreadDoc>> {
    let Some(room) = key_of(db, room)? else { return Ok(Slice::cut(Vec::new(), limit)) };
    let newest_first = "activity DESC, root DESC";
    let (at, root, place, order) = match from {
        ListFrom::Start => (i64::MAX, vec![0xff; 16], "(activity, root) < (?2, ?3)", newest_first),
        ListFrom::After(ThreadAnchor { last_activity, root_id }) => {
            let place = "(activity, root) < (?2, ?3)";
            (int(*last_activity), raw(root_id).to_vec(), place, newest_first)
        }
        ListFrom::Moved { since, after } => {
            let root = after.as_ref().map_or_else(Vec::new, |root| raw(root).to_vec());
            (int(*since), root, "activity > ?2 AND root > ?3", "root")
        }
    };
    let sql = format!(
        "SELECT doc FROM threads WHERE room = ?1 AND activity > 0 AND {place}
            ORDER BY {order} LIMIT ?4"
    );
    Ok(Slice::cut(docs(db, &sql, params![room, at, root, sql_limit(limit + 1)])?, limit))
}

#[async_trait]
impl ThreadReads for SqliteStore {
    async fn threads(&self, roots: &[MessageId]) -> Answer<Vec<ThreadDoc>> {
        let roots = roots.to_vec();
        let found = move |db: &Connection| {
            let mut found = Vec::with_capacity(roots.len());
            for root in &roots {
                found.extend(one(db, ThreadDoc::BY_KEY, [raw(root)])?);
            }
            Ok(found)
        };
        self.read(found).await
    }

    async fn room_threads(
        &self,
        room: &RoomId,
        from: &ListFrom<ThreadAnchor, MessageId>,
        limit: usize,
    ) -> Answer<Slice<ThreadDoc>> {
        let (room, from) = (*room, from.clone());
        self.read(move |db| room_threads(db, &room, &from, items(limit))).await
    }

    async fn count_answers(&self, stretches: Vec<ThreadStretch>) -> Answer<Vec<Counted>> {
        self.read(move |db| stretches.iter().map(|stretch| count(db, stretch)).collect()).await
    }
}
