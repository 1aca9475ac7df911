//! How a socket comes to hear what happens: first what it missed, then everything as it comes, without a
//! hole and without a repetition in between.
//!
//! There is no buffer per socket for the hand-over. A socket reads the hub's memory from its place on, and
//! is attached under the same lock under which it finds that it has read everything: the memory is the
//! buffer.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use readmodel::{Doc, Group, Key, Lagging, StoreError, Want};
use schemas::frames::{CloseCode, ServerFrame};
use schemas::{Position, RoomId, Sequence, UserId};

use super::hub::{Hub, Inner};
use super::memory::Remembered;
use super::ports::RESUME_UNIT;
use super::replay::{Listener, Placed, replay};
use super::told::Audience;
use super::wire;
use crate::socket::Outbox;

/// How long a new socket waits for the read model to reach the place it begins at.
const PATIENCE: Duration = Duration::from_secs(2);
/// A resume sends at most this many frames.
pub(crate) const MAX_CHANGES: usize = 10_000;

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

/// Where a socket begins.
pub(crate) struct Start {
    /// It has everything up to here, or gets it from the frames below.
    pub(crate) from: Sequence,
    /// What it missed up to there, when the memory does not reach back that far.
    pub(crate) frames: Vec<(Sequence, Bytes)>,
    /// A resume was asked for and cannot be had.
    pub(crate) reset: Option<&'static str>,
    /// What `welcome` says: everything up to here is in the read model or was sent.
    pub(crate) welcome: Sequence,
    pub(crate) resuming: bool,
}

impl Joining {
    /// Welcomes the socket, sends what it missed and attaches it. `welcome` makes the frame from the position
    /// and whether a resume is under way.
    pub(crate) async fn join(
        &self,
        resume: Option<Position>,
        welcome: impl FnOnce(Position, bool) -> ServerFrame,
    ) -> Result<(), JoinError> {
        self.admit().await?;
        let start = match resume {
            Some(position) => self.resume_from(position).await?,
            None => self.fresh(None).await?,
        };
        let epoch = &self.hub.inner.epoch;
        self.push(wire::frame(&welcome(epoch.at(start.welcome), start.resuming)))?;
        if let Some(reason) = start.reset {
            self.reset(reason)?;
        }
        let sent = self.send(start.frames).await?;
        self.catch_up(start.from, sent, start.resuming).await
    }

    /// Resumes a socket that is attached already: sends what lies between `position` and `until`, which it
    /// has from its welcome on.
    pub(crate) async fn resume_attached(
        &self,
        position: Position,
        until: Option<Sequence>,
    ) -> Result<bool, JoinError> {
        let start = self.resume_from(position).await?;
        if let Some(reason) = start.reset {
            self.reset(reason)?;
            return Ok(false);
        }
        let until = until.unwrap_or(Sequence::MAX);
        let mut sent = self.send(start.frames).await?;
        match self.remembered(start.from, until).await? {
            Some((frames, _)) => sent += self.send(frames).await?,
            None => {
                self.reset("too_far_behind")?;
                return Ok(false);
            }
        }
        // Whatever was handed on up to the head is in the queue before this frame.
        let mut state = self.hub.inner.state.lock();
        state.routing.flush();
        let position = self.hub.inner.epoch.at(state.head);
        self.push(wire::frame(&ServerFrame::Resumed { position, count: sent }))?;
        Ok(true)
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
    /// event it cannot apply, which shuts nobody out.
    async fn load(&self) -> Result<(), JoinError> {
        let inner = &self.hub.inner;
        inner.state.lock().routing.begin_loading(&self.user);
        let read = inner.read.current();
        let at_least = read.checkpoint().await?.marks.conversations;
        let mut rooms = inner.load_rooms(&self.user).await?;
        // The read model may be ahead of the feed: who comes in at 50 must not hear what is handed on at 40.
        let at_most = read.checkpoint().await?.marks.conversations;
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
    pub(crate) async fn fresh(&self, reset: Option<&'static str>) -> Result<Start, JoinError> {
        let inner = &self.hub.inner;
        let head = inner.state.lock().head;
        let waited = inner.read.wait_for_groups(&[Group::Conversations], head, PATIENCE).await;
        let (from, reset) = match waited {
            Ok(()) => (head, reset),
            Err(Lagging { at }) if self.remembers(at)? => (at, reset),
            Err(_) => (head, reset.or(Some("views_behind"))),
        };
        if let Some(reason) = reset {
            inner.metrics.resume(reason);
        }
        Ok(Start { from, frames: Vec::new(), reset, welcome: from, resuming: false })
    }

    /// Whether all that the user is to hear of after a place is remembered, and not too much.
    fn remembers(&self, after: Sequence) -> Result<bool, JoinError> {
        let state = self.hub.inner.state.lock();
        let rooms = state.routing.rooms_of(&self.user).ok_or(JoinError::Gone)?;
        let events = || state.memory.since(after, rooms, &self.user, MAX_CHANGES).len();
        Ok(after >= state.memory.floor() && events() <= MAX_CHANGES)
    }

    fn push(&self, frame: Bytes) -> Result<(), JoinError> {
        if self.outbox.push(frame) { Ok(()) } else { Err(JoinError::Gone) }
    }

    fn reset(&self, reason: &str) -> Result<(), JoinError> {
        self.push(wire::frame(&ServerFrame::Reset { reason: reason.to_owned() }))
    }

    /// Sends frames at the pace at which the peer reads them.
    async fn send(&self, frames: Vec<(Sequence, Bytes)>) -> Result<u64, JoinError> {
        let (mut sent, mut bytes, mut charged) = (0, 0_u64, 0_u64);
        for (_, frame) in frames {
            if !self.outbox.room().await {
                return Err(JoinError::Gone);
            }
            bytes += u64::try_from(frame.len()).unwrap_or(u64::MAX);
            let begun = bytes.div_ceil(RESUME_UNIT) * RESUME_UNIT;
            if begun > charged {
                self.hub.inner.charge.charge(&self.user, begun - charged);
                charged = begun;
            }
            self.push(frame)?;
            sent += 1;
        }
        Ok(sent)
    }

    /// Sends what is remembered after a place, again and again, until nothing is left; then attaches.
    async fn catch_up(
        &self,
        mut from: Sequence,
        mut sent: u64,
        resuming: bool,
    ) -> Result<(), JoinError> {
        loop {
            match self.remembered(from, Sequence::MAX).await? {
                Some((frames, head)) if head > from => {
                    sent += self.send(frames).await?;
                    from = head;
                }
                Some(_) => {}
                None => {
                    // So much happened while the peer was reading: it would never catch up.
                    self.outbox.close_now(CloseCode::SlowConsumer);
                    return Err(JoinError::Gone);
                }
            }
            let mut state = self.hub.inner.state.lock();
            if state.head != from {
                continue;
            }
            if resuming {
                let position = self.hub.inner.epoch.at(from);
                self.push(wire::frame(&ServerFrame::Resumed { position, count: sent }))?;
            }
            let attached = state.routing.attach(&self.user, self.outbox.id());
            return if attached { Ok(()) } else { Err(JoinError::Gone) };
        }
    }

    /// The frames of what is remembered after a place, and how far they reach; none when the memory does
    /// not reach back that far, or it is too much.
    async fn remembered(
        &self,
        after: Sequence,
        until: Sequence,
    ) -> Result<Option<(Vec<(Sequence, Bytes)>, Sequence)>, JoinError> {
        let inner = &self.hub.inner;
        let (events, rooms, head) = {
            let state = inner.state.lock();
            let rooms = Arc::clone(state.routing.rooms_of(&self.user).ok_or(JoinError::Gone)?);
            if after < state.memory.floor() {
                return Ok(None);
            }
            let events = state.memory.since(after, &rooms, &self.user, MAX_CHANGES);
            (events, rooms, state.head)
        };
        if events.len() > MAX_CHANGES {
            return Ok(None);
        }
        let placed = placed(inner, &events).await;
        let acquainted = self.acquainted(&placed, &rooms).await?;
        let listener = Listener {
            epoch: &inner.epoch,
            user: &self.user,
            after,
            until,
            rooms: &rooms,
            acquainted: &acquainted,
        };
        Ok(Some((replay(&placed, &listener), head)))
    }

    /// Of the people whose accounts changed, those the user shares a room with.
    async fn acquainted(
        &self,
        events: &[Placed],
        rooms: &HashSet<RoomId>,
    ) -> Result<HashSet<UserId>, JoinError> {
        let mut acquainted = HashSet::new();
        for (_, told) in events {
            let Audience::Acquainted(other) = &told.audience else { continue };
            if other == &self.user || acquainted.contains(other) {
                continue;
            }
            let known = self.hub.inner.state.lock().routing.rooms_of(other).cloned();
            let theirs = match known {
                Some(theirs) => theirs,
                None => Arc::new(self.hub.inner.load_rooms(other).await?),
            };
            if !theirs.is_disjoint(rooms) {
                acquainted.insert(other.clone());
            }
        }
        Ok(acquainted)
    }
}

async fn placed(inner: &Inner, events: &[Arc<Remembered>]) -> Vec<Placed> {
    let mut placed = Vec::with_capacity(events.len());
    for event in events {
        if let Some(told) = inner.tell_remembered(event).await {
            placed.push((Arc::clone(event), told));
        }
    }
    placed
}

impl Inner {
    /// The rooms a person is in, as the read model knows them. While it is behind it may not have heard of a person
    /// who has just registered: to a room of everybody belongs whoever it knows no exception of.
    pub(crate) async fn load_rooms(&self, user: &UserId) -> Result<HashSet<RoomId>, StoreError> {
        self.metrics.room_loads.inc();
        let behind = self.read.known_marks().conversations < self.state.lock().head;
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

    async fn rooms_of_everybody(&self) -> Result<HashSet<RoomId>, StoreError> {
        let site = self.read.writer().load(vec![Want::Key(Key::Site)]).await?.pop();
        Ok(match site {
            Some(Doc::Site(site)) => site.everyone_rooms.iter().cloned().collect(),
            _ => HashSet::new(),
        })
    }
}
