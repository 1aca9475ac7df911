//! All tables and indexes of a generation's file.
//!
//! A document lies as JSON in `doc`, last in its row; what is searched or ordered by stands in columns
//! before it. Ids are kept as the 16 bytes they stand for (same order, half the size). Each noun's tables stand in its
//! own file.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _};

use super::archive;
use super::checkpoint;
use super::index;
use super::kept::Kept as _;
use super::rows::db_error;
use crate::answers::{Answer, StoreError};
use crate::backend::Durability;
use crate::documents::{self, LAYOUT};

macro_rules! tables {
    ($(
        $table:ident: $collection:ident of $noun:ident($doc:ident) $(, key $key:tt)?, group $group:ident,
        cache 1/$share:literal $(, reads $reads:ident)?;
    )*) => {
        /// The tables and indexes of every noun.
        const TABLES: &[&str] = &[$(documents::$doc::TABLES),*];
    };
}

crate::documents!(tables);

/// Creates the tables and indexes in an empty file.
pub(super) fn create(path: &Path, durability: Durability) -> Answer<()> {
    let mut db = Connection::open(path).map_err(db_error)?;
    let sealed = durability == Durability::Immediate;
    if sealed {
        db.pragma_update(None, "journal_mode", "wal").map_err(db_error)?;
    } else {
        db.pragma_update(None, "synchronous", "off").map_err(db_error)?;
    }
    let transaction = db.transaction().map_err(db_error)?;
    for tables in [checkpoint::TABLE, index::TABLE, archive::TABLE].iter().chain(TABLES) {
        transaction.execute_batch(tables).map_err(db_error)?;
    }
    checkpoint::begin(&transaction, LAYOUT, sealed)?;
    if sealed {
        index::make(&transaction, 0)?;
    }
    transaction.commit().map_err(db_error)
}

/// Whether a file is a generation that may be read; its creation or filling may have been interrupted.
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
