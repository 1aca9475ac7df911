//! Follows what is stored and keeps this process's knowledge fresh.
//!
//! The feed may lose messages. That costs no correctness where an expectation guards a decision, and where
//! none does (an archived room, a suspended person) what is known is thrown away as soon as a loss shows:
//! by a notice, a jump in the sequences, or a log that is further than the feed.

use std::sync::Arc;
use std::time::Duration;

use bus::{Bus, BusError, Live, LiveEvent, LiveFeed};
use schemas::ids::MessageId;
use schemas::{Event, Heading, Lane, RoomId, Sequence, UserId};
use telemetry::Shutdown;
use tokio::time::{MissedTickBehavior, interval};

use crate::chat::Chat;

/// How often the log's end is compared with the feed's.
const COMPARE_EVERY: Duration = Duration::from_secs(2);
const POSTED: &str = "message.posted.v1";

/// Follows the live feed of a log.
pub(crate) struct Follower {
    chat: Arc<Chat>,
    feed: LiveFeed,
    /// The last sequence the feed has brought; 0 before the first.
    seen: Sequence,
    /// Where the log ended when it was last compared.
    head: Sequence,
}

impl Follower {
    /// Subscribes; what is stored after this returns will be followed.
    pub(crate) async fn subscribe(chat: &Arc<Chat>, bus: &Bus) -> Result<Self, BusError> {
        Ok(Self { chat: Arc::clone(chat), feed: bus.live().await?, seen: 0, head: 0 })
    }

    /// Follows until asked to stop.
    pub(crate) async fn run(mut self, shutdown: Shutdown) {
        let mut compare = interval(COMPARE_EVERY);
        compare.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = shutdown.wait() => return,
                live = self.feed.next() => match live {
                    Some(live) => self.take(live),
                    None => return,
                },
                _ = compare.tick() => self.compare().await,
            }
        }
    }

    fn take(&mut self, live: Live) {
        match live {
            Live::Event(event) => {
                self.step(event.sequence);
                self.learn(&event);
                self.chat.dedup.live(event.sequence);
            }
            Live::Unknown { sequence } => {
                self.step(sequence);
                self.chat.dedup.live(sequence);
            }
            Live::Disconnected | Live::Reconnected | Live::Lagged => {
                self.chat.forget_all(self.seen)
            }
        }
        self.followed();
    }

    /// Goes on to a sequence; one that does not follow shows a loss (or an erased event).
    fn step(&mut self, sequence: Sequence) {
        let before = sequence.saturating_sub(1);
        if self.seen == 0 {
            self.chat.additions.begin(before);
        } else if before > self.seen {
            tracing::debug!(event.seq = sequence, "the live feed has a gap; forgetting the caches");
            self.chat.forget_all(before);
        }
        self.seen = self.seen.max(sequence);
    }

    /// What was just taken is known from now on to those who wait for it.
    fn followed(&self) {
        let followed = &self.chat.followed;
        // Looked at under its lock: who waits from now on finds this place. Mostly none does.
        followed.send_if_modified(|at| {
            *at = self.seen;
            followed.receiver_count() > 0
        });
    }

    /// Takes note of an event.
    fn learn(&self, live: &LiveEvent) {
        // The bulk of all events are posts, of which only the place is of interest here.
        if let Lane::Timeline(room) = &live.lane
            && let Some(heading) = Heading::read(&live.payload)
            && heading.kind == POSTED
        {
            return self.posted(room, &heading, live);
        }
        match Event::decode(&live.payload) {
            Ok(event) => self.chat.learn(&live.lane, live.sequence, &event.data),
            // A command that needs this entity loads it from the log and fails loudly there.
            Err(error) => {
                self.chat.log.note_unreadable(live.sequence, &error);
                tracing::warn!(event.seq = live.sequence, %error, "a live event cannot be read");
                self.chat.forget_all(live.sequence);
            }
        }
    }

    /// Takes note of a post. What this process writes itself, or has written, need not be read for that: its author's turn
    /// in a room in slow mode was taken before.
    fn posted(&self, room: &RoomId, heading: &Heading<'_>, live: &LiveEvent) {
        let Ok(id) = MessageId::parse(&heading.subject) else { return };
        let chat = &self.chat;
        if chat.under_way.has(&id, |claim| chat.dedup.note(claim)) {
            return chat.recent.wrote(&id, room, live.sequence);
        }
        if chat.recent.message(&id).is_some_and(|known| known.ours) {
            return;
        }
        chat.recent.posted(&id, room, live.sequence);
        if let Ok(author) = UserId::parse(&heading.actor) {
            chat.slow.heard((*room, author), id);
        }
        chat.dedup.note_payload(&live.payload);
    }

    /// The end of a quiet feed may be lost without anything following that would show it.
    async fn compare(&mut self) {
        let Ok(head) = self.chat.log.head().await else { return };
        let before = std::mem::replace(&mut self.head, head);
        if before > self.seen {
            if self.seen != 0 {
                tracing::debug!(event.seq = before, "the live feed is behind the log");
            }
            self.chat.forget_all(before);
            self.seen = before;
            self.followed();
        }
    }
}
