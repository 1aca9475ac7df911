//! The projector's side of a generation in MongoDB: load, commit, scan.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::try_join_all;
use mongodb::bson::{Document as Bson, RawArrayBuf, RawDocument, RawDocumentBuf, doc};
use mongodb::error::{Error, UNKNOWN_TRANSACTION_COMMIT_RESULT};
use mongodb::{ClientSession, Database};
use schemas::position::{Epoch, Sequence};
use schemas::values::Username;

use super::checkpoint::{checkpoint, move_to, set_retired};
use super::index;
use super::kept::Kept;
use super::query::find_raw;
use super::rows::db_error;
use super::schema;
use super::store::MongoStore;
use super::writer::Writer;
use crate::answers::{Answer, StoreError};
use crate::documents::{self, Collection, Document, Key, Stored as _, client_hash};
use crate::groups::{Checkpoint, Checkpoints};
use crate::store::{CommitError, Counts, IndexCheck, ProjectionStore, ReadStore, Want};

/// Keys or hashes asked for in one query.
const ASKED: usize = 2000;
/// Updates in one command: at most so many, and so many bytes (the server takes 16 MiB).
const UPDATES: usize = 1000;
const UPDATE_BYTES: usize = 8 * 1024 * 1024;
/// Times the outcome of a commit is asked for when the answer got lost.
const COMMIT_TRIES: usize = 5;

macro_rules! dispatch {
    ($(
        $table:ident: $collection:ident of $noun:ident($doc:ident) $(, key $key:tt)?, group $group:ident,
        cache 1/$share:literal $(, reads $reads:ident)?;
    )*) => {
        /// Sorts a document in among the writes of a batch, before which its group stood at `expected`.
        fn sort_in(doc: &Document, expected: Sequence, writes: &mut BatchWrites) -> Answer<()> {
            let id = doc.key().to_string();
            match doc {
                $(Document::$noun(doc) if doc.is_gone() || doc.updated == 0 => {
                    names_of(Collection::$collection).for_each(|name| writes.at(name).gone.push(id.clone()));
                    Ok(())
                }
                Document::$noun(doc) => writes.take(doc.as_ref(), id, expected),)*
            }
        }

        /// The collections that some documents of a kind lie in, apart from the others.
        const fn apart_of(collection: Collection) -> &'static [&'static str] {
            match collection {
                $(Collection::$collection => documents::$doc::APART,)*
            }
        }

        /// The document of a collection's row.
        fn from_row(collection: Collection, row: &RawDocument) -> Answer<Document> {
            Ok(match collection {
                $(Collection::$collection => {
                    documents::$doc::into_document(Arc::new(documents::$doc::from_row(row)?))
                })*
            })
        }
    };
}

crate::documents!(dispatch);

/// Where the documents of a kind lie.
fn names_of(collection: Collection) -> impl Iterator<Item = &'static str> {
    std::iter::once(collection.as_str()).chain(apart_of(collection).iter().copied())
}

/// Asks every collection at once, each in as few queries as may be.
async fn load(database: &Database, wants: Vec<Want>) -> Answer<Vec<Document>> {
    let mut keys: BTreeMap<Collection, Vec<String>> = BTreeMap::new();
    let mut clients: Vec<i64> = Vec::new();
    for want in &wants {
        match want {
            Want::Key(key) => keys.entry(key.collection()).or_default().push(key.to_string()),
            Want::ClientId(room, sender, client_id) => {
                clients.push(client_hash(room, sender, client_id));
            }
        }
    }
    let by_key = keys.iter().flat_map(|(collection, keys)| {
        keys.chunks(ASKED).map(move |some| (*collection, doc! { "_id": { "$in": some } }))
    });
    let by_client = clients.chunks(ASKED).map(|some| {
        // The second condition is the index's own: without it the server does not use it.
        let filter = doc! { "_client": { "$in": some, "$exists": true } };
        (Collection::Messages, filter)
    });
    let everywhere = by_key.chain(by_client).flat_map(|(collection, filter)| {
        names_of(collection).map(move |name| (collection, name, filter.clone()))
    });
    let asked = everywhere.map(|(collection, name, filter)| async move {
        let rows = find_raw(database, name, filter, doc! {}, usize::MAX).await?;
        rows.iter().map(|row| from_row(collection, row)).collect::<Answer<Vec<Document>>>()
    });
    // A collision of hashes may bring a message that was not asked for, which does no harm.
    Ok(try_join_all(asked).await?.into_iter().flatten().collect())
}

/// Documents in the order of their keys' text.
async fn scan(
    database: &Database,
    collection: Collection,
    after: Option<String>,
    limit: usize,
) -> Answer<Vec<Document>> {
    let filter = doc! { "_id": { "$gt": after.unwrap_or_default() } };
    let mut found: Vec<Document> = Vec::new();
    for name in names_of(collection) {
        let rows = find_raw(database, name, filter.clone(), doc! { "_id": 1 }, limit).await?;
        let rows = rows.iter().map(|row| from_row(collection, row));
        found.extend(rows.collect::<Answer<Vec<Document>>>()?);
    }
    if !apart_of(collection).is_empty() {
        // One that moved between two reads is found in both places.
        found.sort_by_cached_key(|doc| doc.key().to_string());
        found.dedup_by_key(|doc| doc.key());
        found.truncate(limit);
    }
    Ok(found)
}

/// New documents, changed ones, and the keys of those that are deleted, of one collection.
#[derive(Default)]
struct Writes {
    new: Vec<RawDocumentBuf>,
    changed: Vec<RawDocumentBuf>,
    gone: Vec<String>,
}

/// What a batch writes.
#[derive(Default)]
struct BatchWrites {
    /// By the name of the collection.
    collections: BTreeMap<&'static str, Writes>,
    /// Messages that are deleted, and with them all reactions to them.
    deleted: Vec<String>,
}

impl BatchWrites {
    fn of(docs: &[Document], expected: Checkpoints) -> Answer<Self> {
        let mut writes = Self::default();
        for doc in docs {
            let collection = doc.collection();
            let group = expected.get(collection.group());
            sort_in(doc, group, &mut writes)?;
            if let Document::Message(message) = doc
                && message.deleted_at.is_some()
            {
                writes.deleted.push(message.id.to_string());
            }
        }
        Ok(writes)
    }

    fn at(&mut self, collection: &'static str) -> &mut Writes {
        self.collections.entry(collection).or_default()
    }

    /// Takes a document to where it lies from now on.
    fn take<T: Kept>(&mut self, doc: &T, id: String, expected: Sequence) -> Answer<()> {
        let (new, usual) = (doc.is_new(expected), T::COLLECTION.as_str());
        let (here, moved) = doc.apart().unwrap_or((usual, 0));
        let moves = moved > expected;
        if moves && !new {
            let elsewhere = names_of(T::COLLECTION).filter(|name| *name != here);
            elsewhere.for_each(|name| self.at(name).gone.push(id.clone()));
        }
        let (row, writes) = (doc.to_row(id)?, self.at(here));
        if new || moves {
            writes.new.push(row)
        } else {
            writes.changed.push(row)
        }
        Ok(())
    }
}

async fn commit(
    database: &Database,
    writer: &Writer,
    expected: Checkpoints,
    (epoch, next): (&Epoch, Checkpoints),
    docs: &[Document],
) -> Result<(), CommitError> {
    let writes = BatchWrites::of(docs, expected)?;
    let mut session = writer.session(database).await.map_err(db_error)?;
    session.start_transaction().await.map_err(db_error)?;
    let mut written = write_all(database, &mut session, expected, (epoch, next), writes).await;
    if written.is_ok() && writer.is_sealed() {
        // What a generation is filled with before it is sealed is indexed then.
        let (from, to) = (expected.conversations, next.conversations);
        written = index::update(database, &mut session, docs, from, to).await.map_err(Into::into);
    }
    if let Err(error) = written {
        // Fails when the server has aborted it already.
        drop(session.abort_transaction().await);
        return Err(error);
    }
    for _ in 1..COMMIT_TRIES {
        match session.commit_transaction().await {
            Err(error) if error.contains_label(UNKNOWN_TRANSACTION_COMMIT_RESULT) => {}
            Err(error) => return Err(db_error(error).into()),
            Ok(()) => {
                writer.committed(session);
                return Ok(());
            }
        }
    }
    Ok(session.commit_transaction().await.map_err(db_error)?)
}

async fn write_all(
    database: &Database,
    session: &mut ClientSession,
    expected: Checkpoints,
    (epoch, next): (&Epoch, Checkpoints),
    writes: BatchWrites,
) -> Result<(), CommitError> {
    // First, so that of two projectors one is turned away before it has written anything.
    move_to(database, session, expected, (epoch, next)).await?;
    for (collection, writes) in writes.collections {
        delete(database, session, collection, "_id", &writes.gone).await?;
        if !writes.new.is_empty() {
            let target = database.collection::<RawDocumentBuf>(collection);
            let inserted =
                target.insert_many(&writes.new).ordered(true).session(&mut *session).await;
            inserted.map_err(db_error)?;
        }
        let mut changed = writes.changed.into_iter().peekable();
        while changed.peek().is_some() {
            let (mut some, mut bytes) = (RawArrayBuf::new(), 0);
            let mut count = 0;
            while count < UPDATES && bytes < UPDATE_BYTES {
                let Some(row) = changed.next() else { break };
                bytes += row.as_bytes().len();
                some.push(upsert(row)?);
                count += 1;
            }
            update(database, session, collection, some).await.map_err(db_error)?;
        }
    }
    // Those that came in the same batch were written above.
    let reactions = Collection::Reactions.as_str();
    delete(database, session, reactions, "message_id", &writes.deleted).await?;
    Ok(())
}

/// Deletes the documents of which a field has one of these values.
async fn delete(
    database: &Database,
    session: &mut ClientSession,
    collection: &str,
    field: &str,
    values: &[String],
) -> Answer<()> {
    let target = database.collection::<RawDocumentBuf>(collection);
    for some in values.chunks(ASKED) {
        let filter = doc! { field: { "$in": some } };
        target.delete_many(filter).session(&mut *session).await.map_err(db_error)?;
    }
    Ok(())
}

/// A command that cannot be built is a bug, not a state of the database.
fn bug(error: mongodb::bson::error::Error) -> StoreError {
    StoreError::Failed(Box::new(error))
}

fn upsert(row: RawDocumentBuf) -> Answer<RawDocumentBuf> {
    let id = row.get_str("_id").map_err(bug)?.to_owned();
    let mut statement =
        RawDocumentBuf::try_from(&doc! { "q": { "_id": id }, "upsert": true }).map_err(bug)?;
    statement.append(mongodb::bson::raw::cstr!("u"), row);
    Ok(statement)
}

async fn update(
    database: &Database,
    session: &mut ClientSession,
    collection: &str,
    statements: RawArrayBuf,
) -> mongodb::error::Result<()> {
    let mut command = RawDocumentBuf::try_from(&doc! { "update": collection, "ordered": true })?;
    command.append(mongodb::bson::raw::cstr!("updates"), statements);
    let answer = database.run_raw_command(command).session(session).await?;
    // A failed statement of a command that itself succeeded.
    if let Ok(errors) = answer.get_array("writeErrors") {
        return Err(Error::custom(format!("{errors:?}")));
    }
    Ok(())
}

#[async_trait]
impl ReadStore for MongoStore {
    fn generation(&self) -> &str {
        &self.name
    }

    async fn checkpoint(&self) -> Answer<Checkpoint> {
        checkpoint(&self.database).await
    }

    async fn counts(&self) -> Answer<Counts> {
        let count = async |collection: Collection| {
            let mut number = 0;
            for name in names_of(collection) {
                let documents = self.database.collection::<Bson>(name);
                number += documents.estimated_document_count().await.map_err(db_error)?;
            }
            Ok::<u64, StoreError>(number)
        };
        let mut erased = 0;
        for name in names_of(Collection::Users) {
            let called = doc! { "state.username": Username::deleted().as_str() };
            let documents = self.database.collection::<Bson>(name);
            erased += documents.count_documents(called).await.map_err(db_error)?;
        }
        Ok(Counts {
            users: count(Collection::Users).await?.saturating_sub(erased),
            rooms: count(Collection::Rooms).await?,
            messages: count(Collection::Messages).await?,
        })
    }
}

#[async_trait]
impl ProjectionStore for MongoStore {
    async fn load(&self, wants: Vec<Want>) -> Answer<Vec<Document>> {
        load(&self.database, wants).await
    }

    async fn commit_groups(
        &self,
        expected: Checkpoints,
        epoch: Epoch,
        next: Checkpoints,
        docs: Vec<Document>,
    ) -> Result<(), CommitError> {
        let (database, writer) = (&self.database, &self.writer);
        match commit(database, writer, expected, (&epoch, next), &docs).await {
            // Fenced twice with the checkpoint at the same place: the transaction of a writer that died holds it.
            Err(CommitError::Fenced) if writer.still_held(expected) => {
                writer.end_others(database).await.map_err(db_error)?;
                commit(database, writer, expected, (&epoch, next), &docs).await
            }
            done => done,
        }
    }

    async fn scan(
        &self,
        collection: Collection,
        after: Option<Key>,
        limit: usize,
    ) -> Answer<Vec<Document>> {
        scan(&self.database, collection, after.map(|key| key.to_string()), limit).await
    }

    async fn seal(&self) -> Answer<()> {
        schema::complete(&self.database).await.map_err(db_error)?;
        if !self.writer.is_sealed() {
            let at = checkpoint(&self.database).await?.groups.conversations;
            index::make(&self.database, at).await?;
        }
        // Acknowledged by a majority, and with it everything that was written before.
        let ready = doc! { "$set": { "ready": true } };
        self.entries.update_one(doc! { "_id": &self.name }, ready).await.map_err(db_error)?;
        self.writer.seal();
        Ok(())
    }

    async fn check_index(&self) -> Answer<IndexCheck> {
        self.check(self.checkpoint().await?.groups.conversations).await
    }

    async fn scrub(&self) -> Answer<()> {
        Ok(())
    }

    async fn set_retired(&self, retired: bool) -> Answer<Checkpoint> {
        set_retired(&self.database, retired).await
    }

    fn reader(self: Arc<Self>) -> Arc<dyn ReadStore> {
        self
    }
}
