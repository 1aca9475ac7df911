//! Questions about messages.

use rusqlite::{Connection, params};
use schemas::ids::{MessageId, RoomId, UserId};
use schemas::position::Sequence;
use schemas::values::ClientId;

use super::rooms::key_of;
use super::rows::{db_error, doc, docs, each, int, limit as sql_limit, one, raw};
use super::schema::message_key;
use crate::backend::client_hash;
use crate::docs::MessageDoc;
use crate::marks::MessageMark;
use crate::store::{Anchor, Answer, Bound, Changes, Threads};

pub(super) fn messages(db: &Connection, ids: &[MessageId]) -> Answer<Vec<MessageDoc>> {
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        found.extend(one(db, "SELECT doc FROM messages WHERE id = ?1", [raw(id)])?);
    }
    Ok(found)
}

pub(super) fn by_client_id(
    db: &Connection,
    room: &RoomId,
    sender: &UserId,
    client_id: &ClientId,
) -> Answer<Option<MessageDoc>> {
    let hash = client_hash(room.as_str(), sender.as_str(), client_id.as_str());
    let sql = "SELECT doc FROM messages WHERE client = ?1";
    let found: Vec<MessageDoc> = docs(db, sql, [hash])?;
    Ok(found.into_iter().find(|message| {
        message.room_id == *room
            && message.sender_id == *sender
            && message.client_id.as_ref() == Some(client_id)
    }))
}

pub(super) fn timeline(
    db: &Connection,
    room: &RoomId,
    threads: Threads,
    anchor: Anchor,
    limit: usize,
) -> Answer<Vec<MessageDoc>> {
    let all = threads == Threads::Shown;
    let Some(room) = key_of(db, room)? else { return Ok(Vec::new()) };
    let place = |number| message_key(room, number);
    let backwards = |number, most| {
        let sql = "SELECT doc FROM messages WHERE k >= ?1 AND k < ?2 AND (?4 OR thread IS NULL)
            ORDER BY k DESC LIMIT ?3";
        docs(db, sql, params![place(0), place(number), most, all])
    };
    let onwards = |number, most| {
        let sql = "SELECT doc FROM messages WHERE k >= ?1 AND k <= ?2 AND (?4 OR thread IS NULL)
            ORDER BY k LIMIT ?3";
        docs(db, sql, params![place(number), place(u64::MAX), most, all])
    };
    around(anchor, limit, backwards, onwards)
}

pub(super) fn thread(
    db: &Connection,
    root: &MessageId,
    anchor: Anchor,
    limit: usize,
) -> Answer<Vec<MessageDoc>> {
    let backwards = |number, most| {
        let sql = "SELECT doc FROM messages WHERE thread = ?1 AND answer < ?2
            ORDER BY answer DESC LIMIT ?3";
        docs(db, sql, params![raw(root), int(number), most])
    };
    let onwards = |number, most| {
        let sql = "SELECT doc FROM messages WHERE thread = ?1 AND answer >= ?2
            ORDER BY answer LIMIT ?3";
        docs(db, sql, params![raw(root), int(number), most])
    };
    around(anchor, limit, backwards, onwards)
}

/// Messages before a number and from it on, oldest first.
fn around(
    anchor: Anchor,
    limit: usize,
    backwards: impl Fn(u64, i64) -> Answer<Vec<MessageDoc>>,
    onwards: impl Fn(u64, i64) -> Answer<Vec<MessageDoc>>,
) -> Answer<Vec<MessageDoc>> {
    let (before, from) = anchor.spans(limit);
    let ask = |span, question: &dyn Fn(u64, i64) -> Answer<Vec<MessageDoc>>| match span {
        Some((number, most)) => question(number, sql_limit(most)),
        None => Ok(Vec::new()),
    };
    Ok(Anchor::cut(limit, ask(before, &backwards)?, ask(from, &onwards)?))
}

/// The newest messages of main timelines that were not deleted.
pub(super) fn newest(db: &Connection, rooms: &[RoomId]) -> Answer<Vec<MessageDoc>> {
    let mut found = Vec::with_capacity(rooms.len());
    for room in rooms {
        let Some(room) = key_of(db, room)? else { continue };
        let sql = "SELECT doc FROM messages
            WHERE k >= ?1 AND k <= ?2 AND thread IS NULL AND gone IS NULL ORDER BY k DESC LIMIT 1";
        let whole = params![message_key(room, 0), message_key(room, u64::MAX)];
        found.extend(one::<MessageDoc>(db, sql, whole)?);
    }
    Ok(found)
}

/// Marks found so far, and whether the bound still holds.
struct Found {
    marks: Vec<MessageMark>,
    bytes: usize,
    most: Bound,
}

impl Found {
    fn take(&mut self, doc: &MessageDoc) {
        let mark = MessageMark::of(doc);
        self.bytes += mark.bytes;
        self.marks.push(mark);
    }

    fn fits(&self) -> bool {
        self.marks.len() <= self.most.items && self.bytes <= self.most.bytes
    }
}

pub(super) fn marks(
    db: &Connection,
    rooms: &[RoomId],
    after: Sequence,
    most: Bound,
) -> Answer<Changes<MessageMark>> {
    let mut found = Found { marks: Vec::new(), bytes: 0, most };
    for room in rooms {
        let Some(room) = key_of(db, room)? else { continue };
        posted_after(db, room, after, &mut found)?;
        let sql = "SELECT doc FROM messages WHERE k >> 36 = ?1
            AND edited IS NOT NULL AND edited >= ?2 AND posted < ?2";
        each(db, sql, params![room, int(after)], |row| {
            found.take(&doc(row, 0)?);
            Ok(found.fits())
        })?;
        if !found.fits() {
            break;
        }
    }
    let complete = found.fits();
    Ok(Changes { items: found.marks, complete })
}

/// Walks back from a room's newest message: numbers are in the order of the log, so the walk ends at the
/// first message that is old enough.
fn posted_after(db: &Connection, room: i64, after: Sequence, found: &mut Found) -> Answer<()> {
    let sql = "SELECT posted, doc FROM messages WHERE k >= ?1 AND k <= ?2 ORDER BY k DESC";
    each(db, sql, [message_key(room, 0), message_key(room, u64::MAX)], |row| {
        let posted: i64 = row.get(0).map_err(db_error)?;
        if posted < int(after) {
            return Ok(false);
        }
        let message: MessageDoc = doc(row, 1)?;
        // One that was posted right there is known to who has everything up to there; its changes are not.
        if message.posted > after || message.updated > after {
            found.take(&message);
        }
        Ok(found.fits())
    })
}
