//! The hub's one ordered task: takes the live feed, fills its gaps from the log, hands events on.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bus::{Bus, BusError, Live, LiveEvent, LiveFeed};
use eventlog::{LogError, Record};
use schemas::events::MessageEvent;
use schemas::{Event, EventData, Lane, RoomId, Sequence, Timestamp, UserId};
use telemetry::{Health, Shutdown, error_chain};

use super::feed::{Feed, Verdict};
use super::frames::{Audience, Broadcast};
use super::hub::{Hub, HubParts};
use super::late::{Chain, Late};
use super::memory::Remembered;
use super::pace::Pace;
use super::state::Ready;
use super::traced;
use super::watches::{watch_checkpoints, watch_head, watch_sockets};

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
const RETRY: Duration = Duration::from_millis(250);

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
        let since = match begin {
            0 => None,
            _ => Some(match parts.log.get(begin).await {
                Ok(Some(at)) => at.stored_at,
                // Erased, or on a lane of another build, which must not keep a gateway from starting.
                Ok(None) | Err(LogError::BadAnswer(_)) => Timestamp::now(),
                Err(error) => return Err(error.into()),
            }),
        };
        let hub = Self::new(parts, begin);
        hub.learn_unprojected(begin).await?;
        hub.learn_everyone().await;
        let mut run = Run::new(hub.clone(), Feed::after(begin), since, health);
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

pub(super) struct Run {
    pub(super) hub: Hub,
    feed: Feed,
    /// Everything after this was read.
    pub(super) begin: Sequence,
    pub(super) late: Late,
    pub(super) chain: Chain,
    health: Health,
    pace: Pace,
    /// The times of the events whose frames are gathered.
    gathered: Vec<Timestamp>,
}

impl Run {
    fn new(hub: Hub, feed: Feed, since: Option<Timestamp>, health: Health) -> Self {
        let begin = feed.last();
        Self {
            hub,
            feed,
            begin,
            late: Late::since(since),
            chain: Chain::default(),
            health,
            pace: Pace::default(),
            gathered: Vec::new(),
        }
    }

    async fn follow(&mut self, mut live: LiveFeed) {
        let mut tick = service::ticks(TICK);
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
        let LiveEvent { sequence, previous, lane, payload, stored_at } = event;
        let previous = self.told_before(&lane, Some(previous));
        self.hand_on(Remembered::new(sequence, previous, lane, &payload), stored_at).await;
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
        let previous = self.told_before(&lane, previous);
        let event = Remembered::new(record.sequence, previous, lane, &record.payload);
        self.hand_on(event, record.stored_at).await;
    }

    /// Passes a place in the log that holds nothing for anybody.
    fn skip(&mut self, sequence: Sequence) {
        self.hub.inner.state.lock().head = sequence;
        self.reached(sequence);
    }

    fn reached(&mut self, sequence: Sequence) {
        self.feed.reached(sequence);
        let inner = &self.hub.inner;
        // Looked at under its lock: who waits from now on finds this place. Mostly none does.
        inner.position.send_if_modified(|at| {
            *at = sequence;
            inner.position.receiver_count() > 0
        });
        inner.metrics.position.set(i64::try_from(sequence).unwrap_or(i64::MAX));
        inner.metrics.events.inc();
    }

    async fn hand_on(&mut self, event: Remembered, stored_at: Timestamp) {
        self.screen(&event, stored_at).await;
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
            ready = Some(self.make_ready(&event, stored_at).await);
        };
        if let Lane::Timeline(room) = &event.lane {
            let told = event
                .broadcast
                .get()
                .is_none_or(|told| told.as_ref().is_some_and(|told| !told.is_hole()));
            self.chain.handed_on(room, event.sequence, event.previous, told);
        }
        self.reached(event.sequence);
        if let Some(Ready { event: Some(event), span, .. }) = ready {
            traced::delivered(span, &event, delivered);
            if delivered > 0 {
                self.gathered.push(event.time);
            }
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

    async fn make_ready(&mut self, remembered: &Remembered, stored_at: Timestamp) -> Ready {
        let event = match Event::decode(&remembered.payload) {
            Ok(event) => event,
            Err(error) => {
                self.undecodable(remembered.sequence, &error);
                self.distrust(&remembered.lane, &error);
                self.hub.inner.broadcast_unreadable(remembered, &error);
                return Ready::default();
            }
        };
        let span = traced::delivery(&event, remembered.sequence);
        if let EventData::Message(MessageEvent::Posted(_)) = &event.data {
            self.late.judge(&event.data, remembered.sequence, stored_at);
        }
        let inner = &self.hub.inner;
        if matches!(remembered.lane, Lane::User(_) | Lane::Session(_)) {
            inner.observers.iter().for_each(|observer| observer.observe(&event));
        }
        let broadcast = inner.broadcast(remembered, &event).await;
        let rooms = if let Some(Broadcast {
            audience: Audience::SharesRoomWith(user) | Audience::Erased(user),
            ..
        }) = broadcast.as_deref()
        {
            self.rooms_of(user).await
        } else {
            Arc::default()
        };
        Ready { event: Some(event), span, rooms }
    }

    /// The rooms of a user who may not be connected here.
    async fn rooms_of(&self, user: &UserId) -> Arc<HashSet<RoomId>> {
        let known = self.hub.inner.state.lock().routing.rooms_of(user).cloned();
        match known {
            Some(rooms) => rooms,
            None => Arc::new(self.hub.inner.load_rooms(user).await.unwrap_or_else(|error| {
                tracing::warn!(error = %error_chain(&error), "cannot find out who shares a room with a user");
                HashSet::new()
            })),
        }
    }
}
