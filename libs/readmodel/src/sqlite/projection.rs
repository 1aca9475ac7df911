//! The projector's side of a generation in SQLite: load, commit, scan. Each is generated from the table of documents.

use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Connection, TransactionBehavior, params, params_from_iter};
use schemas::position::Epoch;

use super::archive::greatest_id;
use super::checkpoint::{checkpoint, is_sealed, move_to};
use super::index;
use super::kept::{Batch, Kept};
use super::message::by_client_id;
use super::rows::{db_error, each, execute, limit as sql_limit, one, raw, unreadable};
use super::store::{SqliteStore, Writer};
use crate::answers::Answer;
use crate::documents::{self, Collection, Document, Key, Stored as _};
use crate::groups::{Checkpoint, Checkpoints};
use crate::store::{CommitError, Counts, IndexCheck, ProjectionStore, ReadStore, Want};

/// Rooms whose integer is remembered between commits; forgotten all at once beyond.
const REMEMBERED_ROOMS: usize = 100_000;

macro_rules! dispatch {
    ($(
        $table:ident: $collection:ident of $noun:ident($doc:ident)
        $(, key [$($part:ident: $id:ident = $($field:ident).+),+])?, group $group:ident, cache 1/$share:literal
        $(, reads $reads:ident)?;
    )*) => {
        /// The document of a key.
        fn load_key(db: &Connection, key: &Key) -> Answer<Option<Document>> {
            Ok(match key {
                $(Key::$noun $(($($part),+))? => {
                    let key = params![$($(raw($part)),+)?];
                    let found: Option<documents::$doc> = one(db, documents::$doc::BY_KEY, key)?;
                    found.map(Arc::new).map(documents::$doc::into_document)
                })*
            })
        }

        /// The documents of a collection after a key, in the order of keys.
        fn scan(
            db: &Connection,
            collection: Collection,
            after: Option<&Key>,
            limit: usize,
        ) -> Answer<Vec<Document>> {
            match collection {
                $(Collection::$collection => scan_of::<documents::$doc>(db, after, limit),)*
            }
        }

        /// Writes a batch, collection after collection in the order of the table.
        fn put_all(docs: &[Document], batch: &mut Batch<'_>) -> Answer<()> {
            $(documents::$doc::put_all(docs, batch)?;)*
            Ok(())
        }

        /// Deletes the document of a key. What it is searched by besides its own row is not looked for: no document that
        /// is deleted has any.
        fn delete(db: &Connection, key: &Key) -> Answer<()> {
            let by_key = match key.collection() {
                $(Collection::$collection => documents::$doc::BY_KEY,)*
            };
            let sql = by_key.replacen("SELECT doc FROM", "DELETE FROM", 1);
            let parts = key.parts().into_iter().map(|part| raw(part).to_vec());
            execute(db, &sql, params_from_iter(parts)).map(drop)
        }
    };
}

crate::documents!(dispatch);

/// Documents in the order of their keys' text, which the bytes of ids keep.
fn scan_of<T: Kept>(db: &Connection, after: Option<&Key>, limit: usize) -> Answer<Vec<Document>> {
    let parts = after.map(Key::parts).unwrap_or_default();
    if after.is_some() && parts.is_empty() {
        // There is nothing after the only document.
        return Ok(Vec::new());
    }
    let part = |at: usize| parts.get(at).map_or_else(Vec::new, |part| raw(part).to_vec());
    let mut found = Vec::new();
    each(db, T::SCAN, params![part(0), part(1), sql_limit(limit)], |row| {
        let json = row.get_ref(0).map_err(db_error)?.as_bytes().map_err(unreadable)?;
        let doc: T = serde_json::from_slice(json).map_err(unreadable)?;
        found.push(T::into_document(Arc::new(doc)));
        Ok(true)
    })?;
    Ok(found)
}

fn load(db: &mut Connection, wants: &[Want]) -> Answer<Vec<Document>> {
    // One transaction: outside of one, every statement takes and gives back the file's locks.
    let transaction = db.transaction().map_err(db_error)?;
    let found = load_all(&transaction, wants)?;
    transaction.commit().map_err(db_error)?;
    Ok(found)
}

fn load_all(db: &Connection, wants: &[Want]) -> Answer<Vec<Document>> {
    let mut found = Vec::with_capacity(wants.len());
    let greatest = greatest_id(db)?;
    for want in wants {
        match want {
            // Past all messages there are.
            Want::Key(Key::Message(id))
                if greatest.as_ref().is_none_or(|last| raw(id).as_slice() > last.as_slice()) => {}
            Want::Key(key) => found.extend(load_key(db, key)?),
            Want::ClientId(room, sender, client_id) => {
                let message = by_client_id(db, room, sender, client_id)?;
                found.extend(message.map(|doc| Document::Message(Arc::new(doc))));
            }
        }
    }
    Ok(found)
}

impl Writer {
    fn commit(
        &mut self,
        expected: Checkpoints,
        (epoch, next): (&Epoch, Checkpoints),
        docs: &[Document],
    ) -> Result<(), CommitError> {
        let outcome = self.try_commit(expected, (epoch, next), docs);
        if outcome.is_err() {
            // Integers given to rooms in a transaction that did not happen are not theirs.
            self.room_keys.clear();
        }
        outcome
    }

    fn try_commit(
        &mut self,
        expected: Checkpoints,
        (epoch, next): (&Epoch, Checkpoints),
        docs: &[Document],
    ) -> Result<(), CommitError> {
        let Self { db, room_keys } = self;
        if room_keys.len() > REMEMBERED_ROOMS {
            room_keys.clear();
        }
        let transaction =
            db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(db_error)?;
        let now = checkpoint(&transaction)?;
        if now.retired {
            return Err(CommitError::Retired);
        }
        if now.groups != expected || now.epoch.as_ref().is_some_and(|now| now != epoch) {
            return Err(CommitError::Fenced);
        }
        let (gone, kept): (Vec<&Document>, Vec<&Document>) =
            docs.iter().partition(|doc| doc.is_gone());
        for doc in &gone {
            delete(&transaction, &doc.key())?;
        }
        let mut batch = Batch { db: &transaction, expected, room_keys };
        match gone.is_empty() {
            true => put_all(docs, &mut batch)?,
            false => put_all(&kept.into_iter().cloned().collect::<Vec<_>>(), &mut batch)?,
        }
        if is_sealed(&transaction)? {
            let (from, to) = (expected.conversations, next.conversations);
            index::update(&transaction, docs, from, to)?;
        }
        move_to(&transaction, epoch, next)?;
        transaction.commit().map_err(db_error)?;
        Ok(())
    }
}

#[async_trait]
impl ReadStore for SqliteStore {
    fn generation(&self) -> &str {
        self.name()
    }

    async fn checkpoint(&self) -> Answer<Checkpoint> {
        self.read(checkpoint).await
    }

    async fn counts(&self) -> Answer<Counts> {
        self.read(|db| {
            let sql = "SELECT (SELECT count(*) FROM users WHERE username <> ''), (SELECT count(*) FROM rooms),
                (SELECT count(*) FROM messages) + (SELECT count(*) FROM messages_archive)
                    + (SELECT count(*) FROM messages_purged)";
            let counted = db.query_row(sql, [], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]));
            let counted: [i64; 3] = counted.map_err(db_error)?;
            let [users, rooms, messages] = counted.map(|count| u64::try_from(count).unwrap_or(0));
            Ok(Counts { users, rooms, messages })
        })
        .await
    }
}

#[async_trait]
impl ProjectionStore for SqliteStore {
    async fn load(&self, wants: Vec<Want>) -> Answer<Vec<Document>> {
        // By the writing connection: its cache holds the pages that were just written.
        self.write(move |writer| load(&mut writer.db, &wants)).await?
    }

    async fn commit_groups(
        &self,
        expected: Checkpoints,
        epoch: Epoch,
        next: Checkpoints,
        docs: Vec<Document>,
    ) -> Result<(), CommitError> {
        self.write(move |writer| writer.commit(expected, (&epoch, next), &docs)).await?
    }

    async fn scan(
        &self,
        collection: Collection,
        after: Option<Key>,
        limit: usize,
    ) -> Answer<Vec<Document>> {
        self.read(move |db| scan(db, collection, after.as_ref(), limit)).await
    }

    async fn seal(&self) -> Answer<()> {
        self.write(Writer::seal).await?
    }

    async fn scrub(&self) -> Answer<()> {
        self.write(|writer| writer.scrub()).await?
    }

    async fn check_index(&self) -> Answer<IndexCheck> {
        self.check(self.checkpoint().await?.groups.conversations).await
    }

    async fn set_retired(&self, retired: bool) -> Answer<Checkpoint> {
        self.write(move |writer| writer.set_retired(retired)).await?
    }

    fn reader(self: Arc<Self>) -> Arc<dyn ReadStore> {
        self
    }
}
