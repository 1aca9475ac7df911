//! The index of messages by their terms in SQLite (`terms/block.rs`).
//!
//! It is kept in the transactions that write messages. While a generation is filled it is not: sealing makes all of it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use rusqlite::{Connection, params};
use schemas::position::Sequence;
use schemas::time::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::archive::{self, anywhere};
use super::rows::{db_error, each, execute, int, unreadable};
use super::store::SqliteStore;
use crate::answers::Answer;
use crate::documents::{Document, MessageDoc, Stored as _};
use crate::store::IndexCheck;
use crate::terms::block::{
    BLOCK, Builder, Entry, FoundBy, PARTS, Parts, block_of, changed, complete, key,
};

/// The table of the index.
pub(super) const TABLE: &str = "
-- What is found in a part of a block, see `terms/block.rs`. Most rows are longer than a kilobyte, and such a row of a table
-- WITHOUT ROWID takes a page of its own besides, which a search would have to read.
CREATE TABLE message_index(k INTEGER PRIMARY KEY, found BLOB NOT NULL);
";

/// What is needed to find the messages of a block; nothing needs it before a generation is sealed.
pub(super) const BY_EVENT: &str = "CREATE INDEX IF NOT EXISTS messages_posted ON messages(posted)";

/// Makes the index of everything behind a checkpoint, in a generation that has none yet.
pub(super) fn make(db: &Connection, checkpoint: Sequence) -> Answer<()> {
    execute(db, BY_EVENT, [])?;
    for by_event in archive::BY_EVENT {
        execute(db, by_event, [])?;
    }
    build(db, 0..complete(checkpoint))
}

/// Brings the index up to a batch that was written: `expected` and `next` are the checkpoints before and after it.
pub(super) fn update(
    db: &Connection,
    docs: &[Document],
    expected: Sequence,
    next: Sequence,
) -> Answer<()> {
    let behind = complete(expected);
    let mut edited: BTreeMap<u64, Vec<&MessageDoc>> = BTreeMap::new();
    for message in docs.iter().filter_map(MessageDoc::among) {
        let block = block_of(message.posted);
        if block < behind && message.is_found_otherwise(expected) {
            edited.entry(block).or_default().push(message);
        }
    }
    for (block, messages) in edited {
        let before = parts_of(db, block)?;
        let entries = messages.into_iter().map(MessageDoc::entry);
        write(db, block, &changed(&before, entries).map_err(unreadable)?)?;
    }
    build(db, behind..complete(next))
}

fn build(db: &Connection, blocks: Range<u64>) -> Answer<()> {
    for block in blocks {
        write(db, block, &made(db, block)?)?;
    }
    Ok(())
}

/// What of a message's document is indexed.
#[derive(Deserialize)]
pub(super) struct Indexed<'a> {
    posted: Sequence,
    created_at: Timestamp,
    #[serde(default)]
    deleted_at: Option<IgnoredAny>,
    room_id: &'a str,
    sender_id: &'a str,
    #[serde(borrow)]
    body: Cow<'a, str>,
    #[serde(default)]
    attachments: Vec<IgnoredAny>,
}

impl Indexed<'_> {
    pub(super) fn entry(&self) -> Entry<'_> {
        let found_by = FoundBy {
            room: self.room_id,
            sender: self.sender_id,
            body: &self.body,
            files: !self.attachments.is_empty(),
        };
        let (posted, created) = (self.posted, self.created_at.millis());
        Entry { posted, created, found_by: self.deleted_at.is_none().then_some(found_by) }
    }
}

/// A block, made of its messages.
fn made(db: &Connection, block: u64) -> Answer<Parts> {
    let (start, end) = (block * BLOCK, (block + 1) * BLOCK);
    let sql = anywhere!("doc, posted", "posted >= ?1 AND posted < ?2", "ORDER BY posted");
    let mut built = Builder::default();
    each(db, sql, [int(start), int(end)], |row| {
        let json = row.get_ref(0).map_err(db_error)?.as_bytes().map_err(unreadable)?;
        let message: Indexed<'_> = serde_json::from_slice(json).map_err(unreadable)?;
        built.add(&message.entry());
        Ok(true)
    })?;
    Ok(built.finish())
}

/// What is written of a block.
fn parts_of(db: &Connection, block: u64) -> Answer<Parts> {
    let mut parts = Parts::new();
    for part in 0..=PARTS {
        let sql = "SELECT found FROM message_index WHERE k = ?1";
        each(db, sql, [key(part, block)], |row| {
            parts.insert(part, row.get(0).map_err(db_error)?);
            Ok(false)
        })?;
    }
    Ok(parts)
}

/// Whether a block is what its messages say.
fn is_right(db: &Connection, block: u64) -> Answer<bool> {
    let transaction = db.unchecked_transaction().map_err(db_error)?;
    Ok(made(&transaction, block)? == parts_of(&transaction, block)?)
}

impl SqliteStore {
    /// Compares the index of everything behind a checkpoint with the messages.
    pub(super) async fn check(&self, checkpoint: Sequence) -> Answer<IndexCheck> {
        let blocks = complete(checkpoint);
        let mut check = IndexCheck { blocks, differing: Vec::new() };
        for block in 0..blocks {
            if !self.read(move |db| is_right(db, block)).await? {
                check.differing.push(block);
            }
        }
        Ok(check)
    }
}

fn write(db: &Connection, block: u64, parts: &Parts) -> Answer<()> {
    for (part, found) in parts {
        if found.is_empty() {
            let sql = "DELETE FROM message_index WHERE k = ?1";
            execute(db, sql, [key(*part, block)])?;
        } else {
            let sql = "INSERT INTO message_index VALUES (?1, ?2)
                ON CONFLICT(k) DO UPDATE SET found = ?2";
            execute(db, sql, params![key(*part, block), found])?;
        }
    }
    Ok(())
}
