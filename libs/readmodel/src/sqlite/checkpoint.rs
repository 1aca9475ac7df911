//! The checkpoint of a generation in SQLite: read, moved, retired; and sealing.

use rusqlite::{Connection, TransactionBehavior, params};
use schemas::position::Epoch;

use super::index;
use super::rows::{db_error, each, int, unreadable};
use super::store::Writer;
use crate::answers::{Answer, StoreError};
use crate::groups::{Checkpoint, Checkpoints};

/// The table of the generation itself; it has one row.
pub(super) const TABLE: &str = "
CREATE TABLE meta(
    id INTEGER PRIMARY KEY CHECK (id = 1), layout INTEGER NOT NULL,
    epoch TEXT, conversations INTEGER NOT NULL, people INTEGER NOT NULL, inbox INTEGER NOT NULL,
    retired INTEGER NOT NULL, sealed INTEGER NOT NULL);
";

/// The first checkpoint, in a file of this layout that may be sealed already.
pub(super) fn begin(db: &Connection, layout: u32, sealed: bool) -> Answer<()> {
    let sql = "INSERT INTO meta VALUES (1, ?1, NULL, 0, 0, 0, 0, ?2)";
    db.execute(sql, params![layout, sealed]).map(drop).map_err(db_error)
}

/// Whether the generation is in use, or may be.
pub(super) fn is_sealed(db: &Connection) -> Answer<bool> {
    let mut statement = db.prepare_cached("SELECT sealed FROM meta").map_err(db_error)?;
    statement.query_row([], |row| row.get(0)).map_err(db_error)
}

/// Where the generation stands.
pub(super) fn checkpoint(db: &Connection) -> Answer<Checkpoint> {
    let mut found = None;
    let sql = "SELECT epoch, conversations, people, inbox, retired FROM meta";
    each(db, sql, [], |row| {
        let epoch: Option<String> = row.get(0).map_err(db_error)?;
        let epoch = epoch.map(|text| Epoch::parse(&text)).transpose().map_err(unreadable)?;
        let of_group = |column| {
            let sequence: i64 = row.get(column).map_err(db_error)?;
            u64::try_from(sequence).map_err(unreadable)
        };
        let groups =
            Checkpoints { conversations: of_group(1)?, people: of_group(2)?, inbox: of_group(3)? };
        let retired = row.get(4).map_err(db_error)?;
        found = Some(Checkpoint { epoch, sequence: groups.least(), groups, retired });
        Ok(false)
    })?;
    found.ok_or_else(|| StoreError::Unreadable("no checkpoint".to_owned()))
}

/// Moves the checkpoint, within the transaction of a batch.
pub(super) fn move_to(db: &Connection, epoch: &Epoch, next: Checkpoints) -> Answer<()> {
    db.execute(
        "UPDATE meta SET epoch = ?1, conversations = ?2, people = ?3, inbox = ?4",
        params![epoch.as_str(), int(next.conversations), int(next.people), int(next.inbox)],
    )
    .map(drop)
    .map_err(db_error)
}

impl Writer {
    /// Brings everything to the disk; from now on every commit is synced as in a live generation.
    pub(super) fn seal(&mut self) -> Answer<()> {
        if !is_sealed(&self.db)? {
            let transaction = self.db.transaction().map_err(db_error)?;
            index::make(&transaction, checkpoint(&transaction)?.groups.conversations)?;
            transaction.commit().map_err(db_error)?;
        }
        self.db.pragma_update(None, "synchronous", "normal").map_err(db_error)?;
        self.db.pragma_update(None, "journal_mode", "wal").map_err(db_error)?;
        // What was written so far has been left to the system's cache.
        self.sync()?;
        self.db.execute("UPDATE meta SET sealed = 1", []).map_err(db_error)?;
        // Moves what is in the write-ahead log into the file and syncs the file as a whole.
        self.db
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0))
            .map(drop)
            .map_err(db_error)?;
        // Once more by ourselves: with nothing left in the log there was nothing to sync for.
        self.sync()
    }

    /// Moves what is in the write-ahead log into the file, where deleted content is overwritten, and empties the log. A
    /// reader that is in the way keeps it from being emptied; the next time it is.
    pub(super) fn scrub(&mut self) -> Answer<()> {
        let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
        let busy = self.db.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(db_error)?;
        if busy != 0 {
            tracing::warn!(
                "a reader keeps the write-ahead log of the read model from being emptied"
            );
        }
        Ok(())
    }

    fn sync(&self) -> Answer<()> {
        let path = self.db.path().map(std::path::PathBuf::from).unwrap_or_default();
        std::fs::File::open(path)
            .and_then(|file| file.sync_all())
            .map_err(|error| StoreError::Unavailable(Box::new(error)))
    }

    /// Forbids or allows commits; answers with the checkpoint.
    pub(super) fn set_retired(&mut self, retired: bool) -> Answer<Checkpoint> {
        let transaction =
            self.db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(db_error)?;
        transaction.execute("UPDATE meta SET retired = ?1", [retired]).map_err(db_error)?;
        let now = checkpoint(&transaction)?;
        transaction.commit().map_err(db_error)?;
        Ok(now)
    }
}
