//! The newest messages of rooms, kept in memory: most reads of a timeline are of its newest page.
//!
//! A page is what the read model has shown, and what the log has brought to it since, up to what the read model is known
//! to have projected: never more, as readers are judged by the read model. Where what an event does to a page is not
//! plain from the event itself, the page is dropped and loaded anew. Owns the pages; it must not know who may read them.

mod page;

use std::sync::Arc;

use moka::sync::Cache;
use readmodel::{MessageDoc, ReadModel, RoomDoc, Threads};
use schemas::{Event, Lane, RoomId, Sequence};
use telemetry::Metrics;
use telemetry::prometheus_client::encoding::EncodeLabelSet;
use telemetry::prometheus_client::metrics::counter::Counter;
use telemetry::prometheus_client::metrics::family::Family;

use crate::live::{Hub, Passed};
use page::{Page, Stale};

/// The pages of so many rooms are kept at most.
const MAX_PAGES: usize = 20_000;
/// Messages loaded at least, so that clients that ask for different numbers share a page; one more than they are given.
const LOADED: usize = 51;
/// Events that are applied to a page; after more it is loaded anew.
const MOST_EVENTS: usize = 256;

/// How far the read model was known to be before a reader's right was looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    generation: String,
    through: Sequence,
}

impl Known {
    /// How far it is known to be now; none while another generation takes over.
    pub(crate) fn of(read: &ReadModel) -> Option<Self> {
        let generation = read.generation();
        let through = read.known_checkpoints().conversations;
        (read.generation() == generation).then_some(Self { generation, through })
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    outcome: &'static str,
}

/// A page, and everything up to which it shows.
#[derive(Debug)]
struct Held {
    page: Page,
    known: Known,
}

type Key = (RoomId, Threads);

/// The newest messages of rooms.
pub(crate) struct Recent {
    pages: Cache<Key, Arc<Held>>,
    asked: Family<Asked, Counter>,
}

impl Recent {
    /// Keeps pages of so many bytes altogether. Registers `recent_pages`.
    pub(crate) fn new(bytes: usize, metrics: &Metrics) -> Self {
        let least = bytes / MAX_PAGES;
        let weigh = move |_: &Key, held: &Arc<Held>| {
            u32::try_from(held.page.bytes().max(least)).unwrap_or(u32::MAX)
        };
        let capacity = u64::try_from(bytes).unwrap_or(u64::MAX);
        let pages = Cache::builder().weigher(weigh).max_capacity(capacity).build();
        let asked = Family::<Asked, Counter>::default();
        metrics.register(|registry| {
            let help = "Reads of the newest messages of a room: from memory (hit) or not (miss)";
            registry.register("recent_pages", help, asked.clone());
        });
        Self { pages, asked }
    }

    /// The newest messages of a room, at most so many, oldest first; none when they are not known here.
    pub(crate) fn newest(
        &self,
        hub: &Hub,
        known: Option<&Known>,
        (room, threads): (&RoomId, Threads),
        most: usize,
    ) -> Option<Vec<MessageDoc>> {
        let found = known.and_then(|known| self.up_to(hub, known, (*room, threads)));
        let found = found.and_then(|held| held.page.newest(most));
        let outcome = if found.is_some() { "hit" } else { "miss" };
        self.asked.get_or_create(&Asked { outcome }).inc();
        found
    }

    /// A page as of what is known, or a moment later.
    fn up_to(&self, hub: &Hub, known: &Known, key: Key) -> Option<Arc<Held>> {
        let held = self.pages.get(&key)?;
        if held.known.generation != known.generation {
            return None;
        }
        if held.known.through >= known.through {
            return Some(held);
        }
        let after = held.known.through;
        let passed = hub.passed_in(&key.0, after, known.through, MOST_EVENTS)?;
        let mut page = held.page.clone();
        if passed.iter().try_for_each(|passed| apply(&mut page, passed)).is_err() {
            self.pages.invalidate(&key);
            return None;
        }
        let held = Arc::new(Held { page, known: known.clone() });
        self.keep(key, &held);
        Some(held)
    }

    /// How many messages to load when so many were asked for.
    pub(crate) fn to_load(asked: usize) -> usize {
        asked.max(LOADED)
    }

    /// Keeps the newest messages of a room as they were loaded when so many were asked for, after the room itself, after
    /// so much was known.
    pub(crate) fn loaded(
        &self,
        known: Option<Known>,
        (room, threads): (&RoomDoc, Threads),
        docs: &[MessageDoc],
        asked: usize,
    ) {
        let Some(known) = known else { return };
        let page = Page::loaded(room, threads, docs.to_vec(), asked);
        self.keep((room.state.id, threads), &Arc::new(Held { page, known }));
    }

    /// Keeps a page, unless there is a later one.
    fn keep(&self, key: Key, held: &Arc<Held>) {
        let fresher = |there: &Arc<Held>| {
            there.known.generation == held.known.generation
                && there.known.through > held.known.through
        };
        self.pages.entry(key).and_upsert_with(|there| match there {
            Some(there) if fresher(there.value()) => Arc::clone(there.value()),
            _ => Arc::clone(held),
        });
    }
}

/// What an event in a room does to its page.
fn apply(page: &mut Page, passed: &Passed) -> Result<(), Stale> {
    match &passed.lane {
        Lane::Timeline(_) | Lane::Retention(_) => {
            let event = Event::decode(&passed.payload).map_err(|_| Stale)?;
            page.apply(passed.sequence, &event.data)
        }
        // What the room is called, who is in it and how far they have read stands on no page.
        Lane::Room(_)
        | Lane::Member(..)
        | Lane::Receipts(_)
        | Lane::Prefs(..)
        | Lane::Threads(_)
        | Lane::User(_)
        | Lane::Session(_)
        | Lane::Challenges(_)
        | Lane::Identity(_)
        | Lane::Identities(_)
        | Lane::Audit(_)
        | Lane::Erasure(_)
        | Lane::RoomHold(_)
        | Lane::Exports(_)
        | Lane::UserHold(_)
        | Lane::Handle(_)
        | Lane::Email(_)
        | Lane::RoomName(_)
        | Lane::Direct(_)
        | Lane::Inbox(_)
        | Lane::Media(_)
        | Lane::Report(_)
        | Lane::Blocks(_)
        | Lane::Invite(_) => Ok(()),
    }
}
