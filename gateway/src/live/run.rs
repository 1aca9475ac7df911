//! The hub's one ordered task: takes the live feed, fills its gaps from the log, hands events on.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bus::{Bus, BusError, CheckpointFeed, Live, LiveEvent, LiveFeed};
use eventlog::{LogError, Record};
use readmodel::{Group, Marks, Stops};
use schemas::frames::CloseCode;
use schemas::{DecodeError, Event, EventData, Lane, RoomId, Sequence, Timestamp, UserId};
use telemetry::{Health, Shutdown, error_chain};

use super::feed::{Feed, Verdict};
use super::hub::{Hub, HubParts, Ready};
use super::memory::Remembered;
use super::pace::Pace;
use super::told::{Audience, Told};
use super::unprojected::Unprojected;

/// The hub's name in health reports.
const COMPONENT: &str = "live_feed";
/// How many events before the head are read at start, so that clients of a gateway that was restarted are
/// resumed from memory.
const WARM_UP: Sequence = 8_192;
/// Events asked of the log at a time.
const BATCH: usize = 1_000;
const WAIT: Duration = Duration::from_secs(1);
/// How often a silent feed is looked at.
const TICK: Duration = Duration::from_millis(100);
/// How often the log is asked how far it is.
const ASK_HEAD: Duration = Duration::from_secs(1);
const RETRY: Duration = Duration::from_millis(250);

/// How far the read model may be behind a gateway that starts for its memberships to be made up for from the log:
/// some seconds of reading.
const MAKE_UP_FOR: Sequence = 5_000_000;

/// Why the hub cannot start.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// The live feed cannot be subscribed to.
    #[error("the live feed cannot be had")]
    Feed(#[from] BusError),
    /// The log cannot be read.
    #[error("the log cannot be read")]
    Log(#[from] LogError),
}

impl Hub {
    /// Subscribes to the live feed, fills the memory with the newest events and starts the task, which
    /// runs until `shutdown`. When this returns, nothing that is stored from now on is missed.
    ///
    /// # Errors
    /// [`HubError`] when NATS does not answer.
    pub async fn start(
        parts: HubParts,
        bus: &Bus,
        health: Health,
        shutdown: Shutdown,
    ) -> Result<Self, HubError> {
        let live = bus.live().await?;
        let head = parts.log.head().await?;
        let begin = head.saturating_sub(WARM_UP);
        let hub = Self::new(parts, begin);
        hub.learn_unprojected(begin).await?;
        let mut run = Run::new(hub.clone(), Feed::after(begin), health);
        run.fill(head).await?;
        run.health.set(COMPONENT, Ok::<(), String>(()));
        tokio::spawn(watch_checkpoints(hub.clone(), bus.checkpoints().await?, shutdown.clone()));
        tokio::spawn(watch_head(hub.clone(), shutdown.clone()));
        tokio::spawn(watch_sockets(hub.clone()));
        tokio::spawn(async move {
            tokio::select! {
                () = shutdown.wait() => {}
                () = run.follow(live) => {}
            }
        });
        Ok(hub)
    }
}

impl Hub {
    /// Reads who came and went between what the read model has and the place from which on everything is handed
    /// on. Its views may stand before an event they cannot apply: that must not keep anybody out.
    async fn learn_unprojected(&self, begin: Sequence) -> Result<(), LogError> {
        let inner = &self.inner;
        let projected = match inner.read.current().checkpoint().await {
            Ok(checkpoint) if checkpoint.epoch.as_ref() == Some(&inner.epoch) => {
                checkpoint.marks.conversations
            }
            _ => return Ok(()),
        };
        if projected >= begin || begin - projected > MAKE_UP_FOR {
            return Ok(());
        }
        let mut unprojected = Unprojected::after(projected);
        let mut reader = inner.log.read_from(projected).await?;
        while reader.through() < begin {
            for record in reader.next(BATCH, WAIT).await?.records {
                match &record.lane {
                    Some(lane @ (Lane::Room(_) | Lane::Member(..))) if record.sequence <= begin => {
                        unprojected.note(record.sequence, lane, record.event().ok().as_ref());
                    }
                    _ => {}
                }
            }
        }
        inner.state.lock().unprojected = unprojected;
        Ok(())
    }
}

/// Tells the read model's handle how far the projector is, wherever that runs, so that readers wait no
/// longer than they must; and the projector cannot be further than the log.
async fn watch_checkpoints(hub: Hub, mut feed: CheckpointFeed, shutdown: Shutdown) {
    loop {
        let next = tokio::select! {
            () = shutdown.wait() => return,
            next = feed.next() => next,
        };
        let Some(checkpoint) = next else { return };
        if checkpoint.position.epoch == hub.inner.epoch {
            let mut marks = Marks::all(checkpoint.position.sequence);
            for group in Group::ALL {
                if let Some(at) = checkpoint.groups.get(group.as_str()) {
                    marks.set(group, *at);
                }
            }
            hub.inner.read.note_marks(marks, &checkpoint.generation);
            let mut stops = Stops::default();
            for group in Group::ALL {
                if let Some(before) = checkpoint.stopped.get(group.as_str()) {
                    stops.set(group, *before);
                }
            }
            hub.inner.read.note_stops(stops, &checkpoint.generation);
            hub.heard(&hub.inner.epoch.at(marks.most()));
        }
    }
}

/// Asks the log every second how far it is: the feed's lost end shows in nothing else.
async fn watch_head(hub: Hub, shutdown: Shutdown) {
    let mut tick = tokio::time::interval(ASK_HEAD);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.wait() => return,
            _ = tick.tick() => {}
        }
        if let Ok(head) = hub.inner.log.head().await {
            hub.inner.heard.fetch_max(head, Ordering::Relaxed);
        }
        hub.tidy();
    }
}

/// Heartbeats, and an end to what lasts too long. Goes on while sockets are sent away.
async fn watch_sockets(hub: Hub) {
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        hub.tick();
    }
}

struct Run {
    hub: Hub,
    feed: Feed,
    health: Health,
    pace: Pace,
    /// The times of the events whose frames are gathered.
    gathered: Vec<Timestamp>,
}

impl Run {
    fn new(hub: Hub, feed: Feed, health: Health) -> Self {
        Self { hub, feed, health, pace: Pace::default(), gathered: Vec::new() }
    }

    async fn follow(&mut self, mut live: LiveFeed) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let due = self.flush_or_due();
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now).into()), if due.is_some() => {}
                next = live.next() => match next {
                    Some(next) => self.take(next).await,
                    None => break,
                },
                _ = tick.tick() => self.look_for_lost_end().await,
            }
        }
        self.health.fail(COMPONENT, "the live feed has ended");
    }

    async fn take(&mut self, live: Live) {
        match live {
            Live::Event(event) => self.event(event).await,
            Live::Unknown { sequence } => match self.feed.judge(sequence) {
                Verdict::Seen => {}
                Verdict::Next => self.skip(sequence),
                Verdict::Gap { .. } => self.backfill(sequence).await,
            },
            Live::Disconnected => {
                self.hub.inner.observers.iter().for_each(|observer| observer.cut_off());
                self.health.set(COMPONENT, Err("not connected to NATS"));
            }
            Live::Reconnected | Live::Lagged => {
                tracing::warn!(event.seq = self.feed.last(), "the live feed was interrupted");
                self.catch_up().await;
                self.hub.inner.observers.iter().for_each(|observer| observer.cut_off());
                self.health.set(COMPONENT, Ok::<(), String>(()));
            }
        }
    }

    async fn event(&mut self, event: LiveEvent) {
        match self.feed.judge(event.sequence) {
            Verdict::Seen => return,
            Verdict::Next => {}
            Verdict::Gap { after } => {
                tracing::warn!(
                    event.seq = event.sequence,
                    event.after = after,
                    "gap in the live feed"
                );
                self.backfill(event.sequence - 1).await;
                if self.feed.judge(event.sequence) == Verdict::Seen {
                    return;
                }
            }
        }
        let LiveEvent { sequence, previous, lane, payload, .. } = event;
        self.hand_on(Remembered::new(sequence, Some(previous), lane, &payload)).await;
        self.feed.progressed(Instant::now());
    }

    /// After an interruption: whatever the log holds by now is handed on.
    async fn catch_up(&mut self) {
        loop {
            match self.hub.inner.log.head().await {
                Ok(head) if head > self.feed.last() => return self.backfill(head).await,
                Ok(_) => return,
                Err(error) => {
                    tracing::warn!(error = %error_chain(&error), "the log does not say its head");
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    async fn look_for_lost_end(&mut self) {
        let now = Instant::now();
        self.feed.heard(self.hub.inner.heard.load(Ordering::Relaxed), now);
        if let Some(head) = self.feed.overdue(now) {
            tracing::warn!(
                event.seq = head,
                event.after = self.feed.last(),
                "the live feed has lost its end"
            );
            self.backfill(head).await;
        }
    }

    /// Reads from the log up to a sequence, however long that takes: nothing later may be handed on
    /// before.
    async fn backfill(&mut self, until: Sequence) {
        self.hub.inner.metrics.gaps.inc();
        // The log may take its time: what is there already does not wait for it.
        self.hub.inner.state.lock().routing.flush();
        let before = self.feed.last();
        while self.feed.last() < until {
            match self.fill(until).await {
                Ok(()) => break,
                Err(error @ (LogError::Replaced | LogError::Ahead { .. })) => {
                    // Not the log the sockets' positions are of: only a new start can tell them.
                    self.health.fail(COMPONENT, error_chain(&error));
                    std::future::pending::<()>().await;
                }
                Err(error) => {
                    self.health.set(COMPONENT, Err(error_chain(&error)));
                    tracing::warn!(error = %error_chain(&error), "back-fill waits for the log");
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
        self.health.set(COMPONENT, Ok::<(), String>(()));
        self.hub.inner.metrics.backfilled.inc_by(self.feed.last().saturating_sub(before));
    }

    async fn fill(&mut self, until: Sequence) -> Result<(), LogError> {
        if self.feed.last() >= until {
            return Ok(());
        }
        let mut reader = self.hub.inner.log.read_from(self.feed.last()).await?;
        while self.feed.last() < until {
            let batch = reader.next(BATCH, WAIT).await?;
            for record in batch.records {
                self.record(record).await;
            }
            // Events erased from the log are legal holes: there is nothing to hand on.
            if batch.through > self.feed.last() {
                self.skip(batch.through);
            }
            self.hub.inner.state.lock().routing.flush();
        }
        Ok(())
    }

    async fn record(&mut self, record: Record) {
        if record.sequence <= self.feed.last() {
            return;
        }
        let Some(lane) = record.lane else { return self.skip(record.sequence) };
        let previous = self.hub.inner.state.lock().memory.previous_on(&lane);
        self.hand_on(Remembered::new(record.sequence, previous, lane, &record.payload)).await;
    }

    /// Passes a place in the log that holds nothing for anybody.
    fn skip(&mut self, sequence: Sequence) {
        self.hub.inner.state.lock().head = sequence;
        self.reached(sequence);
    }

    fn reached(&mut self, sequence: Sequence) {
        self.feed.reached(sequence);
        let inner = &self.hub.inner;
        inner.position.send_replace(sequence);
        inner.metrics.position.set(i64::try_from(sequence).unwrap_or(i64::MAX));
        inner.metrics.events.inc();
    }

    async fn hand_on(&mut self, event: Remembered) {
        let event = Arc::new(event);
        let inner = Arc::clone(&self.hub.inner);
        let mut ready: Option<Ready> = None;
        let delivered = loop {
            {
                let mut state = inner.state.lock();
                // Looked at under the lock: a socket that attaches in the meantime makes it wanted.
                if ready.is_some() || !state.wants(&event.lane) {
                    let handed = state.hand_on(&event, ready.as_ref().unwrap_or(&Ready::default()));
                    inner.metrics.deliveries.inc_by(state.routing.take_given());
                    break handed;
                }
            }
            ready = Some(self.make_ready(&event).await);
        };
        self.reached(event.sequence);
        if delivered > 0
            && let Some(event) = ready.and_then(|ready| ready.event)
        {
            Self::trace_delivery(&event, delivered);
            self.gathered.push(event.time);
        }
    }

    /// Gives gathered frames to their sockets, unless it is better to wait for more: then until when.
    fn flush_or_due(&mut self) -> Option<Instant> {
        if self.gathered.is_empty() {
            return None;
        }
        let now = Instant::now();
        let mut state = self.hub.inner.state.lock();
        if state.routing.gathers() {
            if let Some(due) = self.pace.due(now) {
                return Some(due);
            }
            let writes = state.routing.flush();
            self.pace.spent(writes, now);
            self.hub.inner.metrics.deliveries.inc_by(state.routing.take_given());
        }
        drop(state);
        let now = Timestamp::now().millis();
        for time in self.gathered.drain(..) {
            let millis = now.saturating_sub(time.millis()).max(0);
            let seconds = f64::from(u32::try_from(millis).unwrap_or(u32::MAX)) / 1_000.0;
            self.hub.inner.metrics.delivery.observe(seconds);
        }
        None
    }

    async fn make_ready(&self, remembered: &Remembered) -> Ready {
        let event = match Event::decode(&remembered.payload) {
            Ok(event) => event,
            Err(error) => {
                self.undecodable(remembered.sequence, &error);
                self.distrust(&remembered.lane, &error);
                return Ready::default();
            }
        };
        let inner = &self.hub.inner;
        if matches!(remembered.lane, Lane::User(_) | Lane::Session(_)) {
            inner.observers.iter().for_each(|observer| observer.observe(&event));
        }
        let told = inner.tell(remembered, &event).await;
        let acquainted = match told.as_deref() {
            Some(Told { audience: Audience::Acquainted(user), .. }) => self.rooms_of(user).await,
            _ => Arc::default(),
        };
        Ready { event: Some(event), acquainted }
    }

    /// What happened to an account or to sessions is not known. What was known of them before is not relied on:
    /// auth-svc is asked. When the event is no newer build's but a damaged one, people who are connected come back
    /// and are judged anew.
    fn distrust(&self, lane: &Lane, error: &DecodeError) {
        let (Lane::User(user) | Lane::Session(user)) = lane else { return };
        let inner = &self.hub.inner;
        inner.observers.iter().for_each(|observer| observer.cut_off());
        if matches!(error, DecodeError::UnknownType(_)) {
            return;
        }
        for seat in inner.state.lock().routing.seats(user) {
            seat.outbox.close_now(CloseCode::Draining);
        }
    }

    fn undecodable(&self, sequence: Sequence, error: &DecodeError) {
        match error {
            DecodeError::UnknownType(kind) => {
                tracing::debug!(event.seq = sequence, event.kind = %kind, "unknown event type");
            }
            DecodeError::Malformed(_) | DecodeError::Corrupt => {
                self.hub.inner.metrics.undecodable.inc();
                tracing::error!(event.seq = sequence, error = %error_chain(error), "unreadable event");
            }
        }
    }

    /// The rooms of somebody who may not be connected here.
    async fn rooms_of(&self, user: &UserId) -> Arc<HashSet<RoomId>> {
        let known = self.hub.inner.state.lock().routing.rooms_of(user).cloned();
        match known {
            Some(rooms) => rooms,
            None => Arc::new(self.hub.inner.load_rooms(user).await.unwrap_or_else(|error| {
                tracing::warn!(error = %error_chain(&error), "cannot find out who knows somebody");
                HashSet::new()
            })),
        }
    }

    fn trace_delivery(event: &Event, sockets: usize) {
        if tracing::enabled!(tracing::Level::DEBUG) {
            let span = tracing::debug_span!("deliver");
            let span = telemetry::continue_trace(span, event.traceparent.as_ref());
            let kind = EventData::type_name(&event.data);
            span.in_scope(|| tracing::debug!(event.kind = kind, sockets, "delivered"));
        }
    }
}
