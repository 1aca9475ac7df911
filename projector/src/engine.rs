//! Applies batches of events to one generation: load, project, commit.
//!
//! The engine trusts its memory between batches because the commit is conditional on the checkpoint being
//! where it left it; whenever that fails, or it is not known whether a commit happened, it forgets
//! everything and starts from what the store says. While one batch is being written the next can be
//! projected: what it needs is either in memory or was not touched by the batch that is under way.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use readmodel::{Collection, CommitError, Doc, Key, ProjectionStore, StoreError, Want};
use schemas::{Epoch, Sequence};
use tokio::task::JoinHandle;

use crate::error::{Poison, ProjectError};
use crate::views::{self, Logged, Wants};
use crate::working_set::{NotLoaded, WorkingSet};

/// Documents asked of a store at once.
const LOAD_CHUNK: usize = 10_000;

/// One generation being written.
#[derive(Debug)]
pub struct Engine {
    store: Arc<dyn ProjectionStore>,
    epoch: Epoch,
    /// What is committed.
    at: Sequence,
    /// What is projected; its commit may be under way.
    projected: Sequence,
    writing: Option<JoinHandle<Result<(), CommitError>>>,
    set: WorkingSet,
}

/// What a batch did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// Documents written.
    pub documents: usize,
}

impl Engine {
    /// Goes on where a generation stands.
    ///
    /// # Errors
    /// [`ProjectError::OtherLog`] when the generation was made from another epoch,
    /// [`ProjectError::Retired`], [`ProjectError::Store`].
    pub async fn open(store: Arc<dyn ProjectionStore>, epoch: Epoch) -> Result<Self, ProjectError> {
        Self::open_for(store, epoch, 0).await
    }

    /// The same, when so many events are known to wait.
    pub(crate) async fn open_for(
        store: Arc<dyn ProjectionStore>,
        epoch: Epoch,
        head: Sequence,
    ) -> Result<Self, ProjectError> {
        let checkpoint = store.checkpoint().await?;
        if let Some(other) = checkpoint.epoch.filter(|other| *other != epoch) {
            return Err(ProjectError::OtherLog(format!("epoch {other}, not {epoch}")));
        }
        if checkpoint.retired {
            return Err(ProjectError::Retired);
        }
        let (at, set) = match checkpoint.sequence {
            0 => (0, WorkingSet::of_empty_generation(head)),
            at => (at, WorkingSet::default()),
        };
        Ok(Self { store, epoch, at, projected: at, writing: None, set })
    }

    /// The last event applied and committed.
    pub const fn at(&self) -> Sequence {
        self.at
    }

    /// The last event applied, whose commit may be under way.
    pub(crate) const fn projected(&self) -> Sequence {
        self.projected
    }

    /// The generation being written.
    pub fn store(&self) -> &Arc<dyn ProjectionStore> {
        &self.store
    }

    /// Applies events and moves the checkpoint to `through`, in one transaction. When an event cannot be
    /// projected, those before it are applied and committed, and the error names it.
    ///
    /// # Errors
    /// [`ProjectError`]; after [`ProjectError::Store`] it is not known whether the batch was committed:
    /// open another engine.
    pub async fn apply(
        &mut self,
        events: &[Logged],
        through: Sequence,
    ) -> Result<Applied, ProjectError> {
        let applied = self.stage(events, through).await?;
        self.settle().await?;
        Ok(applied)
    }

    /// As [`Engine::apply`], except that the batch is being written when it answers; the next call, or
    /// [`Engine::settle`], says how that went.
    ///
    /// # Errors
    /// As [`Engine::apply`], for this batch or the one before.
    pub(crate) async fn stage(
        &mut self,
        events: &[Logged],
        through: Sequence,
    ) -> Result<Applied, ProjectError> {
        match self.try_stage(events, through).await {
            Err(ProjectError::Poison(poison)) => {
                self.settle().await?;
                self.set = WorkingSet::default();
                let before = events.partition_point(|event| event.sequence < poison.sequence());
                if let Some(last) = events.get(..before).and_then(<[Logged]>::last) {
                    let last = last.sequence;
                    self.try_stage(events.get(..before).unwrap_or_default(), last).await?;
                    self.settle().await?;
                }
                Err(poison.into())
            }
            other => other,
        }
    }

    async fn try_stage(
        &mut self,
        events: &[Logged],
        through: Sequence,
    ) -> Result<Applied, ProjectError> {
        self.prepare(events).await?;
        for event in events {
            project(event, &mut self.set)?;
        }
        self.settle().await?;
        let docs = self.set.take_changed();
        let documents = docs.len();
        let (store, expected) = (Arc::clone(&self.store), self.at);
        let next = self.epoch.at(through);
        self.writing = Some(tokio::spawn(async move { store.commit(expected, next, docs).await }));
        self.projected = through;
        self.set.turn();
        Ok(Applied { documents })
    }

    /// Waits for the batch that is being written.
    ///
    /// # Errors
    /// [`ProjectError`]; as with [`Engine::apply`].
    pub(crate) async fn settle(&mut self) -> Result<(), ProjectError> {
        // Taken only when it has ended: whoever is cancelled here finds it the next time.
        let Some(writing) = &mut self.writing else { return Ok(()) };
        let committed = match writing.await {
            Ok(committed) => committed,
            Err(ended) => Err(StoreError::Failed(Box::new(ended)).into()),
        };
        self.writing = None;
        if let Err(error) = committed {
            // Nothing in memory can be trusted now: another projector wrote, or it is not known
            // whether this one did.
            self.set = WorkingSet::default();
            self.projected = self.at;
            return Err(error.into());
        }
        self.at = self.projected;
        Ok(())
    }

    /// Loads what the events touch.
    async fn prepare(&mut self, events: &[Logged]) -> Result<(), ProjectError> {
        self.load(vec![Want::Key(Key::Site)]).await?;
        let mut everyone =
            self.set.site().map_err(|error| bug(&error, self.projected + 1))?.everyone_rooms;
        everyone.extend(events.iter().filter_map(|e| views::everyone_room(&e.event)).cloned());
        let mut wants = Wants::of(&self.set);
        for event in events {
            views::needs(&event.event, &everyone, &mut wants);
        }
        let (wants, new, everybody) = wants.into_parts();
        for id in new {
            self.set.messages.learn(id, None);
        }
        self.load(wants).await?;
        if !everybody.is_empty() {
            self.load_everybody(&everybody).await?;
        }
        let mut further = Wants::of(&self.set);
        for event in events {
            views::needs_further(&event.event, &self.set, &mut further)
                .map_err(|error| bug(&error, event.sequence))?;
        }
        let (further, new, _) = further.into_parts();
        for id in new {
            self.set.messages.learn(id, None);
        }
        self.load(further).await
    }

    async fn load(&mut self, mut wants: Vec<Want>) -> Result<(), ProjectError> {
        wants.retain(|want| !self.set.knows(want));
        while !wants.is_empty() {
            let rest = wants.split_off(wants.len().min(LOAD_CHUNK));
            let found = self.store.load(wants.clone()).await?;
            self.set.learn(std::mem::replace(&mut wants, rest), found);
        }
        Ok(())
    }

    /// A room of everyone is made: whoever is registered belongs to it. This happens once in the life
    /// of an installation, usually before there is anybody.
    async fn load_everybody(&mut self, rooms: &[schemas::RoomId]) -> Result<(), ProjectError> {
        // Who registered in the batch that is under way must be found in the store.
        self.settle().await?;
        let mut everybody = std::collections::BTreeSet::new();
        let mut after = None;
        loop {
            let page = self.store.scan(Collection::Users, after.take(), LOAD_CHUNK).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.key());
            for doc in page {
                if let Doc::User(user) = doc {
                    everybody.insert(user.state.id.clone());
                }
            }
        }
        let mut wants = Vec::new();
        for room in rooms {
            let membership = |user: &schemas::UserId| Key::Membership(room.clone(), user.clone());
            wants.extend(everybody.iter().map(membership).map(Want::Key));
        }
        self.load(wants).await?;
        self.set.everybody = Some(everybody);
        Ok(())
    }
}

/// `needs` and the views disagree about what an event touches.
fn bug(error: &NotLoaded, sequence: Sequence) -> ProjectError {
    ProjectError::Poison(Poison::View { sequence, reason: error.to_string() })
}

fn project(event: &Logged, set: &mut WorkingSet) -> Result<(), Poison> {
    // A view that panics must not take the process with it, and must not be passed over either. What it
    // left half changed is thrown away with the whole set.
    let outcome = catch_unwind(AssertUnwindSafe(|| views::project(event, set)));
    let reason = match outcome {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(not_loaded)) => not_loaded.to_string(),
        Err(_) => "it panicked".to_owned(),
    };
    Err(Poison::View { sequence: event.sequence, reason })
}
