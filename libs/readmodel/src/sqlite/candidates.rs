//! Messages that a search may find, in SQLite: each is judged as it is read, and only what is found becomes a document.
//!
//! What lies in a room that is not searched is not read: the index by event says where a message lies, and so its room.

use std::collections::HashMap;
use std::ops::Range;

use async_trait::async_trait;
use foldhash::fast::RandomState;
use rusqlite::{CachedStatement, Connection, params};
use schemas::ids::RoomId;
use schemas::position::Sequence;
use serde::Deserialize;

use super::index::Indexed;
use super::message::room_of;
use super::rows::{db_error, each, int, one, raw, unreadable};
use super::store::SqliteStore;
use crate::answers::Answer;
use crate::documents::{Judged, Scope, SearchReads};
use crate::terms::block::{block_in, block_of, key};

/// Where the messages of a range of events lie, newest first: the event, the key, and in which of the tables.
const PLACES: &str = "
    SELECT posted, k, 0 FROM messages WHERE posted >= ?1 AND posted < ?2
    UNION ALL SELECT posted, k, 1 FROM messages_archive WHERE posted >= ?1 AND posted < ?2
    ORDER BY posted DESC";
/// Where the message of an event lies.
const PLACE: &str = "
    SELECT posted, k, 0 FROM messages WHERE posted = ?1
    UNION ALL SELECT posted, k, 1 FROM messages_archive WHERE posted = ?1";
/// What a message says, in each of the tables.
const DOCS: [&str; 2] =
    ["SELECT doc FROM messages WHERE k = ?1", "SELECT doc FROM messages_archive WHERE k = ?1"];
/// Finding a place by its event costs as much as going through so many.
const DENSE: u64 = 8;

/// A look at messages, in one transaction: outside of one, every statement takes and gives back the file's locks.
struct Look<'a> {
    db: &'a Connection,
    scope: &'a Scope,
    most: usize,
    docs: [CachedStatement<'a>; 2],
    /// Whether rooms, by their integers, are in the scope, and the user in them.
    rooms: HashMap<i64, bool, RandomState>,
    judged: Judged,
}

/// What a membership is looked at for.
#[derive(Deserialize)]
struct Membership {
    room_id: RoomId,
}

impl Look<'_> {
    /// Judges the message in a place; whether to go on.
    fn judge(&mut self, key: i64, table: u16) -> Answer<bool> {
        if !self.is_in_scope(room_of(key))? {
            return Ok(true);
        }
        let Some(docs) = self.docs.get_mut(usize::from(table)) else { return Ok(true) };
        let mut rows = docs.query([key]).map_err(db_error)?;
        let Some(row) = rows.next().map_err(db_error)? else { return Ok(true) };
        let json = row.get_ref(0).map_err(db_error)?.as_bytes().map_err(unreadable)?;
        let message: Indexed<'_> = serde_json::from_slice(json).map_err(unreadable)?;
        self.judged.judged += 1;
        if self.scope.search.finds(&message.entry()) {
            self.judged.found.push(serde_json::from_slice(json).map_err(unreadable)?);
        }
        Ok(self.judged.found.len() < self.most)
    }

    fn is_in_scope(&mut self, room: i64) -> Answer<bool> {
        if let Some(known) = self.rooms.get(&room) {
            return Ok(*known);
        }
        let sql = "SELECT doc FROM memberships WHERE room = ?1 AND user = ?2 AND present = 1";
        let found: Option<Membership> = one(self.db, sql, params![room, raw(self.scope.user)])?;
        let within = found.is_some_and(|found| self.scope.rooms.contains(&found.room_id));
        self.rooms.insert(room, within);
        Ok(within)
    }

    /// Judges the messages of a range of events, newest first, or some of them; whether to go on.
    fn between(&mut self, posted: &Range<Sequence>, only: Option<&[Sequence]>) -> Answer<bool> {
        let (mut on, mut only) = (true, only);
        each(self.db, PLACES, params![int(posted.start), int(posted.end)], |row| {
            if let Some(sought) = only.as_mut() {
                let event: i64 = row.get(0).map_err(db_error)?;
                let past = sought.iter().take_while(|sought| int(**sought) > event).count();
                *sought = sought.get(past..).unwrap_or_default();
                if sought.first().is_none_or(|sought| int(*sought) != event) {
                    return Ok(!sought.is_empty());
                }
            }
            on = self.judge(row.get(1).map_err(db_error)?, row.get(2).map_err(db_error)?)?;
            Ok(on)
        })?;
        Ok(on)
    }

    /// Judges the messages that events of a block posted, newest first; whether to go on.
    fn in_block(&mut self, posted: &[Sequence]) -> Answer<bool> {
        let ends = posted.last().zip(posted.first());
        let (oldest, newest) = ends.map_or((0, 0), |(oldest, newest)| (*oldest, *newest));
        let few = newest.saturating_sub(oldest) / DENSE + 1;
        if u64::try_from(posted.len()).is_ok_and(|many| many > few) {
            return self.between(&(oldest..newest + 1), Some(posted));
        }
        let mut on = true;
        for event in posted {
            each(self.db, PLACE, [int(*event)], |row| {
                on = self.judge(row.get(1).map_err(db_error)?, row.get(2).map_err(db_error)?)?;
                Ok(false)
            })?;
            if !on {
                break;
            }
        }
        Ok(on)
    }
}

/// Looks at messages in one transaction.
fn look(
    db: &Connection,
    (scope, most): (&Scope, usize),
    at: impl FnOnce(&mut Look<'_>) -> Answer<()>,
) -> Answer<Judged> {
    let transaction = db.unchecked_transaction().map_err(db_error)?;
    let docs = DOCS.map(|sql| transaction.prepare_cached(sql));
    let [at_hand, archived] = docs;
    let docs = [at_hand.map_err(db_error)?, archived.map_err(db_error)?];
    let (rooms, judged) = (HashMap::default(), Judged::default());
    let mut look = Look { db: &transaction, scope, most, docs, rooms, judged };
    at(&mut look)?;
    Ok(look.judged)
}

#[async_trait]
impl SearchReads for SqliteStore {
    async fn index_part(&self, part: u32, blocks: Range<u64>) -> Answer<Vec<(u64, Vec<u8>)>> {
        let sql = "SELECT k, found FROM message_index WHERE k >= ?1 AND k < ?2 ORDER BY k";
        self.read(move |db| {
            let mut parts = Vec::new();
            each(db, sql, [key(part, blocks.start), key(part, blocks.end)], |row| {
                let block = block_in(row.get(0).map_err(db_error)?);
                parts.push((block, row.get(1).map_err(db_error)?));
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
        self.read(move |db| look(db, (&scope, most), |look| look.between(&posted, None).map(drop)))
            .await
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
                for some in posted.chunk_by(|one, next| block_of(*one) == block_of(*next)) {
                    if !look.in_block(some)? {
                        break;
                    }
                }
                Ok(())
            })
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::super::message::tests::planned;
    use super::*;

    /// Where messages lie is read from indexes alone, which are merged; a message is read by its key.
    #[test]
    fn places_are_read_from_indexes_and_messages_by_their_keys() {
        let questions = [
            (PLACES, "USING COVERING INDEX", 2),
            (PLACE, "USING COVERING INDEX", 2),
            (DOCS[0], "USING INTEGER PRIMARY KEY", 1),
            (DOCS[1], "USING INTEGER PRIMARY KEY", 1),
        ];
        for (question, way, tables) in questions {
            let steps = planned(question);
            let right = steps.iter().filter(|step| step.contains(way)).count();
            let worse = |step: &String| step.starts_with("SCAN ") || step.contains("TEMP B-TREE");
            assert!(right == tables && !steps.iter().any(worse), "{question}: {steps:?}");
        }
    }
}
