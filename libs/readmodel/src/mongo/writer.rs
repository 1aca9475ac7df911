//! The sessions in which a generation is written.
//!
//! A projector that is killed within a transaction leaves it open: the server ends it after a minute
//! (`transactionLifetimeLimitSeconds`), and until then no other projector can move the checkpoint. So a writer
//! announces the session it will write in, and a successor that finds the checkpoint held twice at the same
//! place ends the sessions of the others. That is always safe: a living writer merely finds its
//! transaction aborted, and the checkpoint decides which of them goes on.

use std::sync::atomic::{AtomicBool, Ordering};

use mongodb::bson::{Bson, Document, doc};
use mongodb::error::Result;
use mongodb::{ClientSession, Collection, Database};
use parking_lot::Mutex;

use crate::groups::Checkpoints;

const WRITERS: &str = "writers";

/// The session this process writes a generation in.
#[derive(Default)]
pub(super) struct Writer {
    session: Mutex<Option<ClientSession>>,
    /// Where the checkpoint was found held by another writer's transaction.
    held_at: Mutex<Option<Checkpoints>>,
    /// Whether the generation is sealed: what is written is indexed from then on.
    sealed: AtomicBool,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

impl Writer {
    /// For a generation that is sealed.
    pub(super) fn of_sealed() -> Self {
        Self { sealed: AtomicBool::new(true), ..Self::default() }
    }

    /// Takes note that the generation is sealed.
    pub(super) fn seal(&self) {
        self.sealed.store(true, Ordering::Release);
    }

    pub(super) fn is_sealed(&self) -> bool {
        self.sealed.load(Ordering::Acquire)
    }

    /// An announced session to write in.
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

    /// Notes that the checkpoint is held at a place; answers whether it was held there the last time, too.
    pub(super) fn still_held(&self, at: Checkpoints) -> bool {
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
