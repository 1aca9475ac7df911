//! Copies of people's data: made in the background, kept for a week, and removed.
//!
//! One worker of all copies of this service does it, by a lease; another takes over when it dies. It makes a few side by
//! side, so that a small one does not wait for a large one. What is to be done the read model says
//! ([`readmodel::ExportDoc`]), and each step is decided by the lane of the person's exports, so that it is done once,
//! whichever worker does it. The file is written as it is made ([`book`]): what the documents say of the person
//! ([`contents`]), then the log from their registration on ([`scan`]), which names their messages whatever rooms they
//! are in, then their media. Of each list a part is in memory, never the whole. Its progress is kept beside it
//! ([`draft`]): what was interrupted is resumed from there.
//!
//! Owns what is in an export. Files and fields may be added; those that are there keep their meaning, by the published schemas. It
//! must not know who may have one (auth-svc) or how it is downloaded (the gateway).

mod book;
mod contents;
mod draft;
mod making;
mod picked;
mod scan;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use blobs::BlobName;
use decider::{Call, Fact, Failure, load, record};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use readmodel::ReadModel;
use schemas::commands::CallContext;
use schemas::entities::Exports;
use schemas::events::{ExportStage, ExportState};
use schemas::{Sequence, Timestamp, UserId};
use service::BoxFuture;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use crate::auth::AuthService;
use crate::chat::Chat;
use crate::domain::export::{self, Due};
use crate::failure::Reason;
use crate::index::IndexError;
use crate::lease::Lease;
use crate::media::store_failed;
use crate::worker::Worker;
use draft::Draft;
use making::Making;

/// How long a worker that died keeps its lease.
const LEASE_FOR: Duration = Duration::from_secs(15);
/// When one that failed is tried again, and at most, as the pauses grow.
const AGAIN: Duration = Duration::from_secs(2);
const AGAIN_AT_MOST: Duration = Duration::from_secs(300);
/// Exports looked at in one go.
const AT_ONCE: usize = 200;
/// Exports that are made at the same time: each holds some mebibytes, and reads the log.
const SIDE_BY_SIDE: usize = 3;
/// How often is looked for others while some are made.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The worker.
pub(crate) struct Exporter {
    chat: Arc<Chat>,
    auth: AuthService,
    lease: Mutex<Lease>,
    /// Those that failed: when they are tried again, and the pause before that.
    later: HashMap<UserId, (Instant, Duration)>,
}

/// What the work on an export needs.
#[derive(Clone, Copy)]
struct Maker<'a> {
    chat: &'a Chat,
    auth: &'a AuthService,
    model: &'a ReadModel,
    lease: &'a Mutex<Lease>,
}

/// What became of the work on the export of a person.
type Outcome = (UserId, Result<(), Failure>);

impl Worker for Exporter {
    const WHAT: &'static str = "exports";

    async fn look(&mut self) -> Result<(), Failure> {
        let (chat, auth, lease) = (&*self.chat, &self.auth, &self.lease);
        let Some(model) = chat.index.read_model() else { return Ok(()) };
        let maker = Maker { chat, auth, model, lease };
        let (mut working, mut work) = (HashSet::new(), FuturesUnordered::new());
        loop {
            let (due, ended) = meanwhile(maker.due(&working, &mut self.later), &mut work).await;
            settle(ended, &mut working, &mut self.later);
            for user in due? {
                working.insert(user);
                work.push(Box::pin(maker.go_on(user)) as BoxFuture<'_, Outcome>);
            }
            if work.is_empty() {
                return Ok(());
            }
            // The read model is not asked more often, however soon they end: it may not know yet that they have.
            let ((), ended) = meanwhile(sleep(LOOK_EVERY), &mut work).await;
            settle(ended, &mut working, &mut self.later);
        }
    }

    fn lease(&mut self) -> &mut Lease {
        self.lease.get_mut()
    }
}

impl Exporter {
    pub(crate) fn new(chat: &Arc<Chat>, auth: AuthService) -> Self {
        let lease = Lease::of(chat.log.secrets("leases"), "exports", LEASE_FOR);
        let lease = Mutex::new(lease);
        Self { chat: Arc::clone(chat), auth, lease, later: HashMap::new() }
    }
}

/// Waits for something while exports are worked on, and which of those ended.
async fn meanwhile<T>(
    wanted: impl Future<Output = T>,
    work: &mut FuturesUnordered<BoxFuture<'_, Outcome>>,
) -> (T, Vec<Outcome>) {
    tokio::pin!(wanted);
    let mut ended = Vec::new();
    loop {
        tokio::select! {
            done = &mut wanted => return (done, ended),
            Some(outcome) = work.next() => ended.push(outcome),
        }
    }
}

/// Notes which are not worked on any more, and when those that failed are tried again.
fn settle(
    ended: Vec<Outcome>,
    working: &mut HashSet<UserId>,
    later: &mut HashMap<UserId, (Instant, Duration)>,
) {
    for (user, outcome) in ended {
        working.remove(&user);
        match outcome {
            // Another worker was first, or it is to be done no more: the read model will say so.
            Ok(()) | Err(Failure::Conflict) => {}
            Err(error) => {
                tracing::warn!(user.id = %user, error = %Reason(&error), "an export does not go on");
                let pause =
                    later.get(&user).map_or(AGAIN, |(_, pause)| (*pause * 2).min(AGAIN_AT_MOST));
                later.insert(user, (Instant::now() + pause, pause));
            }
        }
    }
}

impl Maker<'_> {
    /// Whose exports are to be worked on now, besides those that are: as many as there is room for. None without the lease.
    async fn due(
        self,
        working: &HashSet<UserId>,
        later: &mut HashMap<UserId, (Instant, Duration)>,
    ) -> Result<Vec<UserId>, Failure> {
        let room = SIDE_BY_SIDE.saturating_sub(working.len());
        if room == 0 {
            return Ok(Vec::new());
        }
        let due = self.model.current().exports_due(Timestamp::now(), AT_ONCE).await;
        let due = match due.map_err(IndexError::from) {
            Ok(due) => due,
            // Those that are under way go on.
            Err(error) if working.is_empty() => return Err(error.into()),
            Err(_) => return Ok(Vec::new()),
        };
        later.retain(|user, _| due.iter().any(|doc| doc.user_id == *user));
        let now = Instant::now();
        let waits = |user: &UserId| later.get(user).is_some_and(|(again, _)| *again > now);
        let due = due.into_iter().map(|doc| doc.user_id);
        let due = due.filter(|user| !working.contains(user) && !waits(user));
        let due: Vec<UserId> = due.take(room).collect();
        if due.is_empty() || self.lease.lock().await.hold().await {
            return Ok(due);
        }
        Ok(Vec::new())
    }

    /// Does what is to be done with the export of a person, as the log has it.
    async fn go_on(self, user: UserId) -> Outcome {
        let done = self.try_to_go_on(&user).await;
        (user, done)
    }

    async fn try_to_go_on(self, user: &UserId) -> Result<(), Failure> {
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

    async fn make(self, state: &ExportState, at: Sequence) -> Result<(), Failure> {
        let made = self.try_to_make(state, at).await;
        match &made {
            // The draft is of no use any more; what is left of it goes with the file.
            Ok(()) => self.chat.remove_draft(&state.user_id).await?,
            // It was withdrawn, or its person is being erased.
            Err(Failure::Conflict) => self.clear(state).await?,
            Err(_) => {}
        }
        made
    }

    async fn try_to_make(self, state: &ExportState, at: Sequence) -> Result<(), Failure> {
        let Self { chat, auth, model, lease } = self;
        let making = Making::begin(chat, (model, auth), (state, at), lease).await?;
        let blob = making.write().await?;
        self.write(export::ready(state, at, blob.size, Timestamp::now())).await?;
        tracing::info!(export.id = %state.id, bytes = blob.size, "an export is ready");
        Ok(())
    }

    /// Removes what was made of an export that is not wanted any more; not what another worker has made ready meanwhile, nor
    /// what belongs to the one that was asked for next.
    async fn clear(self, state: &ExportState) -> Result<(), Failure> {
        let now = load::<Exports>(&self.chat.log, &state.user_id).await?.state;
        let wanted = now.is_some_and(|now| now.id != state.id || now.stage == ExportStage::Ready);
        if wanted { Ok(()) } else { self.chat.remove_export(&state.user_id).await }
    }

    async fn write(self, fact: Fact) -> Result<(), Failure> {
        let call = Call::new("export", CallContext::default());
        record(&self.chat.log, &call, fact).await.map(drop)
    }
}

impl Chat {
    /// Removes the file of a person's export, if there is one, finished or not.
    pub(crate) async fn remove_export(&self, user: &UserId) -> Result<(), Failure> {
        let (store, name) = (self.files.store.as_ref(), BlobName::Export(*user));
        if let Some(draft) = Draft::read(store, user).await? {
            let discarded = store.discard(&name, draft.upload()).await;
            discarded.map_err(|error| store_failed(&error))?;
        }
        store.remove(&name).await.map_err(|error| store_failed(&error))?;
        self.remove_draft(user).await
    }

    async fn remove_draft(&self, user: &UserId) -> Result<(), Failure> {
        let name = BlobName::ExportDraft(*user);
        self.files.store.remove(&name).await.map_err(|error| store_failed(&error))
    }
}
