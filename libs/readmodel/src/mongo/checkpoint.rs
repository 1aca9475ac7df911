//! The checkpoint of a generation in MongoDB: read, moved, retired.

use mongodb::bson::{Document as Bson, doc};
use mongodb::{ClientSession, Collection, Database};
use schemas::position::Epoch;

use super::rows::{db_error, has_code, int, unreadable};
use crate::answers::Answer;
use crate::groups::{Checkpoint, Checkpoints, Group};
use crate::store::CommitError;

/// The collection of the checkpoint.
pub(super) const COLLECTION: &str = "checkpoint";
/// The key of its one document.
const ID: &str = "checkpoint";
/// MongoDB's code for a document that was changed by another transaction that is still open.
const WRITE_CONFLICT: i32 = 112;

fn documents(database: &Database) -> Collection<Bson> {
    database.collection(COLLECTION)
}

/// Writes the first checkpoint.
pub(super) async fn begin(database: &Database) -> mongodb::error::Result<()> {
    let mut start = doc! { "_id": ID, "epoch": null };
    for group in Group::ALL {
        start.insert(group.as_str(), 0_i64);
    }
    start.insert("retired", false);
    documents(database).insert_one(start).await.map(drop)
}

/// Where the generation stands.
pub(super) async fn checkpoint(database: &Database) -> Answer<Checkpoint> {
    let found = documents(database).find_one(doc! {}).await.map_err(db_error)?;
    read(&found.ok_or_else(|| unreadable("no checkpoint"))?)
}

fn read(found: &Bson) -> Answer<Checkpoint> {
    let epoch = found.get_str("epoch").ok().map(Epoch::parse).transpose().map_err(unreadable)?;
    let mut groups = Checkpoints::default();
    for group in Group::ALL {
        let sequence = found.get_i64(group.as_str()).map_err(unreadable)?;
        groups.set(group, u64::try_from(sequence).map_err(unreadable)?);
    }
    let retired = found.get_bool("retired").map_err(unreadable)?;
    Ok(Checkpoint { epoch, sequence: groups.least(), groups, retired })
}

/// Forbids or allows commits; answers with the checkpoint.
pub(super) async fn set_retired(database: &Database, retired: bool) -> Answer<Checkpoint> {
    let set = doc! { "$set": { "retired": retired } };
    let changed = documents(database).find_one_and_update(doc! { "_id": ID }, set).await;
    let before = changed.map_err(db_error)?.ok_or_else(|| unreadable("no checkpoint"))?;
    Ok(Checkpoint { retired, ..read(&before)? })
}

/// Moves the checkpoint in a transaction, if it stands at `expected` and the generation is not retired.
pub(super) async fn move_to(
    database: &Database,
    session: &mut ClientSession,
    expected: Checkpoints,
    (epoch, next): (&Epoch, Checkpoints),
) -> Result<(), CommitError> {
    let epoch = epoch.as_str();
    let mut filter = doc! {
        "_id": ID, "retired": false, "epoch": { "$in": [null, epoch] },
    };
    let mut moved = doc! { "epoch": epoch };
    for group in Group::ALL {
        filter.insert(group.as_str(), int(expected.get(group)));
        moved.insert(group.as_str(), int(next.get(group)));
    }
    let set = doc! { "$set": moved };
    let checkpoints = documents(database);
    match checkpoints.update_one(filter, set).session(&mut *session).await {
        Ok(done) if done.matched_count == 1 => return Ok(()),
        Ok(_) => {}
        Err(error) if has_code(&error, WRITE_CONFLICT) => return Err(CommitError::Fenced),
        Err(error) => return Err(CommitError::Store(db_error(error))),
    }
    let now = checkpoints.find_one(doc! {}).session(&mut *session).await.map_err(db_error)?;
    let now = read(&now.ok_or_else(|| unreadable("no checkpoint"))?)?;
    Err(if now.retired { CommitError::Retired } else { CommitError::Fenced })
}
