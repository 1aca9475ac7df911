//! Messages that a search may find, in SQLite: each is judged as it is read, and only what is found becomes a document.

use std::collections::HashMap;
use std::ops::Range;

use async_trait::async_trait;
use rusqlite::{Connection, Row, Statement, params};
use schemas::ids::RoomId;
use schemas::position::Sequence;

use super::archive::everywhere;
use super::index::Indexed;
use super::message::room_of;
use super::room::key_of;
use super::rows::{db_error, each, int, raw, unreadable};
use super::store::SqliteStore;
use crate::answers::Answer;
use crate::documents::{Judged, Scope, SearchReads};

/// A message by its event: where nearly all are, and where the others are.
const AT_HAND: &str = "SELECT doc, k FROM messages WHERE posted = ?1";
const ARCHIVED: &str = "SELECT doc, k FROM messages_archive WHERE posted = ?1";

/// A look at messages, in one transaction: outside of one, every statement takes and gives back the file's locks.
struct Look<'a> {
    db: &'a Connection,
    scope: &'a Scope,
    most: usize,
    /// Whether rooms, by their integers, are in the scope, and the user in them.
    rooms: HashMap<i64, bool>,
    judged: Judged,
}

impl Look<'_> {
    /// Judges the message of a row; whether to go on.
    fn judge(&mut self, row: &Row<'_>) -> Answer<bool> {
        let json = row.get_ref(0).map_err(db_error)?.as_bytes().map_err(unreadable)?;
        let room = room_of(row.get(1).map_err(db_error)?);
        if self.rooms.get(&room) == Some(&false) {
            return Ok(true);
        }
        let message: Indexed<'_> = serde_json::from_slice(json).map_err(unreadable)?;
        if !self.is_in_scope(room, message.room_id)? {
            return Ok(true);
        }
        self.judged.judged += 1;
        if self.scope.search.finds(&message.entry()) {
            self.judged.found.push(serde_json::from_slice(json).map_err(unreadable)?);
        }
        Ok(self.judged.found.len() < self.most)
    }

    fn is_in_scope(&mut self, room: i64, id: &str) -> Answer<bool> {
        if let Some(known) = self.rooms.get(&room) {
            return Ok(*known);
        }
        let id = RoomId::parse(id).map_err(unreadable)?;
        let mut within = false;
        if self.scope.rooms.contains(&id) {
            let sql = "SELECT 1 FROM memberships WHERE room = ?1 AND user = ?2 AND present = 1";
            each(self.db, sql, params![room, raw(self.scope.user)], |_| {
                within = true;
                Ok(false)
            })?;
        }
        self.rooms.insert(room, within);
        Ok(within)
    }

    /// Judges the message that an event posted; whether to go on.
    fn at(&mut self, tables: [&mut Statement<'_>; 2], posted: Sequence) -> Answer<bool> {
        for table in tables {
            let mut rows = table.query([int(posted)]).map_err(db_error)?;
            if let Some(row) = rows.next().map_err(db_error)? {
                return self.judge(row);
            }
        }
        Ok(true)
    }

    /// Judges the messages of a range of events, newest first.
    fn between(&mut self, posted: &Range<Sequence>) -> Answer<()> {
        // In one room by its integer, or in all: 0.
        let mut rooms = self.scope.rooms.iter();
        let only = match (rooms.next(), rooms.next()) {
            (Some(only), None) => key_of(self.db, only)?.unwrap_or(-1),
            _ => 0,
        };
        let sql = everywhere!(
            "doc, k, posted",
            "posted >= ?1 AND posted < ?2 AND (?3 = 0 OR k >> 36 = ?3)",
            "ORDER BY posted DESC"
        );
        let asked = params![int(posted.start), int(posted.end), only];
        each(self.db, sql, asked, |row| self.judge(row))
    }
}

/// Looks at messages in one transaction.
fn look(
    db: &Connection,
    (scope, most): (&Scope, usize),
    at: impl FnOnce(&mut Look<'_>) -> Answer<()>,
) -> Answer<Judged> {
    let transaction = db.unchecked_transaction().map_err(db_error)?;
    let (rooms, judged) = (HashMap::new(), Judged::default());
    let mut look = Look { db: &transaction, scope, most, rooms, judged };
    at(&mut look)?;
    Ok(look.judged)
}

#[async_trait]
impl SearchReads for SqliteStore {
    async fn index_part(&self, part: u32, blocks: Range<u64>) -> Answer<Vec<(u64, Vec<u8>)>> {
        let sql = "SELECT block, found FROM message_index
            WHERE part = ?1 AND block >= ?2 AND block < ?3 ORDER BY block";
        self.read(move |db| {
            let mut parts = Vec::new();
            each(db, sql, params![part, int(blocks.start), int(blocks.end)], |row| {
                let block: i64 = row.get(0).map_err(db_error)?;
                parts.push((block.cast_unsigned(), row.get(1).map_err(db_error)?));
                Ok(true)
            })?;
            Ok(parts)
        })
        .await
    }

    async fn find_between(
        &self,
        scope: &Scope,
        posted: Range<Sequence>,
        most: usize,
    ) -> Answer<Judged> {
        let scope = scope.clone();
        self.read(move |db| look(db, (&scope, most), |look| look.between(&posted))).await
    }

    async fn find_posted(
        &self,
        scope: &Scope,
        posted: Vec<Sequence>,
        most: usize,
    ) -> Answer<Judged> {
        let scope = scope.clone();
        self.read(move |db| {
            look(db, (&scope, most), |look| {
                let db = look.db;
                let prepared = [AT_HAND, ARCHIVED].map(|sql| db.prepare_cached(sql));
                let [at_hand, archived] = prepared;
                let (mut at_hand, mut archived) =
                    (at_hand.map_err(db_error)?, archived.map_err(db_error)?);
                for event in posted {
                    if !look.at([&mut at_hand, &mut archived], event)? {
                        break;
                    }
                }
                Ok(())
            })
        })
        .await
    }
}
