//! Rooms in SQLite, and the integers that stand for them.
//!
//! A room has a small integer besides its id, as memberships and messages are clustered by room.

use async_trait::async_trait;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, params, params_from_iter};
use schemas::ids::RoomId;
use schemas::position::Sequence;

use super::kept::{Batch, Kept};
use super::rows::{db_error, docs, each, execute, int, json, limit as sql_limit, one, raw};
use super::search::{Asked, after as after_id};
use super::store::{SqliteStore, changes, items};
use crate::answers::{Answer, Changes, ListFrom, Slice, StoreError};
use crate::documents::{NameAnchor, RoomDoc, RoomFilter, RoomReads, fold};
use crate::words;

impl Kept for RoomDoc {
    const TABLES: &'static str = "
-- k: the room's integer; name: folded, and null for a room that cannot be found by its name; created: 0 while only heard
-- of; last: the number of its last message.
CREATE TABLE rooms(
    k INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, created INTEGER NOT NULL, name TEXT,
    activity INTEGER NOT NULL, last INTEGER NOT NULL, changed INTEGER NOT NULL, doc BLOB NOT NULL);
CREATE INDEX rooms_name ON rooms(name, id) WHERE name IS NOT NULL;

-- Of rooms that can be found by their names.
CREATE TABLE room_words(
    word TEXT NOT NULL, room INTEGER NOT NULL, PRIMARY KEY (word, room)) WITHOUT ROWID;
CREATE INDEX room_words_room ON room_words(room, word);
";
    const BY_KEY: &'static str = "SELECT doc FROM rooms WHERE id = ?1";
    const SCAN: &'static str = "SELECT doc FROM rooms WHERE id > ?1 ORDER BY id LIMIT ?3";

    fn put(&self, batch: &mut Batch<'_>) -> Answer<()> {
        let (id, json) = (raw(self.state.id), json(self)?);
        if self.changed <= batch.expected.conversations && self.created {
            // Only counts have changed. What is indexed has not and is not written again.
            let sql = "UPDATE rooms SET activity = ?2, last = ?3, doc = ?4 WHERE id = ?1";
            let (activity, last) = (int(self.last_activity), int(self.last_number));
            if execute(batch.db, sql, params![id, activity, last, json])? == 1 {
                return Ok(());
            }
        }
        let sql = "INSERT INTO rooms(id, created, name, activity, last, changed, doc)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT(id) DO UPDATE
        SET created = ?2, name = ?3, activity = ?4, last = ?5, changed = ?6, doc = ?7 RETURNING k";
        let row = params![
            id,
            self.created,
            self.public_name(),
            int(self.last_activity),
            int(self.last_number),
            int(self.changed),
            json
        ];
        let mut statement = batch.db.prepare_cached(sql).map_err(db_error)?;
        let key: i64 = statement.query_row(row, |row| row.get(0)).map_err(db_error)?;
        batch.room_keys.insert(self.state.id, key);
        // What the room is found by, in place of what was.
        execute(batch.db, "DELETE FROM room_words WHERE room = ?1", [key])?;
        for word in words::of_room(self) {
            execute(batch.db, "INSERT INTO room_words VALUES (?1, ?2)", params![word, key])?;
        }
        Ok(())
    }
}

impl Batch<'_> {
    /// The integer of a room that is written in this batch or was before.
    pub(super) fn room_key(&mut self, room: &RoomId) -> Answer<i64> {
        if let Some(key) = self.room_keys.get(room) {
            return Ok(*key);
        }
        let found: Option<i64> = self
            .db
            .prepare_cached("SELECT k FROM rooms WHERE id = ?1")
            .map_err(db_error)?
            .query_row([raw(room)], |row| row.get(0))
            .optional()
            .map_err(db_error)?;
        let key = found.ok_or_else(|| StoreError::Failed(format!("no room {room}").into()))?;
        self.room_keys.insert(*room, key);
        Ok(key)
    }
}

/// The integer of a room; none when there is no such room.
pub(super) fn key_of(db: &Connection, room: &RoomId) -> Answer<Option<i64>> {
    let mut key = None;
    each(db, "SELECT k FROM rooms WHERE id = ?1", [raw(room)], |row| {
        key = Some(row.get(0).map_err(db_error)?);
        Ok(false)
    })?;
    Ok(key)
}

fn rooms(db: &Connection, ids: &[RoomId]) -> Answer<Vec<RoomDoc>> {
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        found.extend(one(db, "SELECT doc FROM rooms WHERE id = ?1 AND created = 1", [raw(id)])?);
    }
    Ok(found)
}

fn public_rooms(
    db: &Connection,
    filter: &RoomFilter,
    from: &ListFrom<NameAnchor, RoomId>,
    limit: usize,
) -> Answer<Slice<RoomDoc>> {
    let (asked, named) = match filter {
        RoomFilter::Any => (Some(Asked::default()), None),
        RoomFilter::Name(name) => (Some(Asked::default()), Some(fold(name))),
        RoomFilter::Words(query) => (Asked::by_words(query, "room_words", "room"), None),
    };
    let Some(Asked { from: found, mut with }) = asked else {
        return Ok(Slice { items: Vec::new(), more: false });
    };
    let joined =
        if found.is_empty() { "rooms".to_owned() } else { format!("{found} rooms ON k = found") };
    let name = if named.is_some() { "name = ?" } else { "name IS NOT NULL" };
    with.extend(named.map(Value::Text));
    let (after, order) = match from {
        ListFrom::Start => ("", "name, id"),
        ListFrom::After(_) => ("(name, id) > (?, ?) AND", "name, id"),
        ListFrom::Moved { .. } => ("id > ? AND", "id"),
    };
    match from {
        ListFrom::Start => {}
        ListFrom::After(NameAnchor { name, room_id }) => {
            with.extend([Value::Text(name.clone()), after_id(Some(room_id))]);
        }
        ListFrom::Moved { after, .. } => with.push(after_id(after.as_ref())),
    }
    with.extend([int(from.since()), sql_limit(limit + 1)].map(Value::Integer));
    let sql = format!(
        "SELECT doc FROM {joined}
            WHERE {name} AND {after} changed > ? ORDER BY {order} LIMIT ?"
    );
    Ok(Slice::cut(docs(db, &sql, params_from_iter(with))?, limit))
}

fn room_changes(
    db: &Connection,
    rooms: &[RoomId],
    after: Sequence,
    limit: usize,
) -> Answer<Changes<RoomDoc>> {
    let sql = "SELECT doc FROM rooms WHERE id = ?1 AND created = 1 AND changed > ?2";
    let mut found: Vec<RoomDoc> = Vec::new();
    for room in rooms {
        found.extend(one(db, sql, params![raw(room), int(after)])?);
        if found.len() > limit {
            break;
        }
    }
    found.sort_by_key(|room| room.changed);
    Ok(Changes::cut(found, limit))
}

#[async_trait]
impl RoomReads for SqliteStore {
    async fn rooms(&self, ids: &[RoomId]) -> Answer<Vec<RoomDoc>> {
        let ids = ids.to_vec();
        self.read(move |db| rooms(db, &ids)).await
    }

    async fn public_rooms(
        &self,
        filter: &RoomFilter,
        from: &ListFrom<NameAnchor, RoomId>,
        limit: usize,
    ) -> Answer<Slice<RoomDoc>> {
        let (filter, from) = (filter.clone(), from.clone());
        self.read(move |db| public_rooms(db, &filter, &from, items(limit))).await
    }

    async fn all_rooms(&self, after: Option<&RoomId>, limit: usize) -> Answer<Slice<RoomDoc>> {
        let (start, limit) = (after.map_or_else(Vec::new, |id| raw(id).to_vec()), items(limit));
        let sql = "SELECT doc FROM rooms WHERE created = 1 AND id > ?1 ORDER BY id LIMIT ?2";
        let asked = self.read(move |db| docs(db, sql, params![start, sql_limit(limit + 1)]));
        Ok(Slice::cut(asked.await?, limit))
    }

    async fn room_changes(
        &self,
        rooms: &[RoomId],
        after: Sequence,
        limit: usize,
    ) -> Answer<Changes<RoomDoc>> {
        let rooms = rooms.to_vec();
        self.read(move |db| room_changes(db, &rooms, after, changes(limit))).await
    }
}
