//! The handle that follows the live generation, and waits until it has projected a position.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::future::BoxFuture;
use parking_lot::RwLock;
use schemas::Namespace;
use schemas::position::Sequence;
use tokio::sync::{Notify, OnceCell, watch};
use tokio::time::Instant;

use crate::answers::{Answer, StoreError};
use crate::backend::{Backend, Durability, generation_number, valid_snapshot_name};
use crate::groups::{Checkpoints, Group, Stops};
use crate::opening;
use crate::side::SideStore;
use crate::store::{ProjectionStore, ReadStore};
use crate::url::ReadModelUrl;

/// How often the pointer is read, so that a switch made by another process is noticed.
const FOLLOW_EVERY: Duration = Duration::from_millis(500);
/// The longest pause between looks at the pointer that fail; it doubles with each.
const FOLLOW_SELDOM: Duration = Duration::from_secs(5);
/// How long a waiting read relies on published checkpoints before it asks the store.
const POLL_EVERY: Duration = Duration::from_millis(60);

/// Bytes of pages SQLite keeps in memory unless set otherwise.
const PAGES: u64 = 128 * 1024 * 1024;

/// The read model did not reach a sequence in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the read model has not got there yet")]
pub struct Lagging {
    /// The sequence it has reached.
    pub at: Sequence,
}

/// The read model of a namespace. Cheap to clone; all clones see the same live generation.
#[derive(Debug, Clone)]
pub struct ReadModel(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    backend: Arc<dyn Backend>,
    live: RwLock<Live>,
    /// How far the live generation is known to be. Lags behind the truth, never ahead of it.
    known: watch::Sender<Known>,
    /// Wakes the follower when another generation has been announced.
    heard: Notify,
    /// What is kept beside all generations, once it was needed.
    side: OnceCell<Arc<dyn SideStore>>,
}

/// What is known of how far the live generation is, and how far it will get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Known {
    checkpoints: Checkpoints,
    stops: Stops,
}

#[derive(Debug, Clone)]
struct Live {
    name: String,
    store: Arc<dyn ProjectionStore>,
}

impl ReadModel {
    /// Opens the read model and creates an empty first generation when there is none. Must be called in a
    /// Tokio runtime: a task follows the live generation until the last clone is dropped.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be reached or holds another namespace's read model.
    pub async fn open(url: &ReadModelUrl, namespace: &Namespace) -> Answer<Self> {
        Self::open_with(url, namespace, PAGES).await
    }

    /// The same, of which SQLite keeps so many bytes of pages in memory for each open generation.
    ///
    /// # Errors
    /// As [`ReadModel::open`].
    pub fn open_with<'a>(
        url: &'a ReadModelUrl,
        namespace: &'a Namespace,
        pages: u64,
    ) -> BoxFuture<'a, Answer<Self>> {
        // Boxed here, so that its code is generated in this crate and not in each that calls it.
        Box::pin(async move {
            let backend = opening::backend(url, namespace, pages).await?;
            let store = opening::live_or_first(backend.as_ref()).await?;
            Self::of(backend, store).await
        })
    }

    /// The same, but makes nothing: none when there is no live generation, or nothing has been projected into it. For those
    /// who compare it, to whom an empty one that they have just made themselves would say nothing.
    ///
    /// # Errors
    /// As [`ReadModel::open`].
    pub fn open_built<'a>(
        url: &'a ReadModelUrl,
        namespace: &'a Namespace,
        pages: u64,
    ) -> BoxFuture<'a, Answer<Option<Self>>> {
        Box::pin(async move {
            let Some((backend, store)) = opening::built(url, namespace, pages).await? else {
                return Ok(None);
            };
            Self::of(backend, store).await.map(Some)
        })
    }

    async fn of(backend: Arc<dyn Backend>, store: Arc<dyn ProjectionStore>) -> Answer<Self> {
        let at = store.checkpoint().await?.groups;
        let live = Live { name: store.generation().to_owned(), store };
        let inner = Arc::new(Inner {
            backend,
            live: RwLock::new(live),
            known: watch::Sender::new(Known { checkpoints: at, stops: Stops::default() }),
            heard: Notify::new(),
            side: OnceCell::new(),
        });
        tokio::spawn(follow(Arc::downgrade(&inner)));
        Ok(Self(inner))
    }

    /// The query side of the live generation. Get it again for every request: after a rebuild the old
    /// one answers for a few seconds more and is then deleted.
    #[must_use]
    pub fn current(&self) -> Arc<dyn ReadStore> {
        Arc::clone(&self.0.live.read().store).reader()
    }

    /// The projector's side of the live generation. Only the projector may write.
    #[must_use]
    pub fn writer(&self) -> Arc<dyn ProjectionStore> {
        Arc::clone(&self.0.live.read().store)
    }

    /// The name of the live generation.
    #[must_use]
    pub fn generation(&self) -> String {
        self.0.live.read().name.clone()
    }

    /// How far all groups of the live generation are known to be; they may be further.
    #[must_use]
    pub fn known_checkpoint(&self) -> Sequence {
        self.known_checkpoints().least()
    }

    /// How far each group of the live generation is known to be; it may be further.
    #[must_use]
    pub fn known_checkpoints(&self) -> Checkpoints {
        self.0.known.borrow().checkpoints
    }

    /// Takes note that all groups of a generation have projected up to a sequence.
    pub fn note_checkpoint(&self, sequence: Sequence, generation: &str) {
        self.note_checkpoints(Checkpoints::all(sequence), generation);
    }

    /// Takes note of how far the groups of a generation are, as its projector has published.
    pub fn note_checkpoints(&self, checkpoints: Checkpoints, generation: &str) {
        let live = self.0.live.read();
        if live.name == generation {
            self.0.raise(&checkpoints);
        } else {
            self.0.heard.notify_one();
        }
    }

    /// Takes note of which groups of a generation have stopped, as its projector has published; the others
    /// go on.
    pub fn note_stops(&self, stops: Stops, generation: &str) {
        let live = self.0.live.read();
        if live.name == generation {
            self.0
                .known
                .send_if_modified(|known| std::mem::replace(&mut known.stops, stops) != stops);
        }
    }

    /// Waits until all groups of the live generation have projected a sequence, so that a client reads what it
    /// wrote.
    ///
    /// # Errors
    /// [`Lagging`] when it takes longer than `timeout`.
    pub async fn wait_for(&self, sequence: Sequence, timeout: Duration) -> Result<(), Lagging> {
        self.wait_for_groups(&Group::ALL, sequence, timeout).await
    }

    /// Waits only for the groups an answer is made of: another one may have stopped.
    ///
    /// # Errors
    /// [`Lagging`] when it takes longer than `timeout`, and at once when one of these groups has stopped before
    /// the sequence.
    pub async fn wait_for_groups(
        &self,
        groups: &[Group],
        sequence: Sequence,
        timeout: Duration,
    ) -> Result<(), Lagging> {
        let deadline = Instant::now() + timeout;
        let mut known = self.0.known.subscribe();
        loop {
            let now = *known.borrow_and_update();
            let at = now.checkpoints.least_of(groups);
            if at >= sequence {
                return Ok(());
            }
            if now.stops.keep_from(groups, sequence) {
                return Err(Lagging { at });
            }
            let poll_at = (Instant::now() + POLL_EVERY).min(deadline);
            if let Ok(Ok(())) = tokio::time::timeout_at(poll_at, known.changed()).await {
                continue;
            }
            self.0.ask().await;
            let at = known.borrow().checkpoints.least_of(groups);
            if at < sequence && Instant::now() >= deadline {
                return Err(Lagging { at });
            }
        }
    }

    /// What is kept beside the log and beside all generations. Opened when it is first asked for.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be opened; ask again.
    pub async fn side(&self) -> Answer<Arc<dyn SideStore>> {
        self.0.side.get_or_try_init(|| self.0.backend.side()).await.map(Arc::clone)
    }

    /// Reads the pointer now and follows it to the generation it names.
    ///
    /// # Errors
    /// [`StoreError`] when the pointer or the generation cannot be read.
    pub async fn refresh(&self) -> Answer<()> {
        self.0.refresh().await
    }

    /// Creates an empty generation beside the live one, to be filled, sealed and switched to.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be created.
    pub async fn create_generation(&self) -> Answer<Arc<dyn ProjectionStore>> {
        opening::create_next(self.0.backend.as_ref(), Durability::AtSeal).await
    }

    /// Creates an empty generation under a name of its own, which is never switched to: a snapshot of the
    /// past, to be sealed, or a copy to compare with.
    ///
    /// # Errors
    /// [`StoreError::Failed`] when the name is taken or is not 1 to 28 characters of `[a-z0-9-]`.
    pub async fn create_snapshot(&self, name: &str) -> Answer<Arc<dyn ProjectionStore>> {
        if !valid_snapshot_name(name) {
            return Err(StoreError::Failed("not a name for a snapshot".into()));
        }
        let made = self.0.backend.create(name, Durability::AtSeal).await?;
        made.ok_or_else(|| StoreError::Failed(format!("there is a snapshot {name} already").into()))
    }

    /// Opens any generation or snapshot by name; none when it does not exist.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub async fn open_generation(&self, name: &str) -> Answer<Option<Arc<dyn ProjectionStore>>> {
        self.0.backend.open(name).await
    }

    /// The names of all generations and snapshots.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be listed.
    pub async fn generations(&self) -> Answer<Vec<String>> {
        self.0.backend.list().await
    }

    /// The names of the generations that were begun before this one; of these no snapshots.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be listed.
    pub async fn generations_before(&self, name: &str) -> Answer<Vec<String>> {
        let Some(number) = generation_number(name) else { return Ok(Vec::new()) };
        let mut names = self.0.backend.list().await?;
        names.retain(|name| generation_number(name).is_some_and(|earlier| earlier < number));
        Ok(names)
    }

    /// Where an operator finds a generation or snapshot: a file or the name of a database.
    #[must_use]
    pub fn location(&self, name: &str) -> String {
        self.0.backend.location(name)
    }

    /// Makes `to` the live generation, everywhere, if `from` is live now. False when another one is.
    ///
    /// # Errors
    /// [`StoreError`] when the pointer cannot be written.
    pub async fn switch(&self, from: &str, to: &str) -> Answer<bool> {
        let switched = self.0.backend.switch(Some(from), to).await?;
        self.0.refresh().await?;
        Ok(switched)
    }

    /// Deletes a generation or snapshot. The live one is not deleted.
    ///
    /// # Errors
    /// [`StoreError::Failed`] for the live generation, otherwise when it cannot be deleted.
    pub async fn delete(&self, name: &str) -> Answer<()> {
        if self.0.backend.pointer().await?.as_deref() == Some(name) {
            return Err(StoreError::Failed("the live generation is not deleted".into()));
        }
        self.0.backend.delete(name).await
    }
}

impl Inner {
    fn raise(&self, checkpoints: &Checkpoints) {
        self.known.send_if_modified(|known| {
            let joined = known.checkpoints.joined(checkpoints);
            std::mem::replace(&mut known.checkpoints, joined) != joined
        });
    }

    /// Asks the store itself how far it is. When that fails, the caller goes on waiting.
    async fn ask(&self) {
        let live = self.live.read().clone();
        if let Ok(checkpoint) = live.store.checkpoint().await
            && self.live.read().name == live.name
        {
            self.raise(&checkpoint.groups);
        }
    }

    async fn refresh(&self) -> Answer<()> {
        let Some(name) = self.backend.pointer().await? else { return Ok(()) };
        if self.live.read().name == name {
            return Ok(());
        }
        let Some(store) = self.backend.open(&name).await? else { return Ok(()) };
        let at = store.checkpoint().await?.groups;
        let mut live = self.live.write();
        if live.name != name {
            tracing::info!(
                generation.old = live.name,
                generation.new = name,
                event.seq = at.least(),
                "read model switched"
            );
            *live = Live { name, store };
            self.known.send_replace(Known { checkpoints: at, stops: Stops::default() });
        }
        Ok(())
    }
}

async fn follow(inner: Weak<Inner>) {
    let mut pause = FOLLOW_EVERY;
    loop {
        tokio::time::sleep(pause.saturating_sub(FOLLOW_EVERY)).await;
        let Some(strong) = inner.upgrade() else { return };
        let heard = tokio::time::timeout(FOLLOW_EVERY, strong.heard.notified()).await;
        pause = match strong.refresh().await {
            Ok(()) => FOLLOW_EVERY,
            Err(error) => {
                tracing::warn!(error = %error, heard = heard.is_ok(), "cannot look for the live generation");
                (pause * 2).min(FOLLOW_SELDOM)
            }
        };
        // A generation that is heard of but not pointed at yet must not make this a busy loop.
        if heard.is_ok() {
            tokio::time::sleep(POLL_EVERY).await;
        }
    }
}
