//! Tables and indexes of a generation's file.
//!
//! A document lies as JSON in `doc`, last in its row; what is searched or ordered by stands in columns
//! before it. Ids are kept as the 16 bytes they stand for (same order, half the size); a room also has a
//! small integer, as messages and memberships are clustered by room: a message's integer key is its room's in
//! the upper bits and its number in the room in the lower ones.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};

use super::find;
use super::rows::{db_error, int};
use crate::backend::{Care, LAYOUT};
use crate::store::{Answer, StoreError};

const TABLES: &str = "
CREATE TABLE meta(
    id INTEGER PRIMARY KEY CHECK (id = 1), layout INTEGER NOT NULL,
    epoch TEXT, conversations INTEGER NOT NULL, people INTEGER NOT NULL, inbox INTEGER NOT NULL,
    retired INTEGER NOT NULL, sealed INTEGER NOT NULL);

CREATE TABLE users(
    id BLOB PRIMARY KEY, username TEXT NOT NULL, changed INTEGER NOT NULL, doc BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX users_username ON users(username);
CREATE INDEX users_changed ON users(changed);

-- name: folded, and null for rooms nobody may find; created: 0 while only heard of.
CREATE TABLE rooms(
    k INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, created INTEGER NOT NULL, name TEXT,
    activity INTEGER NOT NULL, changed INTEGER NOT NULL, doc BLOB NOT NULL);
CREATE INDEX rooms_name ON rooms(name, id) WHERE name IS NOT NULL;

-- marker: the number up to which the person is known to have read, 0 for none.
CREATE TABLE memberships(
    room INTEGER NOT NULL, user BLOB NOT NULL, present INTEGER NOT NULL, marker INTEGER NOT NULL,
    changed INTEGER NOT NULL, moved INTEGER NOT NULL, doc BLOB NOT NULL,
    PRIMARY KEY (room, user)) WITHOUT ROWID;
CREATE INDEX memberships_user ON memberships(user, changed);
CREATE INDEX memberships_changed ON memberships(room, changed);
CREATE INDEX memberships_moved ON memberships(room, moved) WHERE moved > 0;

-- k: room and number, see `message_key`; client: hash of (room, sender, client id); thread: the message
-- answered, answer: the number again, so that a thread is in its order, both null for none; edited: the last
-- edit, deletion or answer to it, null for none; gone: the main number of a deleted message of the main timeline,
-- null for every other. That an id is there once is the projection's doing: checking it here again would cost a
-- search for every message.
CREATE TABLE messages(
    k INTEGER PRIMARY KEY, id BLOB NOT NULL, posted INTEGER NOT NULL, client INTEGER,
    thread BLOB, answer INTEGER, edited INTEGER, gone INTEGER, doc BLOB NOT NULL);
CREATE INDEX messages_id ON messages(id);
CREATE INDEX messages_client ON messages(client) WHERE client IS NOT NULL;
CREATE INDEX messages_thread ON messages(thread, answer) WHERE thread IS NOT NULL;
CREATE INDEX messages_edited ON messages(k >> 36, edited) WHERE edited IS NOT NULL;
CREATE INDEX messages_gone ON messages(k >> 36, gone) WHERE gone IS NOT NULL;

-- Whom messages of the main timeline name: a person, or the whole room (an empty user).
CREATE TABLE named(
    room INTEGER NOT NULL, user BLOB NOT NULL, main INTEGER NOT NULL,
    PRIMARY KEY (room, user, main)) WITHOUT ROWID;
CREATE INDEX named_main ON named(room, main);

-- unread: neither read by itself nor taken back; removed: taken back; room, message: null for none.
CREATE TABLE notifications(
    id BLOB PRIMARY KEY, user BLOB NOT NULL, created INTEGER NOT NULL, unread INTEGER NOT NULL,
    removed INTEGER NOT NULL, changed INTEGER NOT NULL, room BLOB, message BLOB,
    doc BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX notifications_created ON notifications(user, created) WHERE removed = 0;
CREATE INDEX notifications_unread ON notifications(user, created) WHERE unread = 1;
CREATE INDEX notifications_changed ON notifications(user, changed);
CREATE INDEX notifications_room ON notifications(user, room, created)
    WHERE unread = 1 AND room IS NOT NULL;
CREATE INDEX notifications_message ON notifications(message, user) WHERE message IS NOT NULL;

CREATE TABLE inboxes(user BLOB PRIMARY KEY, doc BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE site(id INTEGER PRIMARY KEY CHECK (id = 1), doc BLOB NOT NULL);
";

/// Bits of a message's key that are its number in the room; 27 are left for the room.
pub(super) const NUMBER_BITS: u32 = 36;

/// The key of a message: those of a room lie together, in the order of their numbers. None of either comes near
/// its bound; a number beyond it would be the last of its room.
pub(super) fn message_key(room: i64, number: u64) -> i64 {
    let last = (1 << NUMBER_BITS) - 1;
    (room << NUMBER_BITS) | int(number).min(last)
}

/// Fills an empty file.
pub(super) fn create(path: &Path, care: Care) -> Answer<()> {
    let mut db = Connection::open(path).map_err(db_error)?;
    let sealed = care == Care::FromTheStart;
    if sealed {
        db.pragma_update(None, "journal_mode", "wal").map_err(db_error)?;
    } else {
        db.pragma_update(None, "synchronous", "off").map_err(db_error)?;
    }
    let transaction = db.transaction().map_err(db_error)?;
    transaction.execute_batch(TABLES).map_err(db_error)?;
    transaction.execute_batch(find::TABLES).map_err(db_error)?;
    transaction
        .execute("INSERT INTO meta VALUES (1, ?1, NULL, 0, 0, 0, 0, ?2)", params![LAYOUT, sealed])
        .map_err(db_error)?;
    transaction.commit().map_err(db_error)
}

/// Whether a file is a generation that may be read; making or filling one may have been cut short.
pub(super) fn exists(path: &Path) -> Answer<bool> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    let db = Connection::open_with_flags(path, flags).map_err(db_error)?;
    let sql = "SELECT 1 FROM sqlite_schema WHERE name = 'meta'";
    if db.query_row(sql, [], |_| Ok(())).optional().map_err(db_error)?.is_none() {
        return Ok(false);
    }
    let layout: Option<u32> = db
        .query_row("SELECT layout FROM meta", [], |row| row.get(0))
        .optional()
        .map_err(db_error)?;
    match layout {
        None => Ok(false),
        Some(LAYOUT) => {
            db.query_row("SELECT sealed FROM meta", [], |row| row.get(0)).map_err(db_error)
        }
        Some(other) => Err(StoreError::Unreadable(format!("layout {other}, not {LAYOUT}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_a_room_lie_together_in_their_order() {
        let places = [(1, 0), (1, 1), (1, u64::MAX), (2, 0), (2, 7), ((1 << 27) - 1, u64::MAX)];
        let keys = places.map(|(room, number)| message_key(room, number));
        assert!(keys.is_sorted_by(|one, next| one < next), "{keys:?}");
        assert_eq!(keys.map(|key| key >> NUMBER_BITS), places.map(|(room, _)| room));
    }

    /// A question that is not answered by an index reads a whole table, which no other test would notice.
    #[test]
    fn questions_about_messages_are_answered_by_keys_and_indexes() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(TABLES).unwrap();
        let questions = [
            ("k >= 1 AND k < 2 ORDER BY k DESC", "INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
            ("id = x''", "INDEX messages_id (id=?)"),
            ("client = 1", "INDEX messages_client (client=?)"),
            (
                "thread = x'' AND answer < 2 ORDER BY answer",
                "messages_thread (thread=? AND answer<?)",
            ),
            (
                "k >> 36 = 1 AND edited IS NOT NULL AND edited >= 2 AND posted < 2",
                "messages_edited (<expr>=? AND edited>?)",
            ),
            (
                "k >> 36 = 1 AND gone IS NOT NULL AND gone > 2 AND gone <= 3",
                "messages_gone (<expr>=? AND gone>? AND gone<?)",
            ),
        ];
        for (question, index) in questions {
            let sql = format!("EXPLAIN QUERY PLAN SELECT doc FROM messages WHERE {question}");
            let mut statement = db.prepare(&sql).unwrap();
            let steps = statement.query_map([], |row| row.get::<_, String>(3)).unwrap();
            let steps: Vec<String> = steps.map(Result::unwrap).collect();
            assert!(steps.len() == 1 && steps[0].ends_with(index), "{question}: {steps:?}");
        }
    }
}
