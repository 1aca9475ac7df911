//! The projector's side: load, commit, scan.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use mongodb::bson::{Document, RawArrayBuf, RawDocumentBuf, doc};
use mongodb::error::{Error, UNKNOWN_TRANSACTION_COMMIT_RESULT};
use mongodb::{ClientSession, Database};
use schemas::position::{Epoch, Sequence};

use super::indexes::{CHECKPOINT, CHECKPOINT_ID};
use super::query::{find_raw, int};
use super::rows::{db_error, has_code, to_doc, to_row, unreadable};
use super::writer::Writer;
use crate::backend::client_hash;
use crate::docs::{Collection, Doc};
use crate::groups::{Group, Marks};
use crate::store::{Answer, Checkpoint, CommitError, StoreError, Want};

/// A document was changed by another transaction that is still open.
const WRITE_CONFLICT: i32 = 112;
/// Keys or hashes asked for in one query.
const ASKED: usize = 2000;
/// Updates in one command: at most so many, and so many bytes (the server takes 16 MiB).
const UPDATES: usize = 1000;
const UPDATE_BYTES: usize = 8 * 1024 * 1024;
/// Times the outcome of a commit is asked for when the answer got lost.
const COMMIT_TRIES: usize = 5;

pub(super) async fn checkpoint(database: &Database) -> Answer<Checkpoint> {
    let found = database.collection::<Document>(CHECKPOINT).find_one(doc! {}).await;
    let found = found.map_err(db_error)?;
    read_checkpoint(&found.ok_or_else(|| unreadable("no checkpoint"))?)
}

fn read_checkpoint(found: &Document) -> Answer<Checkpoint> {
    let epoch = found.get_str("epoch").ok().map(Epoch::parse).transpose().map_err(unreadable)?;
    let mark = |group: Group| {
        let sequence = found.get_i64(group.as_str()).map_err(unreadable)?;
        u64::try_from(sequence).map_err(unreadable)
    };
    let marks = Marks {
        conversations: mark(Group::Conversations)?,
        people: mark(Group::People)?,
        inbox: mark(Group::Inbox)?,
    };
    Ok(Checkpoint {
        epoch,
        sequence: marks.least(),
        marks,
        retired: found.get_bool("retired").map_err(unreadable)?,
    })
}

pub(super) async fn set_retired(database: &Database, retired: bool) -> Answer<Checkpoint> {
    let changed = database
        .collection::<Document>(CHECKPOINT)
        .find_one_and_update(doc! { "_id": CHECKPOINT_ID }, doc! { "$set": { "retired": retired } })
        .await;
    let before = changed.map_err(db_error)?.ok_or_else(|| unreadable("no checkpoint"))?;
    Ok(Checkpoint { retired, ..read_checkpoint(&before)? })
}

/// Asks every collection at once, each in as few queries as may be.
pub(super) async fn load(database: &Database, wants: Vec<Want>) -> Answer<Vec<Doc>> {
    let mut keys: BTreeMap<Collection, Vec<String>> = BTreeMap::new();
    let mut clients: Vec<i64> = Vec::new();
    for want in &wants {
        match want {
            Want::Key(key) => keys.entry(key.collection()).or_default().push(key.to_string()),
            Want::ClientId(room, sender, client_id) => {
                let hash = client_hash(room.as_str(), sender.as_str(), client_id.as_str());
                clients.push(hash);
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
    let asked = by_key.chain(by_client).map(|(collection, filter)| async move {
        let rows = find_raw(database, collection.as_str(), filter, doc! {}, usize::MAX).await?;
        rows.iter().map(|row| to_doc(collection, row)).collect::<Answer<Vec<Doc>>>()
    });
    // A collision of hashes may bring a message nobody asked for, which does no harm.
    Ok(try_join_all(asked).await?.into_iter().flatten().collect())
}

/// Documents in the order of their keys' text.
pub(super) async fn scan(
    database: &Database,
    collection: Collection,
    after: Option<String>,
    limit: usize,
) -> Answer<Vec<Doc>> {
    let filter = doc! { "_id": { "$gt": after.unwrap_or_default() } };
    let sort = doc! { "_id": 1 };
    let rows = find_raw(database, collection.as_str(), filter, sort, limit).await?;
    rows.iter().map(|row| to_doc(collection, row)).collect()
}

/// New documents and changed ones of one collection.
#[derive(Default)]
struct Writes {
    new: Vec<RawDocumentBuf>,
    changed: Vec<RawDocumentBuf>,
}

pub(super) async fn commit(
    database: &Database,
    writer: &Writer,
    expected: Marks,
    (epoch, next): (&Epoch, Marks),
    docs: &[Doc],
) -> Result<(), CommitError> {
    let mut writes: BTreeMap<Collection, Writes> = BTreeMap::new();
    for doc in docs {
        let writes = writes.entry(doc.key().collection()).or_default();
        let row = to_row(doc)?;
        if is_new(doc, expected.get(doc.key().collection().group())) {
            writes.new.push(row)
        } else {
            writes.changed.push(row)
        }
    }
    let mut session = writer.session(database).await.map_err(db_error)?;
    session.start_transaction().await.map_err(db_error)?;
    if let Err(error) = write_all(database, &mut session, expected, (epoch, next), writes).await {
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

/// Whether a document comes into being in this very batch. Inserting is cheaper than upserting; the
/// checkpoint's condition makes sure that no other writer has inserted it.
fn is_new(doc: &Doc, expected: Sequence) -> bool {
    match doc {
        Doc::Message(message) => message.posted > expected,
        Doc::Notification(entry) => entry.created > expected,
        Doc::User(user) => user.registered > expected,
        Doc::Room(_) | Doc::Membership(_) | Doc::Inbox(_) | Doc::Site(_) => false,
    }
}

async fn write_all(
    database: &Database,
    session: &mut ClientSession,
    expected: Marks,
    (epoch, next): (&Epoch, Marks),
    writes: BTreeMap<Collection, Writes>,
) -> Result<(), CommitError> {
    // First, so that of two projectors one is turned away before it has written anything.
    move_checkpoint(database, session, expected, (epoch, next)).await?;
    for (collection, writes) in writes {
        if !writes.new.is_empty() {
            let target = database.collection::<RawDocumentBuf>(collection.as_str());
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
    Ok(())
}

/// Whatever is wrong with building a command is a bug, not a state of the database.
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
    collection: Collection,
    statements: RawArrayBuf,
) -> mongodb::error::Result<()> {
    let mut command =
        RawDocumentBuf::try_from(&doc! { "update": collection.as_str(), "ordered": true })?;
    command.append(mongodb::bson::raw::cstr!("updates"), statements);
    let answer = database.run_raw_command(command).session(session).await?;
    // A failed statement of a command that itself succeeded.
    if let Ok(errors) = answer.get_array("writeErrors") {
        return Err(Error::custom(format!("{errors:?}")));
    }
    Ok(())
}

async fn move_checkpoint(
    database: &Database,
    session: &mut ClientSession,
    expected: Marks,
    (epoch, next): (&Epoch, Marks),
) -> Result<(), CommitError> {
    let epoch = epoch.as_str();
    let mut filter = doc! {
        "_id": CHECKPOINT_ID, "retired": false, "epoch": { "$in": [null, epoch] },
    };
    let mut moved = doc! { "epoch": epoch };
    for group in Group::ALL {
        filter.insert(group.as_str(), int(expected.get(group)));
        moved.insert(group.as_str(), int(next.get(group)));
    }
    let set = doc! { "$set": moved };
    let checkpoints = database.collection::<Document>(CHECKPOINT);
    match checkpoints.update_one(filter, set).session(&mut *session).await {
        Ok(done) if done.matched_count == 1 => return Ok(()),
        Ok(_) => {}
        Err(error) if has_code(&error, WRITE_CONFLICT) => return Err(CommitError::Fenced),
        Err(error) => return Err(CommitError::Store(db_error(error))),
    }
    let now = checkpoints.find_one(doc! {}).session(&mut *session).await.map_err(db_error)?;
    let now = read_checkpoint(&now.ok_or_else(|| unreadable("no checkpoint"))?)?;
    Err(if now.retired { CommitError::Retired } else { CommitError::Fenced })
}
