//! Messages in SQLite that moved to the archive: a table of the same columns, which questions about messages go through
//! as well.
//!
//! What is left of purged messages lies in a third. A message lies in exactly one of the tables, and which one follows
//! from its document. The table of what is at hand
//! stays as small as rooms keep it; what it is asked most is answered from few pages.

use rusqlite::{Connection, params};

use super::rows::{db_error, execute};
use crate::answers::Answer;
use crate::documents::MessageDoc;
use crate::groups::Checkpoints;

/// A question to both tables: `everywhere!("columns", "condition")`, and what orders and bounds the rows of both together.
/// A column that they are ordered by must be among the columns: each table is then walked by its own index.
macro_rules! everywhere {
    ($columns:literal, $condition:literal $(, $order:literal)?) => {
        concat!(
            "SELECT ", $columns, " FROM messages WHERE ", $condition,
            " UNION ALL SELECT ", $columns, " FROM messages_archive WHERE ", $condition,
            $(" ", $order)?
        )
    };
}
pub(super) use everywhere;

/// A question to those of purged messages as well: where counts and changes must not miss what is on no list any more.
macro_rules! anywhere {
    ($columns:literal, $condition:literal $(, $order:literal)?) => {
        concat!(
            "SELECT ", $columns, " FROM messages WHERE ", $condition,
            " UNION ALL SELECT ", $columns, " FROM messages_archive WHERE ", $condition,
            " UNION ALL SELECT ", $columns, " FROM messages_purged WHERE ", $condition,
            $(" ", $order)?
        )
    };
}
pub(super) use anywhere;

/// The columns and indexes of both.
pub(super) const TABLE: &str = "
-- Messages that moved to the archive; see `messages`.
CREATE TABLE messages_archive(
    k INTEGER PRIMARY KEY, id BLOB NOT NULL, posted INTEGER NOT NULL, client INTEGER,
    thread BLOB, answer INTEGER, edited INTEGER, gone INTEGER, doc BLOB NOT NULL);
CREATE INDEX archive_id ON messages_archive(id);
CREATE INDEX archive_client ON messages_archive(client) WHERE client IS NOT NULL;
CREATE INDEX archive_thread ON messages_archive(thread, answer) WHERE thread IS NOT NULL;
CREATE INDEX archive_edited ON messages_archive(k >> 36, edited) WHERE edited IS NOT NULL;
CREATE INDEX archive_gone ON messages_archive(k >> 36, gone) WHERE gone IS NOT NULL;

-- What is left of purged messages. They are on no list: nothing is looked for here but what they are called, what changed,
-- and how many there are.
CREATE TABLE messages_purged(
    k INTEGER PRIMARY KEY, id BLOB NOT NULL, posted INTEGER NOT NULL, client INTEGER,
    thread BLOB, answer INTEGER, edited INTEGER, gone INTEGER, doc BLOB NOT NULL);
CREATE INDEX purged_id ON messages_purged(id);
CREATE INDEX purged_edited ON messages_purged(k >> 36, edited) WHERE edited IS NOT NULL;
CREATE INDEX purged_gone ON messages_purged(k >> 36, gone) WHERE gone IS NOT NULL;
";

/// As `index::BY_EVENT`, for the other tables.
pub(super) const BY_EVENT: [&str; 2] = [
    "CREATE INDEX IF NOT EXISTS archive_posted ON messages_archive(posted)",
    "CREATE INDEX IF NOT EXISTS purged_posted ON messages_purged(posted)",
];

/// Where a message lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shelf {
    AtHand,
    Archive,
    Purged,
}

impl Shelf {
    pub(super) const fn of(message: &MessageDoc) -> Self {
        match (message.archived, message.purged) {
            (0, 0) => Self::AtHand,
            (_, 0) => Self::Archive,
            _ => Self::Purged,
        }
    }

    /// Writes a row that is not there.
    pub(super) const fn insert(self) -> &'static str {
        match self {
            Self::AtHand => "INSERT INTO messages VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            Self::Archive => {
                "INSERT INTO messages_archive VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
            }
            Self::Purged => {
                "INSERT INTO messages_purged VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
            }
        }
    }

    /// Writes a row that may be there.
    pub(super) const fn upsert(self) -> &'static str {
        match self {
            Self::AtHand => {
                "INSERT INTO messages VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
                ON CONFLICT(k) DO UPDATE SET client = ?4, edited = ?7, gone = ?8, doc = ?9"
            }
            Self::Archive => {
                "INSERT INTO messages_archive VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
                ON CONFLICT(k) DO UPDATE SET client = ?4, edited = ?7, gone = ?8, doc = ?9"
            }
            Self::Purged => {
                "INSERT INTO messages_purged VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
                ON CONFLICT(k) DO UPDATE SET client = ?4, edited = ?7, gone = ?8, doc = ?9"
            }
        }
    }
}

/// Takes a message that moved in this batch away from where it lay before.
pub(super) fn leave(
    db: &Connection,
    key: i64,
    message: &MessageDoc,
    expected: Checkpoints,
) -> Answer<()> {
    if message.archived.max(message.purged) > expected.conversations {
        execute(db, "DELETE FROM messages WHERE k = ?1", params![key])?;
    }
    if message.purged > expected.conversations {
        execute(db, "DELETE FROM messages_archive WHERE k = ?1", params![key])?;
    }
    Ok(())
}

/// The greatest id of all messages. Ids are made in the order of time, so nearly every new message is past it, which
/// spares the projector a search.
pub(super) fn greatest_id(db: &Connection) -> Answer<Option<Vec<u8>>> {
    let sql = "SELECT max(id) FROM (
        SELECT max(id) AS id FROM messages UNION ALL SELECT max(id) FROM messages_archive
        UNION ALL SELECT max(id) FROM messages_purged)";
    let mut statement = db.prepare_cached(sql).map_err(db_error)?;
    statement.query_row([], |row| row.get(0)).map_err(db_error)
}
