//! The hub: what it knows, and what others may ask of it. Its one ordered task is in `run`.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use eventlog::EventLog;
use parking_lot::Mutex;
use readmodel::ReadModel;
use schemas::events::{NotificationEvent, SessionEvent, UserEvent};
use schemas::frames::{CloseCode, ServerFrame};
use schemas::views::Notification;
use schemas::{
    DecodeError, Epoch, Event, EventData, Lane, Position, RoomId, Sequence, SessionId, UserId,
};
use telemetry::Metrics;
use tokio::sync::watch;

use super::memory::{Bounds, Memory, Remembered};
use super::metrics::LiveMetrics;
use super::outbox::{Outbox, SocketId};
use super::pieces::Budget;
use super::ports::{Charge, Observer};
use super::routing::{Crowded, Routing};
use super::told::{self, Audience, Effect, Known, Place, Told};
use super::unprojected::Unprojected;
use super::wire;
use crate::inbox;
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
    pub(crate) observers: Vec<Arc<dyn Observer>>,
    pub(crate) charge: Arc<dyn Charge>,
    pub(crate) metrics: Arc<LiveMetrics>,
    /// One lock for all of it: "everything up to `head` was handed to whoever was attached then" must
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

pub(crate) struct State {
    pub(crate) epoch: Epoch,
    pub(crate) head: Sequence,
    pub(crate) memory: Memory,
    pub(crate) routing: Routing,
    pub(crate) unprojected: Unprojected,
}

/// An event made ready to be handed on: what needed waiting or work outside the lock.
#[derive(Default)]
pub(crate) struct Ready {
    pub(crate) event: Option<Event>,
    /// The rooms of the person whose account changed.
    pub(crate) acquainted: Arc<HashSet<RoomId>>,
}

/// What a person who comes into a room is told besides, before it and after it.
#[derive(Default)]
struct Newcomer {
    before: Option<bytes::Bytes>,
    after: Option<bytes::Bytes>,
}

impl Hub {
    pub(super) fn new(parts: HubParts, head: Sequence) -> Self {
        let HubParts { log, read, names, observers, charge, metrics, memory } = parts;
        let memory = Memory::from(head, Bounds::of_bytes(memory));
        let unprojected = Unprojected::after(head);
        let routing = Routing::default();
        let state = State { epoch: log.epoch(), head, memory, routing, unprojected };
        Self {
            inner: Arc::new(Inner {
                epoch: log.epoch(),
                log,
                read,
                names,
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

    /// A socket of somebody who is not known yet; none when this gateway takes no more.
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
        state.unprojected.forget_through(self.inner.read.known_marks().conversations);
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
    pub(crate) async fn tell(&self, remembered: &Remembered, event: &Event) -> Option<Arc<Told>> {
        if let Some(told) = remembered.told.get() {
            return told.clone();
        }
        let mut known = Known::default();
        if let Some(id) = told::sender_of(event) {
            known.sender = Some(self.names.sender(id).await);
        }
        known.notification = self.notification_of(remembered.sequence, event).await;
        let place = Place {
            epoch: &self.epoch,
            sequence: remembered.sequence,
            previous: remembered.previous,
        };
        let told = || told::tell(event, place, known).map(Arc::new);
        remembered.told.get_or_init(told).clone()
    }

    /// The notification an event is about, in words; none when it is not known.
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
        let reader = entry.user_id.clone();
        let shown = inbox::views(self.names.as_ref(), store.as_ref(), &reader, vec![entry]);
        shown.await.ok()?.pop()
    }

    /// The same for an event that was only remembered so far.
    pub(crate) async fn tell_remembered(&self, remembered: &Remembered) -> Option<Arc<Told>> {
        if let Some(told) = remembered.told.get() {
            return told.clone();
        }
        match Event::decode(&remembered.payload) {
            Ok(event) => self.tell(remembered, &event).await,
            Err(error) => self.tell_unreadable(remembered, &error),
        }
    }

    /// The same for an event that cannot be read. One of a newer build is nothing to clients of this one.
    pub(crate) fn tell_unreadable(
        &self,
        remembered: &Remembered,
        error: &DecodeError,
    ) -> Option<Arc<Told>> {
        let told = || match error {
            DecodeError::UnknownType(_) => None,
            DecodeError::Malformed(_) | DecodeError::Corrupt => {
                let hole = told::hole(&remembered.lane, &self.epoch, remembered.sequence);
                hole.map(Arc::new)
            }
        };
        remembered.told.get_or_init(told).clone()
    }
}

impl State {
    /// Whether anybody here is to be told of a lane's events.
    pub(crate) fn wants(&self, lane: &Lane) -> bool {
        match lane {
            Lane::Timeline(room) | Lane::Receipts(room) => self.routing.wants_room(room),
            // Rooms and members move the tables, and say who may come in while the read model is behind; a
            // room's creation is told to who comes in next.
            Lane::Room(_) | Lane::Member(..) => true,
            Lane::Inbox(user) => self.routing.wants_person(user),
            Lane::User(_) | Lane::Session(_) => true,
            Lane::Handle(_)
            | Lane::Email(_)
            | Lane::RoomName(_)
            | Lane::Direct(_)
            | Lane::Media(_) => false,
        }
    }

    /// Hands an event on: tables, memory, sockets. Answers how many frames that made.
    pub(crate) fn hand_on(&mut self, event: &Arc<Remembered>, ready: &Ready) -> usize {
        let told = event.told.get().and_then(Option::as_ref);
        let newcomer = told.map(|told| self.newcomer(event, told)).unwrap_or_default();
        self.memory.push(event);
        self.head = event.sequence;
        if matches!(event.lane, Lane::Room(_) | Lane::Member(..)) {
            self.unprojected.note(event.sequence, &event.lane, ready.event.as_ref());
        }
        if let Some(event) = &ready.event {
            self.revoke(event);
        }
        let Some(told) = told else { return 0 };
        if let Effect::Created { room, members, everyone } = &told.effect {
            members.iter().for_each(|member| self.routing.member(room, member, true));
            if *everyone {
                self.routing.everyone(room);
            }
        }
        match &told.audience {
            Audience::Room(room) => self.routing.give_room(room, &told.frame),
            Audience::RoomAnd(room, user) => self.member(room, user, told, newcomer),
            Audience::Person(user) => self.routing.give_person(user, &told.frame),
            Audience::Acquainted(user) => {
                let own = told.own.as_ref().unwrap_or(&told.frame);
                let rooms = Arc::clone(self.routing.rooms_of(user).unwrap_or(&ready.acquainted));
                self.routing.give_rooms_but(&rooms, user, &told.frame)
                    + self.routing.give_person(user, own)
            }
        }
    }

    fn member(&mut self, room: &RoomId, user: &UserId, told: &Told, newcomer: Newcomer) -> usize {
        let Effect::Member { present, .. } = told.effect else { return 0 };
        if present {
            self.routing.member(room, user, true);
            let mut given =
                newcomer.before.map_or(0, |frame| self.routing.give_person(user, &frame));
            given += self.routing.give_room(room, &told.frame);
            return given
                + newcomer.after.map_or(0, |frame| self.routing.give_person(user, &frame));
        }
        let was_in = self.routing.is_in(room, user);
        let mut count = self.routing.give_room(room, &told.frame);
        if !was_in {
            count += self.routing.give_person(user, &told.frame);
        }
        self.routing.member(room, user, false);
        count
    }

    /// Who comes into a room that was made a moment ago (in the same batch of events) is told of the room
    /// first: when it was made it had nobody in it. Who is in a room again is told to load it anew.
    fn newcomer(&self, event: &Remembered, told: &Told) -> Newcomer {
        let Effect::Member { room, user, present: true } = &told.effect else {
            return Newcomer::default();
        };
        if self.routing.is_in(room, user) || !self.routing.wants_person(user) {
            return Newcomer::default();
        }
        let created = self.memory.creation_before(room, event.sequence);
        let before = created.and_then(|created| created.told.get()?.as_ref());
        let reload = || {
            let position = self.epoch.at(event.sequence);
            wire::frame(&ServerFrame::Reload { room_id: room.clone(), position })
        };
        Newcomer {
            before: before.map(|told| told.frame.clone()),
            after: (event.previous != Some(0)).then(reload),
        }
    }

    /// Closes the sockets of what ended.
    fn revoke(&self, event: &Event) {
        let (user, sessions) = match &event.data {
            EventData::Session(SessionEvent::Ended(ended)) => {
                (&ended.user_id, Some(&ended.session_ids))
            }
            EventData::User(UserEvent::SuspensionChanged(changed)) if changed.user.suspended => {
                (&changed.user.id, None)
            }
            EventData::User(_)
            | EventData::Session(_)
            | EventData::Name(_)
            | EventData::Room(_)
            | EventData::Member(_)
            | EventData::Message(_)
            | EventData::Receipt(_)
            | EventData::Notification(_) => return,
        };
        for seat in self.routing.seats(user) {
            if sessions.is_none_or(|ended| ended.contains(&seat.session)) {
                seat.outbox.close_now(CloseCode::SessionEnded);
            }
        }
    }
}
