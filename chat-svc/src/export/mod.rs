//! Copies of people's data: made in the background, kept for a week, and removed.
//!
//! One worker of all copies of this service does it, by a lease; another takes over when it dies. What is to be done
//! the read model says ([`readmodel::ExportDoc`]), and each step is decided by the lane of the person's exports, so that
//! it is done once, whichever worker does it: a file that was being made when its worker died is made anew, and what was written
//! of it is swept. The file is written as it is made ([`book`]): what the documents say of the person ([`contents`]),
//! then the log from their registration on ([`scan`]), which names their messages whatever rooms they are in, then
//! their media. Of each list a part is in memory, never the whole.

mod book;
mod contents;
mod making;
mod picked;
mod scan;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use blobs::BlobName;
use decider::{Call, Entity, Fact, Failure, load, record};
use schemas::commands::CallContext;
use schemas::events::ExportState;
use schemas::{EventData, Lane, Sequence, Timestamp, UserId};
use tokio::time::Instant;

use crate::auth::AuthService;
use crate::chat::Chat;
use crate::domain::export::{self, Due};
use crate::failure::Reason;
use crate::index::IndexError;
use crate::lease::Lease;
use crate::media::store_failed;
use crate::worker::Worker;
use making::Making;

/// How long a worker that died keeps its lease.
const LEASE_FOR: Duration = Duration::from_secs(15);
/// When one that failed is tried again, and at most, as the pauses grow.
const AGAIN: Duration = Duration::from_secs(2);
const AGAIN_AT_MOST: Duration = Duration::from_secs(300);
/// Exports looked at in one go.
const AT_ONCE: usize = 200;

/// The worker.
pub(crate) struct Exporter {
    chat: Arc<Chat>,
    auth: AuthService,
    lease: Lease,
    /// Those that failed: when they are tried again, and the pause before that.
    later: HashMap<UserId, (Instant, Duration)>,
}

/// People's newest exports. They are not remembered: each is asked for a few times.
struct Exports;
impl Entity for Exports {
    type Key = UserId;
    type State = ExportState;
    const NAME: &'static str = "export";
    fn lane(key: &UserId) -> Lane {
        Lane::Exports(key.clone())
    }
    fn after(event: &EventData) -> Option<ExportState> {
        event.export().cloned()
    }
}

impl Worker for Exporter {
    const WHAT: &'static str = "exports";

    async fn look(&mut self) -> Result<(), Failure> {
        let chat = Arc::clone(&self.chat);
        let Some(model) = chat.index.read_model() else { return Ok(()) };
        let due = model.current().exports_due(Timestamp::now(), AT_ONCE).await;
        let due = due.map_err(IndexError::from)?;
        self.later.retain(|user, _| due.iter().any(|doc| doc.user_id == *user));
        for doc in due {
            let user = doc.user_id;
            let waits = |(again, _): &(Instant, Duration)| *again > Instant::now();
            if self.later.get(&user).is_some_and(waits) {
                continue;
            }
            if !self.lease.hold().await {
                return Ok(());
            }
            match self.go_on(&user).await {
                // Another worker was first, or it is to be done no more: the read model will say so.
                Ok(()) | Err(Failure::Conflict) => {}
                Err(error) => {
                    tracing::warn!(user.id = %user, error = %Reason(&error), "an export does not go on");
                    self.put_off(user);
                }
            }
        }
        Ok(())
    }

    fn lease(&mut self) -> &mut Lease {
        &mut self.lease
    }
}

impl Exporter {
    pub(crate) fn new(chat: &Arc<Chat>, auth: AuthService) -> Self {
        let lease = Lease::of(chat.log.secrets("leases"), "exports", LEASE_FOR);
        Self { chat: Arc::clone(chat), auth, lease, later: HashMap::new() }
    }

    fn put_off(&mut self, user: UserId) {
        let pause =
            self.later.get(&user).map_or(AGAIN, |(_, pause)| (*pause * 2).min(AGAIN_AT_MOST));
        self.later.insert(user, (Instant::now() + pause, pause));
    }

    /// Does what is to be done with the export of a person, as the log has it.
    async fn go_on(&mut self, user: &UserId) -> Result<(), Failure> {
        let found = load::<Exports>(&self.chat.log, user).await?;
        let Some(state) = found.state else { return Ok(()) };
        match export::due(&state, Timestamp::now()) {
            Due::Make => self.make(&state, found.at).await,
            Due::Remove => {
                self.chat.remove_export(user).await?;
                self.write(export::expired(&state, found.at)).await
            }
            Due::Nothing => Ok(()),
        }
    }

    async fn make(&mut self, state: &ExportState, at: Sequence) -> Result<(), Failure> {
        let chat = Arc::clone(&self.chat);
        let Some(model) = chat.index.read_model() else { return Ok(()) };
        let begun = Making::begin(&chat, (model, &self.auth), (state, at), &mut self.lease).await?;
        let blob = begun.write().await?;
        let written = self.write(export::ready(state, at, blob.size, Timestamp::now())).await;
        match &written {
            Ok(()) => {
                tracing::info!(export.id = %state.id, bytes = blob.size, "an export is ready")
            }
            // It was withdrawn, or its person is being erased.
            Err(Failure::Conflict) => chat.remove_export(&state.user_id).await?,
            Err(_) => {}
        }
        written
    }

    async fn write(&self, fact: Fact) -> Result<(), Failure> {
        let call = Call::new("export", CallContext::default());
        record(&self.chat.log, &call, fact).await.map(drop)
    }
}

impl Chat {
    /// Removes the file of a person's export, if there is one.
    pub(crate) async fn remove_export(&self, user: &UserId) -> Result<(), Failure> {
        let name = BlobName::Export(user.clone());
        self.files.store.remove(&name).await.map_err(|error| store_failed(&error))
    }
}
