//! Applies batches of events to one generation: load, project, commit.
//!
//! The engine trusts its memory between batches because the commit is conditional on the checkpoint being
//! where it left it; whenever that fails, or it is not known whether a commit happened, it forgets
//! everything and starts from what the store says. While one batch is being written the next can be
//! projected: what it needs is either in memory or was not touched by the batch that is under way.

mod loading;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use readmodel::{Checkpoints, CommitError, Group, ProjectionStore, StoreError};
use schemas::{Epoch, Sequence};
use tokio::task::JoinHandle;

use crate::error::{Poison, ProjectError, Stop};
use crate::source::Unreadable;
use crate::views::{self, Logged, Traced, Traces};
use crate::working_set::{KEPT, WorkingSet};

/// One generation being written.
#[derive(Debug)]
pub struct Engine {
    store: Arc<dyn ProjectionStore>,
    epoch: Epoch,
    /// What is committed.
    at: Checkpoints,
    /// What is projected; its commit may be under way.
    projected: Checkpoints,
    /// Groups that have stopped and apply nothing more.
    stops: Vec<Stop>,
    writing: Option<JoinHandle<Result<(), CommitError>>>,
    set: WorkingSet,
    /// How many documents of one table it keeps in memory.
    kept: usize,
}

/// What a batch did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// The number of documents written.
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

    /// The same, when the log is known to go on to `head`.
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
        let at = checkpoint.groups;
        let set = match at.most() {
            0 => WorkingSet::of_empty_generation(head),
            _ => WorkingSet::default(),
        };
        Ok(Self {
            store,
            epoch,
            at,
            projected: at,
            stops: Vec::new(),
            writing: None,
            set,
            kept: KEPT,
        })
    }

    /// The same, keeping so many documents of a table in memory.
    pub(crate) fn keeping(self, kept: usize) -> Self {
        Self { set: self.set.keeping(kept), kept, ..self }
    }

    /// The last event committed in all groups.
    pub fn at(&self) -> Sequence {
        self.at.least()
    }

    /// The last event committed in each group.
    pub const fn checkpoints(&self) -> Checkpoints {
        self.at
    }

    /// The last event applied in all groups that have not stopped; its commit may be under way.
    pub(crate) fn projected(&self) -> Sequence {
        let going: Vec<Group> =
            Group::ALL.into_iter().filter(|group| self.stop_of(*group).is_none()).collect();
        match going.as_slice() {
            [] => self.projected.most(),
            going => self.projected.least_of(going),
        }
    }

    /// Groups that have stopped, in the order in which they did.
    pub fn stops(&self) -> &[Stop] {
        &self.stops
    }

    fn stop_of(&self, group: Group) -> Option<Sequence> {
        let stop = self.stops.iter().find(|stop| stop.group == group);
        stop.map(|stop| stop.poison.sequence())
    }

    /// Whether a group has still to apply an event.
    fn applies(&self, group: Group, sequence: Sequence) -> bool {
        let before = self.stop_of(group).is_none_or(|stop| sequence < stop);
        before && sequence > self.projected.get(group)
    }

    /// The generation being written.
    pub fn store(&self) -> &Arc<dyn ProjectionStore> {
        &self.store
    }

    /// Applies events and moves the checkpoint to `through`, in one transaction. A group that cannot apply
    /// one stops before it ([`Engine::stops`]) and the others go on.
    ///
    /// # Errors
    /// [`ProjectError::Poison`] when every group has stopped; after [`ProjectError::Store`] it is not known
    /// whether the batch was committed: open another engine.
    pub async fn apply(
        &mut self,
        events: &[Logged],
        through: Sequence,
    ) -> Result<Applied, ProjectError> {
        let applied = self.stage(events, &[], through).await?;
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
        unreadable: &[Unreadable],
        through: Sequence,
    ) -> Result<Applied, ProjectError> {
        self.stop_before(unreadable);
        let applied = loop {
            match self.try_stage(events, unreadable, through).await? {
                Ok(applied) => break applied,
                Err(stop) => {
                    // What the event left half changed is thrown away with everything else in memory; the
                    // group takes the batch up to the event, the others take all of it.
                    self.settle().await?;
                    self.set = WorkingSet::default().keeping(self.kept);
                    self.stops.push(stop);
                }
            }
        };
        if Group::ALL.into_iter().all(|group| self.stop_of(group).is_some()) {
            self.settle().await?;
            if let Some(stop) = self.stops.first() {
                return Err(stop.poison.clone().into());
            }
        }
        Ok(applied)
    }

    /// Stops the groups that would have to apply what cannot be read.
    fn stop_before(&mut self, unreadable: &[Unreadable]) {
        for event in unreadable {
            let Some(source) = &event.source else { continue };
            for group in &event.groups {
                if self.applies(*group, event.sequence) && self.stop_of(*group).is_none() {
                    let (sequence, source) = (event.sequence, Arc::clone(source));
                    let poison = Poison::Undecodable { sequence, source };
                    self.stops.push(Stop { group: *group, poison });
                }
            }
        }
    }

    async fn try_stage(
        &mut self,
        events: &[Logged],
        unreadable: &[Unreadable],
        through: Sequence,
    ) -> Result<Result<Applied, Stop>, ProjectError> {
        let traces = self.traces(events, unreadable);
        if let Err(stop) = self.prepare(events, &traces).await? {
            return Ok(Err(stop));
        }
        for event in events {
            for group in views::groups_of(&event.event) {
                if !self.applies(*group, event.sequence) {
                    continue;
                }
                if let Err(poison) = project(event, *group, &mut self.set) {
                    return Ok(Err(self.stopped(*group, poison)));
                }
            }
        }
        for traces in traces {
            let sequence = traces.at;
            if let Err(not_loaded) = traces.apply(&mut self.set) {
                let poison = Poison::View { sequence, reason: not_loaded.to_string() };
                return Ok(Err(self.stopped(Group::Conversations, poison)));
            }
        }
        self.settle().await?;
        let docs = self.set.take_changed();
        let documents = docs.len();
        let next = self.next_checkpoints(through);
        if next != self.at {
            let (store, epoch, expected) = (Arc::clone(&self.store), self.epoch, self.at);
            let commit = async move { store.commit_groups(expected, epoch, next, docs).await };
            self.writing = Some(tokio::spawn(commit));
            self.projected = next;
        }
        self.set.turn();
        Ok(Ok(Applied { documents }))
    }

    /// What the audit trail finds these events by, as far as it has not got there.
    fn traces(&self, events: &[Logged], unreadable: &[Unreadable]) -> Vec<Traces> {
        let read = events.iter().map(|logged| (logged.sequence, Some(logged), None));
        let unread = unreadable.iter().map(|event| (event.sequence, None, event.traces.as_ref()));
        let coming = read.chain(unread);
        let coming = coming.filter(|(at, ..)| self.applies(Group::Conversations, *at));
        let mut traced = Traced::default();
        let traces = coming.filter_map(|(at, read, unread)| match read {
            Some(logged) => traced.next(&logged.event, at),
            None => unread.cloned(),
        });
        traces.collect()
    }

    /// A group that has stopped already fails on something earlier now: that is where it stops.
    fn stopped(&mut self, group: Group, poison: Poison) -> Stop {
        self.stops.retain(|stop| stop.group != group);
        Stop { group, poison }
    }

    /// Where the groups stand after everything up to `through`.
    fn next_checkpoints(&self, through: Sequence) -> Checkpoints {
        let mut next = self.projected;
        for group in Group::ALL {
            let to = match self.stop_of(group) {
                Some(stop) => through.min(stop.saturating_sub(1)),
                None => through,
            };
            next.set(group, to.max(next.get(group)));
        }
        next
    }

    /// Waits for the batch that is being written.
    ///
    /// # Errors
    /// [`ProjectError`]; as with [`Engine::apply`].
    pub(crate) async fn settle(&mut self) -> Result<(), ProjectError> {
        // Taken only when it has ended: a caller that is cancelled here finds it the next time.
        let Some(writing) = &mut self.writing else { return Ok(()) };
        let committed = match writing.await {
            Ok(committed) => committed,
            Err(ended) => Err(StoreError::Failed(Box::new(ended)).into()),
        };
        self.writing = None;
        if let Err(error) = committed {
            // Nothing in memory can be trusted now: another projector wrote, or it is not known
            // whether this one did.
            self.set = WorkingSet::default().keeping(self.kept);
            self.projected = self.at;
            return Err(error.into());
        }
        self.at = self.projected;
        Ok(())
    }
}

fn project(event: &Logged, group: Group, set: &mut WorkingSet) -> Result<(), Poison> {
    // A view that panics must not take the process with it, and must not be passed over either. What it
    // left half changed is thrown away with the whole set.
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        #[cfg(test)]
        crate::engine_tests::trip(event, group);
        views::project(event, group, set)
    }));
    let reason = match outcome {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(not_loaded)) => not_loaded.to_string(),
        Err(_) => "it panicked".to_owned(),
    };
    Err(Poison::View { sequence: event.sequence, reason })
}
