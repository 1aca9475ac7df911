//! The hub: what it knows, and what others may ask of it. Its one ordered task is in `run`.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use eventlog::EventLog;
use parking_lot::Mutex;
use readmodel::ReadModel;
use schemas::events::NotificationEvent;
use schemas::frames::CloseCode;
use schemas::views::Notification;
use schemas::{
    DecodeError, Epoch, Event, EventData, Position, RoomId, Sequence, SessionId, UserId,
};
use telemetry::Metrics;
use tokio::sync::watch;

use super::budget::Budget;
use super::frames::{self, Broadcast, Known, Place};
use super::memory::{Bounds, Memory, Passed, Remembered};
use super::metrics::LiveMetrics;
use super::outbox::{Outbox, SocketId};
use super::ports::{Charge, Observer};
use super::routing::{Crowded, Routing};
use super::state::State;
use super::typing::Typists;
use super::unprojected::Unprojected;
use crate::inbox;
use crate::links::Links;
use crate::names::Names;

/// What the hub works with.
pub struct HubParts {
    /// The log, attached.
    pub log: EventLog,
    /// The read model.
    pub read: ReadModel,
    /// What people are called.
    pub names: Arc<dyn Names>,
    /// Who wants to know of accounts and sessions.
    pub observers: Vec<Arc<dyn Observer>>,
    /// Who is told what resumes cost.
    pub charge: Arc<dyn Charge>,
    /// Where its figures go.
    pub metrics: Metrics,
    /// Bytes of recent events it remembers at most.
    pub memory: usize,
    /// What leads to files.
    pub(crate) links: Links,
}

/// Hands every event of the log, in the log's order, to the sockets of this gateway that may hear of it.
/// Clones share it.
#[derive(Clone)]
pub struct Hub {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) log: EventLog,
    pub(crate) epoch: Epoch,
    pub(crate) read: ReadModel,
    pub(crate) names: Arc<dyn Names>,
    pub(crate) links: Links,
    pub(crate) observers: Vec<Arc<dyn Observer>>,
    pub(crate) charge: Arc<dyn Charge>,
    pub(crate) metrics: Arc<LiveMetrics>,
    /// One lock for all of it: "everything up to `head` was handed to every socket that was attached then" must
    /// be one statement.
    pub(crate) state: Mutex<State>,
    pub(crate) position: watch::Sender<Sequence>,
    /// How far others say that the log reaches.
    pub(crate) heard: AtomicU64,
    /// What all resumes together may take.
    pub(crate) budget: Budget,
    next_socket: AtomicU64,
    /// Every socket, also those of people not known yet.
    sockets: Mutex<HashMap<SocketId, Arc<Outbox>>>,
    draining: AtomicBool,
}

impl Hub {
    pub(super) fn new(parts: HubParts, head: Sequence) -> Self {
        let HubParts { log, read, names, observers, charge, metrics, memory, links } = parts;
        let memory = Memory::from(head, Bounds::of_bytes(memory));
        let unprojected = Unprojected::after(head);
        let routing = Routing::default();
        let state = State {
            epoch: log.epoch(),
            head,
            memory,
            routing,
            unprojected,
            typists: Typists::default(),
            everyone: HashSet::new(),
            watchers_changed: HashSet::new(),
            blocks_changed: HashSet::new(),
            presence_preferences: HashMap::new(),
        };
        Self {
            inner: Arc::new(Inner {
                epoch: log.epoch(),
                log,
                read,
                names,
                links,
                observers,
                charge,
                metrics: Arc::new(LiveMetrics::new(&metrics)),
                state: Mutex::new(state),
                position: watch::Sender::new(head),
                heard: AtomicU64::new(0),
                budget: Budget::default(),
                next_socket: AtomicU64::new(1),
                sockets: Mutex::default(),
                draining: AtomicBool::new(false),
            }),
        }
    }

    /// Everything up to here has been handed on.
    #[must_use]
    pub fn position(&self) -> Position {
        self.inner.epoch.at(*self.inner.position.borrow())
    }

    /// Says that the log reaches at least to here, as a command's reply has shown: if the event does not
    /// come over the live feed soon it is fetched.
    pub fn heard(&self, position: &Position) {
        if position.epoch == self.inner.epoch {
            self.inner.heard.fetch_max(position.sequence, Ordering::Relaxed);
        }
    }

    /// What happened in a room after one place of the log up to another, at most so many events; none when these are more,
    /// when not all of them are remembered, or when the second place has not come yet.
    pub(crate) fn passed_in(
        &self,
        room: &RoomId,
        after: Sequence,
        through: Sequence,
        most: usize,
    ) -> Option<Vec<Passed>> {
        let state = self.inner.state.lock();
        if state.head < through {
            return None;
        }
        state.memory.passed_in(room, after, through, most)
    }

    /// Waits until everything up to a sequence has been handed on; false when that takes too long.
    pub(crate) async fn reaches(&self, sequence: Sequence, patience: Duration) -> bool {
        self.inner.heard.fetch_max(sequence, Ordering::Relaxed);
        let mut position = self.inner.position.subscribe();
        let reached = position.wait_for(|position| *position >= sequence);
        matches!(tokio::time::timeout(patience, reached).await, Ok(Ok(_)))
    }

    /// The figures of the live half.
    #[must_use]
    pub fn metrics(&self) -> &Arc<LiveMetrics> {
        &self.inner.metrics
    }

    /// A socket whose user is not known yet; none when this gateway takes no more.
    pub(crate) fn open(&self) -> Option<Arc<Outbox>> {
        let id = self.inner.next_socket.fetch_add(1, Ordering::Relaxed);
        let mut sockets = self.inner.sockets.lock();
        if self.inner.draining.load(Ordering::Relaxed) {
            return None;
        }
        let outbox = Arc::new(Outbox::new(id, Arc::clone(&self.inner.metrics)));
        sockets.insert(id, Arc::clone(&outbox));
        Some(outbox)
    }

    /// How many sockets are open.
    pub(crate) fn sockets(&self) -> usize {
        self.inner.sockets.lock().len()
    }

    /// A socket has gone.
    pub(crate) fn forget(&self, id: SocketId) {
        self.inner.sockets.lock().remove(&id);
    }

    /// A second has passed for every socket.
    pub(crate) fn tick(&self) {
        let sockets: Vec<Arc<Outbox>> = self.inner.sockets.lock().values().cloned().collect();
        let (mut all, mut longest, mut bytes) = (0, 0, 0);
        for outbox in sockets {
            let (waiting, waiting_bytes) = outbox.tick();
            all += waiting;
            bytes += waiting_bytes;
            longest = longest.max(waiting);
        }
        self.inner.metrics.queued_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
        self.inner.metrics.queued.set(i64::try_from(all).unwrap_or(i64::MAX));
        self.inner.metrics.queued_max.set(i64::try_from(longest).unwrap_or(i64::MAX));
    }

    /// Sends every socket away, each with a time of its own to come back, and waits until they have gone,
    /// at most `patience`. No new ones are taken. With `elsewhere` there are other gateways to go to.
    pub async fn drain(&self, elsewhere: bool, patience: Duration) {
        let deadline = tokio::time::Instant::now() + patience;
        let code = if elsewhere { CloseCode::Draining } else { CloseCode::Shutdown };
        let sockets: Vec<Arc<Outbox>> = {
            let sockets = self.inner.sockets.lock();
            self.inner.draining.store(true, Ordering::Relaxed);
            sockets.values().cloned().collect()
        };
        let spread = spread_ms(sockets.len());
        for outbox in sockets {
            let wait = rand::random_range(0..=spread);
            outbox.close(code.code(), code.reason(), Some(wait));
        }
        let mut pause = tokio::time::interval(Duration::from_millis(20));
        while !self.inner.sockets.lock().is_empty() && tokio::time::Instant::now() < deadline {
            pause.tick().await;
        }
    }

    /// Gives a socket its place with its user. It can be closed from now on, and hears nothing yet.
    pub(crate) fn reserve(
        &self,
        user: &UserId,
        session: SessionId,
        outbox: Arc<Outbox>,
        limit: usize,
    ) -> Result<(), Crowded> {
        let now = Instant::now();
        let mut state = self.inner.state.lock();
        state.routing.reserve(user, session, outbox, limit, now)
    }

    pub(crate) fn leave(&self, user: &UserId, id: SocketId) {
        self.inner.state.lock().routing.leave(user, id, Instant::now());
    }

    /// Forgets people who have been away for long, and tells the figures.
    pub(crate) fn tidy(&self) {
        let mut state = self.inner.state.lock();
        state.routing.forget_absent(Instant::now());
        state.unprojected.forget_through(self.inner.read.known_checkpoints().conversations);
        let metrics = &self.inner.metrics;
        metrics.deliveries.inc_by(state.routing.take_given());
        metrics.resume_bytes.set(i64::try_from(self.inner.budget.taken()).unwrap_or(i64::MAX));
        metrics.remembered.set(i64::try_from(state.memory.events()).unwrap_or(i64::MAX));
        metrics.remembered_bytes.set(i64::try_from(state.memory.bytes()).unwrap_or(i64::MAX));
    }
}

/// Over how many milliseconds a crowd is asked to spread its return: half a millisecond each, from half a
/// second to half a minute.
fn spread_ms(sockets: usize) -> u32 {
    u32::try_from(sockets / 2).unwrap_or(u32::MAX).clamp(500, 30_000)
}

impl Inner {
    /// Makes an event ready for clients, unless that was done before. Waits for a name at most.
    pub(crate) async fn broadcast(
        &self,
        remembered: &Remembered,
        event: &Event,
    ) -> Option<Arc<Broadcast>> {
        if let Some(broadcast) = remembered.broadcast.get() {
            return broadcast.clone();
        }
        let broadcast = self.to_frame(remembered, event).await;
        remembered.broadcast.get_or_init(|| broadcast).clone()
    }

    async fn to_frame(&self, remembered: &Remembered, event: &Event) -> Option<Arc<Broadcast>> {
        let mut known = Known::default();
        if let Some(id) = frames::sender_of(event) {
            known.sender = Some(self.names.sender(id).await);
        }
        known.notification = self.notification_of(remembered.sequence, event).await;
        let place = Place {
            epoch: &self.epoch,
            sequence: remembered.sequence,
            previous: remembered.previous,
        };
        frames::to_frame(event, place, known).map(Arc::new)
    }

    /// The notification an event is about, in words; none when it is not known. A new one is known without the read
    /// model: while that does not answer it is told without names, rather than not at all.
    async fn notification_of(&self, at: Sequence, event: &Event) -> Option<Notification> {
        let store = self.read.current();
        let EventData::Notification(event) = &event.data else { return None };
        let entry = match event {
            NotificationEvent::Created(created) => inbox::created(created, at),
            NotificationEvent::Read(read) => {
                let id = read.notification_id.as_ref()?;
                store.notification(&read.user_id, id).await.ok()??
            }
            NotificationEvent::Removed(_) => return None,
        };
        let is_new = matches!(event, NotificationEvent::Created(_));
        let (names, entries) = (self.names.as_ref(), std::slice::from_ref(&entry));
        match inbox::views(names, store.as_ref(), &entry.user_id, entries).await {
            Ok(mut shown) => shown.pop(),
            // Of one that was read a client keeps the words it has.
            Err(_) => is_new.then(|| inbox::without_names(&entry)),
        }
    }

    /// The same for an event that was only remembered so far.
    pub(crate) async fn broadcast_remembered(
        &self,
        remembered: &Remembered,
    ) -> Option<Arc<Broadcast>> {
        if let Some(broadcast) = remembered.broadcast.get() {
            // URLs run out: who is told later is given new ones.
            let event = broadcast.as_ref().filter(|_| remembered.leads_to_files());
            let event = event.and_then(|_| Event::decode(&remembered.payload).ok());
            return match event {
                Some(event) => self.to_frame(remembered, &event).await,
                None => broadcast.clone(),
            };
        }
        match Event::decode(&remembered.payload) {
            Ok(event) => self.broadcast(remembered, &event).await,
            Err(error) => self.broadcast_unreadable(remembered, &error),
        }
    }

    /// The same for an event that cannot be read. One of a newer build is nothing to clients of this one.
    pub(crate) fn broadcast_unreadable(
        &self,
        remembered: &Remembered,
        error: &DecodeError,
    ) -> Option<Arc<Broadcast>> {
        let broadcast = || match error {
            DecodeError::UnknownType(_) => None,
            DecodeError::Malformed(_) | DecodeError::Corrupt => {
                frames::unreadable(&remembered.lane, &self.epoch, remembered.sequence).map(Arc::new)
            }
        };
        remembered.broadcast.get_or_init(broadcast).clone()
    }
}
