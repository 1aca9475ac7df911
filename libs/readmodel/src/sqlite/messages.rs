//! Questions about messages.

use rusqlite::{Connection, params};
use schemas::ids::{MessageId, RoomId, UserId};
use schemas::position::Sequence;
use schemas::values::ClientId;

use super::rows::{db_error, doc, docs, each, int, limit as sql_limit, one, raw};
use crate::backend::client_hash;
use crate::docs::MessageDoc;
use crate::store::{Anchor, Answer, Changes};

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

const IN_ROOM: [&str; 2] = [
    "SELECT doc FROM messages WHERE room = (SELECT k FROM rooms WHERE id = ?1) AND number < ?2
        ORDER BY number DESC LIMIT ?3",
    "SELECT doc FROM messages WHERE room = (SELECT k FROM rooms WHERE id = ?1) AND number >= ?2
        ORDER BY number LIMIT ?3",
];
const IN_THREAD: [&str; 2] = [
    "SELECT doc FROM messages WHERE thread = ?1 AND number < ?2 ORDER BY number DESC LIMIT ?3",
    "SELECT doc FROM messages WHERE thread = ?1 AND number >= ?2 ORDER BY number LIMIT ?3",
];

pub(super) fn timeline(
    db: &Connection,
    room: &RoomId,
    anchor: Anchor,
    limit: usize,
) -> Answer<Vec<MessageDoc>> {
    around(db, IN_ROOM, raw(room), anchor, limit)
}

pub(super) fn thread(
    db: &Connection,
    root: &MessageId,
    anchor: Anchor,
    limit: usize,
) -> Answer<Vec<MessageDoc>> {
    around(db, IN_THREAD, raw(root), anchor, limit)
}

/// Messages before a number and from it on, oldest first; the statements are for the two directions.
fn around(
    db: &Connection,
    [backwards, onwards]: [&str; 2],
    of: [u8; 16],
    anchor: Anchor,
    limit: usize,
) -> Answer<Vec<MessageDoc>> {
    let (before, from) = anchor.spans(limit);
    let mut found: Vec<MessageDoc> = Vec::new();
    if let Some((number, most)) = before {
        found = docs(db, backwards, params![of, int(number), sql_limit(most)])?;
        found.reverse();
    }
    if let Some((number, most)) = from {
        found.extend(docs(db, onwards, params![of, int(number), sql_limit(most)])?);
    }
    Ok(found)
}

pub(super) fn changes(
    db: &Connection,
    rooms: &[RoomId],
    after: Sequence,
    limit: usize,
) -> Answer<Changes<MessageDoc>> {
    let mut found: Vec<MessageDoc> = Vec::new();
    for room in rooms {
        posted_after(db, room, after, limit, &mut found)?;
        let sql = "SELECT doc FROM messages WHERE room = (SELECT k FROM rooms WHERE id = ?1)
            AND edited IS NOT NULL AND edited > ?2 AND posted <= ?2 LIMIT ?3";
        let most = sql_limit((limit + 1).saturating_sub(found.len()));
        found.extend(docs(db, sql, params![raw(room), int(after), most])?);
        if found.len() > limit {
            break;
        }
    }
    found.sort_by_key(|message| message.changed);
    Ok(Changes::cut(found, limit))
}

/// Walks back from a room's newest message: numbers are in the order of the log, so the walk ends at the
/// first message that is old enough.
fn posted_after(
    db: &Connection,
    room: &RoomId,
    after: Sequence,
    limit: usize,
    found: &mut Vec<MessageDoc>,
) -> Answer<()> {
    let sql = "SELECT posted, doc FROM messages WHERE room = (SELECT k FROM rooms WHERE id = ?1)
        ORDER BY number DESC";
    each(db, sql, [raw(room)], |row| {
        let posted: i64 = row.get(0).map_err(db_error)?;
        if posted <= int(after) {
            return Ok(false);
        }
        found.push(doc(row, 1)?);
        Ok(found.len() <= limit)
    })
}
