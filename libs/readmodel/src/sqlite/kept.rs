//! What a noun's file says of how its documents are kept in SQLite.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use rusqlite::Connection;
use schemas::ids::RoomId;

use crate::answers::Answer;
use crate::documents::{Document, Stored};
use crate::groups::Checkpoints;

/// The integers of rooms.
pub(super) type RoomKeys = HashMap<RoomId, i64, RandomState>;

/// What a batch of documents is written with: one transaction.
pub(super) struct Batch<'a> {
    /// The connection that is in the transaction.
    pub(super) db: &'a Connection,
    /// Where the groups stood before the batch: what came later came with it.
    pub(super) expected: Checkpoints,
    /// The integers of rooms that are known.
    pub(super) room_keys: &'a mut RoomKeys,
}

/// A document that is kept in SQLite. A collection without this does not compile.
pub(super) trait Kept: Stored {
    /// Creates the tables and indexes.
    const TABLES: &'static str;
    /// Finds the document (as the first column) of a key, whose parts are `?1`, `?2` and so on.
    const BY_KEY: &'static str;
    /// Finds at most `?3` documents after the key of the parts `?1` and `?2`, in the order of keys. A part that is
    /// not given, or not there, is empty and so before all others.
    const SCAN: &'static str;

    /// Writes a document, with what it is searched by.
    fn put(&self, batch: &mut Batch<'_>) -> Answer<()>;

    /// Writes the documents of this kind among those of a batch.
    fn put_all(docs: &[Document], batch: &mut Batch<'_>) -> Answer<()> {
        for doc in docs {
            if let Some(doc) = Self::among(doc) {
                doc.put(batch)?;
            }
        }
        Ok(())
    }
}
