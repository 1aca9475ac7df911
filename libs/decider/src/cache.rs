//! A bounded cache of entities, filled from the log and kept fresh by the live feed.
//!
//! It may be behind the log, never wrong about a sequence: a decision made by it is written under an expectation,
//! and where that fails the decision is made again by what the log says then.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use eventlog::EventLog;
use foldhash::quality::RandomState;
use moka::ops::compute::Op;
use moka::sync::Cache;
use schemas::entities::Entity;
use schemas::{EventData, Sequence};

use crate::failure::Failure;
use crate::lanes::{Loaded, ReadFrom, Seen, load};
use crate::metrics::Lookups;

/// Nothing stays longer than this without being read from the log again, whatever the feed missed.
const TIME_TO_LIVE: Duration = Duration::from_secs(300);

/// The cache of one kind of entity.
pub struct LaneCache<E: Entity> {
    log: EventLog,
    cache: Cache<E::Key, Arc<Loaded<E>>, RandomState>,
    /// Counts how often everything was forgotten: what was read before must not be put back after.
    forgotten: AtomicU64,
    lookups: Lookups,
}

impl<E: Entity> LaneCache<E> {
    /// An empty cache of at most `capacity` entities of a log.
    #[must_use]
    pub fn new(log: EventLog, capacity: u64, lookups: Lookups) -> Self {
        let cache = Cache::builder()
            .max_capacity(capacity)
            .time_to_live(TIME_TO_LIVE)
            .build_with_hasher(RandomState::default());
        Self { log, cache, forgotten: AtomicU64::new(0), lookups }
    }

    /// The state of an entity, from the cache if allowed and there, else from the log.
    ///
    /// # Errors
    /// See [`load`].
    pub async fn get(&self, key: &E::Key, from: ReadFrom) -> Result<Arc<Loaded<E>>, Failure> {
        if from == ReadFrom::Cache {
            if let Some(known) = self.cache.get(key) {
                self.lookups.hits.inc();
                return Ok(known);
            }
            self.lookups.misses.inc();
        }
        let before = self.forgotten.load(Ordering::SeqCst);
        let loaded = Arc::new(load::<E>(&self.log, key).await?);
        if self.forgotten.load(Ordering::SeqCst) == before {
            self.offer(key, &loaded);
        }
        // In a cluster a follower may answer that is behind what the feed has brought already.
        match self.cache.get(key) {
            Some(known) if known.at > loaded.at => Ok(known),
            _ => Ok(loaded),
        }
    }

    /// Takes note of an event of an entity's lane, which may be the one after which there is no such entity.
    pub fn learn(&self, key: &E::Key, at: Sequence, event: &EventData) {
        self.offer(key, &Arc::new(Seen { at, state: E::after(event) }));
    }

    /// Forgets everything: the feed has missed something.
    pub fn forget_all(&self) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.cache.invalidate_all();
    }

    /// Puts a state in place of an older one.
    fn offer(&self, key: &E::Key, offered: &Arc<Loaded<E>>) {
        self.cache.entry_by_ref(key).and_compute_with(|known| match known {
            Some(known) if known.value().at >= offered.at => Op::Nop,
            _ => Op::Put(Arc::clone(offered)),
        });
    }
}
