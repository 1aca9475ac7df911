//! Applies batches of events to one generation: load, project, commit.
//!
//! The engine trusts its memory between batches because the commit is conditional on the checkpoint being
//! where it left it; whenever that fails, or it is not known whether a commit happened, it forgets
//! everything and starts from what the store says.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use readmodel::{Collection, Doc, Key, ProjectionStore, Want};
use schemas::{Epoch, Sequence};

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
    at: Sequence,
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
        let checkpoint = store.checkpoint().await?;
        if let Some(other) = checkpoint.epoch.filter(|other| *other != epoch) {
            return Err(ProjectError::OtherLog(format!("epoch {other}, not {epoch}")));
        }
        if checkpoint.retired {
            return Err(ProjectError::Retired);
        }
        Ok(Self { store, epoch, at: checkpoint.sequence, set: WorkingSet::default() })
    }

    /// The last event applied and committed.
    pub const fn at(&self) -> Sequence {
        self.at
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
        match self.try_apply(events, through).await {
            Err(ProjectError::Poison(poison)) => {
                self.set = WorkingSet::default();
                let before = events.partition_point(|event| event.sequence < poison.sequence());
                if let Some(last) = events.get(..before).and_then(<[Logged]>::last) {
                    self.try_apply(events.get(..before).unwrap_or_default(), last.sequence).await?;
                }
                Err(poison.into())
            }
            other => other,
        }
    }

    async fn try_apply(
        &mut self,
        events: &[Logged],
        through: Sequence,
    ) -> Result<Applied, ProjectError> {
        self.prepare(events).await?;
        for event in events {
            project(event, &mut self.set)?;
        }
        let docs = self.set.take_changed();
        let documents = docs.len();
        self.commit(docs, through).await?;
        self.set.trim();
        Ok(Applied { documents })
    }

    async fn commit(&mut self, docs: Vec<Doc>, through: Sequence) -> Result<(), ProjectError> {
        let committed = self.store.commit(self.at, self.epoch.at(through), docs).await;
        if let Err(error) = committed {
            // Nothing in memory can be trusted now: another projector wrote, or it is not known
            // whether this one did.
            self.set = WorkingSet::default();
            return Err(error.into());
        }
        self.at = through;
        Ok(())
    }

    /// Loads what the events touch.
    async fn prepare(&mut self, events: &[Logged]) -> Result<(), ProjectError> {
        self.load([Want::Key(Key::Site)].into_iter().collect()).await?;
        let mut everyone =
            self.set.site().map_err(|error| bug(&error, self.at + 1))?.everyone_rooms;
        everyone.extend(events.iter().filter_map(|e| views::everyone_room(&e.event)).cloned());
        let mut wants = Wants::default();
        for event in events {
            views::needs(&event.event, &everyone, &mut wants);
        }
        if !wants.everybody.is_empty() {
            self.load_everybody(&mut wants).await?;
        }
        self.load(wants.wants.into_iter().collect()).await?;
        let mut further = Wants::default();
        for event in events {
            views::needs_further(&event.event, &self.set, &mut further)
                .map_err(|error| bug(&error, event.sequence))?;
        }
        self.load(further.wants.into_iter().collect()).await
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
    async fn load_everybody(&mut self, wants: &mut Wants) -> Result<(), ProjectError> {
        let mut everybody = std::collections::BTreeSet::new();
        let mut after = None;
        loop {
            let page = self.store.scan(Collection::Users, after.take(), LOAD_CHUNK).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.key());
            for doc in page {
                if let Doc::User(user) = doc {
                    everybody.insert(user.state.id);
                }
            }
        }
        for room in std::mem::take(&mut wants.everybody) {
            for user in &everybody {
                wants.membership(&room, user);
            }
        }
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
