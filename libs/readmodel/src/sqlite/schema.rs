//! Tables and indexes of a generation's file.
//!
//! A document lies as JSON in `doc`, last in its row; what is searched or ordered by stands in columns
//! before it. Ids are kept as the 16 bytes they stand for (same order, half the size); a room also has a
//! small integer, as messages and memberships are clustered by room.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _};

use super::rows::db_error;
use crate::backend::LAYOUT;
use crate::store::{Answer, StoreError};

const TABLES: &str = "
CREATE TABLE meta(
    id INTEGER PRIMARY KEY CHECK (id = 1), layout INTEGER NOT NULL,
    epoch TEXT, conversations INTEGER NOT NULL, people INTEGER NOT NULL, inbox INTEGER NOT NULL,
    retired INTEGER NOT NULL);

CREATE TABLE users(
    id BLOB PRIMARY KEY, username TEXT NOT NULL, shown TEXT NOT NULL, changed INTEGER NOT NULL,
    doc BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX users_username ON users(username);
CREATE INDEX users_shown ON users(shown);
CREATE INDEX users_changed ON users(changed);

-- name: folded, and null for rooms nobody may find; created: 0 while only heard of.
CREATE TABLE rooms(
    k INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, created INTEGER NOT NULL, name TEXT,
    activity INTEGER NOT NULL, changed INTEGER NOT NULL, doc BLOB NOT NULL);
CREATE INDEX rooms_name ON rooms(name, id) WHERE name IS NOT NULL;

CREATE TABLE memberships(
    room INTEGER NOT NULL, user BLOB NOT NULL, present INTEGER NOT NULL, marker INTEGER NOT NULL,
    changed INTEGER NOT NULL, moved INTEGER NOT NULL, doc BLOB NOT NULL,
    PRIMARY KEY (room, user)) WITHOUT ROWID;
CREATE INDEX memberships_user ON memberships(user, changed);
CREATE INDEX memberships_changed ON memberships(room, changed);
CREATE INDEX memberships_moved ON memberships(room, moved) WHERE moved > 0;

-- client: hash of (room, sender, client id); edited: the last edit or deletion, null for none. That an id
-- is there once is the projection's doing: checking it here again would cost a search for every message.
CREATE TABLE messages(
    room INTEGER NOT NULL, number INTEGER NOT NULL, id BLOB NOT NULL, posted INTEGER NOT NULL,
    client INTEGER, thread BLOB, edited INTEGER, doc BLOB NOT NULL,
    PRIMARY KEY (room, number)) WITHOUT ROWID;
CREATE INDEX messages_id ON messages(id);
CREATE INDEX messages_client ON messages(client) WHERE client IS NOT NULL;
CREATE INDEX messages_thread ON messages(thread, number) WHERE thread IS NOT NULL;
CREATE INDEX messages_edited ON messages(room, edited) WHERE edited IS NOT NULL;

CREATE TABLE notifications(
    id BLOB PRIMARY KEY, user BLOB NOT NULL, created INTEGER NOT NULL, unread INTEGER NOT NULL,
    changed INTEGER NOT NULL, doc BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX notifications_created ON notifications(user, created);
CREATE INDEX notifications_changed ON notifications(user, changed);

CREATE TABLE inboxes(user BLOB PRIMARY KEY, doc BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE site(id INTEGER PRIMARY KEY CHECK (id = 1), doc BLOB NOT NULL);
";

/// Fills an empty file.
pub(super) fn create(path: &Path) -> Answer<()> {
    let mut db = Connection::open(path).map_err(db_error)?;
    db.pragma_update(None, "journal_mode", "wal").map_err(db_error)?;
    let transaction = db.transaction().map_err(db_error)?;
    transaction.execute_batch(TABLES).map_err(db_error)?;
    transaction
        .execute("INSERT INTO meta VALUES (1, ?1, NULL, 0, 0, 0, 0)", [LAYOUT])
        .map_err(db_error)?;
    transaction.commit().map_err(db_error)
}

/// Whether a file is a complete generation; making one may have been cut short.
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
        Some(LAYOUT) => Ok(true),
        Some(other) => Err(StoreError::Unreadable(format!("layout {other}, not {LAYOUT}"))),
    }
}
