//! How a socket comes to hear what happens: first what it missed, then everything as it comes, without a
//! hole and without a repetition in between.
//!
//! There is no buffer per socket for the hand-over. A socket reads the hub's memory from its place on, and
//! is attached under the same lock under which it finds that it has read everything: the memory is the
//! buffer.
//! A socket that resumes is not attached while it is sent what it missed: what happens meanwhile is read from the
//! memory when its turn comes, in the log's order.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use readmodel::{Document, Group, Key, Lagging, StoreError, Want};
use schemas::frames::{CloseCode, ServerFrame};
use schemas::{Position, RoomId, Sequence, UserId};

use super::budget::Sent;
use super::hub::{Hub, Inner};
use super::outbox::Outbox;
use super::plan::Plan;
use super::wire;

/// How long a new socket waits for the read model to reach the place it begins at.
const PATIENCE: Duration = Duration::from_secs(2);
/// A resume sends at most this many changes, and about so many bytes.
pub(crate) const MAX_CHANGES: usize = 10_000;
pub(crate) const MAX_BYTES: usize = 8 * 1024 * 1024;

/// Why a socket cannot join.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// The read model is behind or cannot be read: try again.
    #[error("the read model does not answer")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The socket was closed meanwhile.
    #[error("the socket has gone")]
    Gone,
}

impl From<StoreError> for JoinError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.into())
    }
}

/// A socket about to join, in the place it was given.
#[derive(Clone)]
pub(crate) struct Joining {
    pub(crate) hub: Hub,
    pub(crate) user: UserId,
    pub(crate) outbox: Arc<Outbox>,
}

/// How a socket begins.
pub(crate) enum Start {
    /// With what it missed.
    Resume(Plan),
    /// With what it missed lost to it; why.
    Reset(&'static str),
}

impl Joining {
    /// Welcomes the socket, sends what it missed and attaches it. `welcome` makes the frame from the position
    /// and whether a resume is under way.
    pub(crate) async fn join(
        &self,
        resume: Option<Position>,
        welcome: impl AsyncFnOnce(Position, bool) -> ServerFrame,
    ) -> Result<(), JoinError> {
        self.admit().await?;
        let epoch = &self.hub.inner.epoch;
        let mut lost = None;
        if let Some(position) = resume {
            match self.resume_from(position).await? {
                Start::Resume(plan) => {
                    let welcome = welcome(epoch.at(plan.after), true).await;
                    self.push(wire::frame(&welcome))?;
                    return self.catch_up(plan, true).await;
                }
                Start::Reset(reason) => lost = Some(reason),
            }
        }
        let (from, behind) = self.fresh().await?;
        let welcome = welcome(epoch.at(from), false).await;
        self.push(wire::frame(&welcome))?;
        if let Some(reason) = lost.or(behind) {
            self.reset(reason)?;
        }
        self.catch_up(Plan::new(from, from, Vec::new()), false).await
    }

    /// Resumes a socket that is attached already: it hears nothing until it has been sent everything since
    /// `position`, in order.
    pub(crate) async fn resume_attached(&self, position: Position) -> Result<(), JoinError> {
        let from = {
            let mut state = self.hub.inner.state.lock();
            state.routing.detach(&self.user, self.outbox.id());
            state.head
        };
        let go_on = Plan::new(from, from, Vec::new());
        match self.resume_from(position).await {
            Ok(Start::Resume(plan)) => self.catch_up(plan, true).await,
            Ok(Start::Reset(reason)) => {
                // What the client loads anew is to hold everything up to where it goes on.
                let behind = self.read_model_reaches(from).await.is_err();
                self.reset(if behind { "views_behind" } else { reason })?;
                self.catch_up(go_on, false).await
            }
            Err(JoinError::Gone) => Err(JoinError::Gone),
            Err(error) => {
                self.catch_up(go_on, false).await?;
                Err(error)
            }
        }
    }

    /// Makes sure that the rooms of the user are known here.
    async fn admit(&self) -> Result<(), JoinError> {
        let inner = &self.hub.inner;
        let Some(loaded) = inner.state.lock().routing.loading(&self.user) else {
            return Err(JoinError::Gone);
        };
        loaded.get_or_try_init(|| self.load()).await.map(drop)
    }

    /// The read model's rooms of the user, and what has happened to them since: it may be behind, or stand before an
    /// event it cannot apply, which keeps no user out.
    async fn load(&self) -> Result<(), JoinError> {
        let inner = &self.hub.inner;
        inner.state.lock().routing.begin_loading(&self.user);
        let read = inner.read.current();
        let at_least = read.checkpoint().await?.groups.conversations;
        let mut rooms = inner.load_rooms(&self.user).await?;
        // The read model may be ahead of the feed: who comes in at 50 must not hear what is handed on at 40.
        let at_most = read.checkpoint().await?.groups.conversations;
        if !self.hub.reaches(at_most, PATIENCE).await {
            return Err(JoinError::Unavailable("the live feed is behind the read model".into()));
        }
        let mut state = inner.state.lock();
        if at_least < state.unprojected.floor() {
            let why = "the read model is too far behind to say who is where";
            return Err(JoinError::Unavailable(why.into()));
        }
        state.unprojected.apply(&self.user, &mut rooms);
        state.routing.loaded(&self.user, rooms);
        Ok(())
    }

    /// Begins at the present when everything up to there can be read from the read model. While that is behind, or
    /// stands, what it lacks is sent as if the client had come back from where it is; where that is not
    /// remembered, the client is told that it may have missed something.
    async fn fresh(&self) -> Result<(Sequence, Option<&'static str>), JoinError> {
        let head = self.hub.inner.state.lock().head;
        match self.read_model_reaches(head).await {
            Ok(()) => Ok((head, None)),
            Err(Lagging { at }) if self.remembers(at)? => Ok((at, None)),
            Err(_) => Ok((head, Some("views_behind"))),
        }
    }

    async fn read_model_reaches(&self, sequence: Sequence) -> Result<(), Lagging> {
        let groups = &[Group::Conversations];
        self.hub.inner.read.wait_for_groups(groups, sequence, PATIENCE).await
    }

    /// Whether all that the user is to hear of after a place is remembered, and not too much.
    fn remembers(&self, after: Sequence) -> Result<bool, JoinError> {
        let state = self.hub.inner.state.lock();
        let rooms = state.routing.rooms_of(&self.user).ok_or(JoinError::Gone)?;
        let events = || state.memory.since(after, rooms, &self.user, MAX_CHANGES).len();
        Ok(after >= state.memory.floor() && events() <= MAX_CHANGES)
    }

    pub(crate) fn push(&self, frame: Bytes) -> Result<(), JoinError> {
        if self.outbox.push(frame) { Ok(()) } else { Err(JoinError::Gone) }
    }

    fn reset(&self, reason: &'static str) -> Result<(), JoinError> {
        self.hub.inner.metrics.resume(reason);
        self.push(wire::frame(&ServerFrame::Reset { reason: reason.to_owned() }))
    }

    /// Sends what a plan says and whatever has happened by then, again and again, until nothing is left; then
    /// attaches.
    async fn catch_up(&self, mut plan: Plan, resuming: bool) -> Result<(), JoinError> {
        let mut sent = Sent::default();
        loop {
            let through = plan.through;
            self.send(plan, &mut sent).await?;
            // An answer that a document has counted must not be told live, where clients count it.
            if sent.newest > through && !self.hub.reaches(sent.newest, PATIENCE).await {
                return Err(JoinError::Unavailable(
                    "the live feed is behind the read model".into(),
                ));
            }
            if self.attach_at(through, resuming.then_some(sent.frames))? {
                return Ok(());
            }
            let next = self.plan(through, false).await?;
            match next.filter(|next| sent.bytes + next.bytes() <= 2 * MAX_BYTES) {
                Some(next) => plan = next,
                None => {
                    // So much happened while the peer was reading: it would never catch up.
                    self.outbox.close_now(CloseCode::SlowConsumer);
                    return Err(JoinError::Gone);
                }
            }
        }
    }

    /// Attaches the socket if nothing has happened since a place that it is to be told of.
    fn attach_at(&self, place: Sequence, sent: Option<u64>) -> Result<bool, JoinError> {
        let inner = &self.hub.inner;
        let mut state = inner.state.lock();
        let rooms = state.routing.rooms_of(&self.user).ok_or(JoinError::Gone)?;
        if place < state.memory.floor()
            || !state.memory.since(place, rooms, &self.user, 0).is_empty()
        {
            return Ok(false);
        }
        // What is gathered for others of the room lies before its place.
        state.routing.flush();
        if let Some(count) = sent {
            let position = inner.epoch.at(state.head);
            self.push(wire::frame(&ServerFrame::Resumed { position, count }))?;
        }
        if state.routing.attach(&self.user, self.outbox.id()) {
            return Ok(true);
        }
        Err(JoinError::Gone)
    }
}

impl Inner {
    /// The rooms a person is in, as the read model knows them. While it is behind it may not have heard of a person
    /// who has just registered: a user of whom it knows no exception belongs to every room of everyone.
    pub(crate) async fn load_rooms(&self, user: &UserId) -> Result<HashSet<RoomId>, StoreError> {
        self.metrics.room_loads.inc();
        let behind = self.read.known_checkpoints().conversations < self.state.lock().head;
        let memberships = self.read.current().memberships_of(user).await?;
        let mut rooms = if behind { self.rooms_of_everybody().await? } else { HashSet::new() };
        for membership in memberships {
            if membership.present && !membership.banned {
                rooms.insert(membership.room_id);
            } else {
                rooms.remove(&membership.room_id);
            }
        }
        Ok(rooms)
    }

    pub(super) async fn rooms_of_everybody(&self) -> Result<HashSet<RoomId>, StoreError> {
        let site = self.read.writer().load(vec![Want::Key(Key::Site)]).await?.pop();
        Ok(match site {
            Some(Document::Site(site)) => site.everyone_rooms.iter().cloned().collect(),
            _ => HashSet::new(),
        })
    }
}
