//! The projector's side of a generation's database.

use std::sync::Arc;

use async_trait::async_trait;
use mongodb::bson::doc;
use schemas::position::Epoch;

use super::rows::db_error;
use super::store::MongoStore;
use super::{indexes, write};
use crate::docs::{Collection, Doc, Key};
use crate::groups::Marks;
use crate::store::{Answer, Checkpoint, CommitError, ProjectionStore, ReadStore, Want};

#[async_trait]
impl ProjectionStore for MongoStore {
    async fn load(&self, wants: Vec<Want>) -> Answer<Vec<Doc>> {
        write::load(&self.database, wants).await
    }

    async fn commit_marks(
        &self,
        expected: Marks,
        epoch: Epoch,
        next: Marks,
        docs: Vec<Doc>,
    ) -> Result<(), CommitError> {
        let (database, writer) = (&self.database, &self.writer);
        match write::commit(database, writer, expected, (&epoch, next), &docs).await {
            // Fenced twice with the checkpoint where it was: a dead writer's transaction holds it.
            Err(CommitError::Fenced) if writer.still_held(expected) => {
                writer.end_others(database).await.map_err(db_error)?;
                write::commit(database, writer, expected, (&epoch, next), &docs).await
            }
            done => done,
        }
    }

    async fn scan(
        &self,
        collection: Collection,
        after: Option<Key>,
        limit: usize,
    ) -> Answer<Vec<Doc>> {
        write::scan(&self.database, collection, after.map(|key| key.to_string()), limit).await
    }

    async fn seal(&self) -> Answer<()> {
        indexes::complete(&self.database).await.map_err(db_error)?;
        // Acknowledged by a majority, and with it everything that was written before.
        let ready = doc! { "$set": { "ready": true } };
        let done = self.entries.update_one(doc! { "_id": &self.name }, ready).await;
        done.map(drop).map_err(db_error)
    }

    async fn set_retired(&self, retired: bool) -> Answer<Checkpoint> {
        write::set_retired(&self.database, retired).await
    }

    fn reader(self: Arc<Self>) -> Arc<dyn ReadStore> {
        self
    }
}
