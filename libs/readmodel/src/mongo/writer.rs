//! In whose sessions a generation is written.
//!
//! A projector that is killed within a transaction leaves it open: the server ends it after a minute
//! (`transactionLifetimeLimitSeconds`), and until then nobody else can move the checkpoint. So a writer says
//! beforehand in which session it will write, and a successor that finds the checkpoint held twice at the same
//! place ends the sessions of the others. That is always safe: a living writer merely finds its
//! transaction aborted, and the checkpoint decides who goes on.

use mongodb::bson::{Bson, Document, doc};
use mongodb::error::Result;
use mongodb::{ClientSession, Collection, Database};
use parking_lot::Mutex;

use crate::groups::Marks;

const WRITERS: &str = "writers";

/// The session this process writes a generation in.
#[derive(Default)]
pub(super) struct Writer {
    session: Mutex<Option<ClientSession>>,
    /// Where the checkpoint was found held by somebody else's transaction.
    held_at: Mutex<Option<Marks>>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

impl Writer {
    /// A session in which to write, announced.
    pub(super) async fn session(&self, database: &Database) -> Result<ClientSession> {
        if let Some(session) = self.session.lock().take() {
            return Ok(session);
        }
        let session = database.client().start_session().await?;
        if let Some(id) = session.id().get("id") {
            let announced = doc! { "$currentDate": { "at": true } };
            writers(database).update_one(doc! { "_id": id }, announced).upsert(true).await?;
        }
        Ok(session)
    }

    /// Keeps a session whose transaction was committed for the next one. One that failed is not kept.
    pub(super) fn committed(&self, session: ClientSession) {
        *self.session.lock() = Some(session);
        *self.held_at.lock() = None;
    }

    /// Notes that the checkpoint is held at a place; whether it was when last looked at.
    pub(super) fn still_held(&self, at: Marks) -> bool {
        self.held_at.lock().replace(at) == Some(at)
    }

    /// Ends the sessions of all other writers, and with them the transactions they left open.
    pub(super) async fn end_others(&self, database: &Database) -> Result<()> {
        let own = self.session.lock().as_ref().and_then(|own| own.id().get("id").cloned());
        let others = writers(database).distinct("_id", doc! { "_id": { "$ne": own } }).await?;
        if others.is_empty() {
            return Ok(());
        }
        let sessions: Vec<Bson> = others.iter().map(|id| doc! { "id": id }.into()).collect();
        tracing::warn!(sessions = sessions.len(), "ending transactions that others left open");
        database.client().database("admin").run_command(doc! { "killSessions": sessions }).await?;
        writers(database).delete_many(doc! { "_id": { "$in": others } }).await?;
        Ok(())
    }
}

fn writers(database: &Database) -> Collection<Document> {
    database.collection(WRITERS)
}

#[cfg(test)]
mod tests {
    use schemas::{Epoch, Namespace};

    use super::*;
    use crate::mongo::Databases;
    use crate::mongo::tests::replica_set;
    use crate::{CommitError, ReadModel, ReadModelUrl};

    /// Leaves a transaction open that has moved the checkpoint, as a process does that is killed.
    async fn dies_within_a_transaction(database: &Database) {
        let writer = Writer::default();
        let mut session = writer.session(database).await.unwrap();
        session.start_transaction().await.unwrap();
        let moved = doc! { "$set": { "people": 7_i64 } };
        let checkpoints = database.collection::<Document>("checkpoint");
        checkpoints.update_one(doc! {}, moved).session(&mut session).await.unwrap();
        // Dropping it would abort the transaction.
        std::mem::forget(session);
    }

    #[tokio::test]
    async fn a_dead_writers_transaction_is_ended_by_its_successor() {
        let Some(server) = replica_set().await else { return };
        let namespace = Namespace::parse("writers").unwrap();
        let url = ReadModelUrl::Mongo(server.url());
        let model = ReadModel::open(&url, &namespace).await.unwrap();
        let databases = Databases::open(&server.url(), &namespace).await.unwrap();
        dies_within_a_transaction(&databases.database(&model.generation())).await;

        let store = model.writer();
        let next = Epoch::parse("e1").unwrap().at(3);
        let first = store.commit(0, next.clone(), Vec::new()).await;
        assert!(
            matches!(first, Err(CommitError::Fenced)),
            "a living writer is left alone: {first:?}"
        );
        // It stood still: the successor's second try.
        store.commit(0, next, Vec::new()).await.unwrap();
        assert_eq!(store.checkpoint().await.unwrap().sequence, 3);
        let next = Epoch::parse("e1").unwrap().at(4);
        store.commit(3, next, Vec::new()).await.unwrap();
    }
}
