//! A bounded table of what is owed by whom.
//!
//! Who owes nothing is the same as who was never there: those entries are forgotten, and no others, since to forget
//! a debt is to give a fresh allowance. When there are too many debtors all the same, those who come then share
//! cells by their hash: they get less than their own, never more.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::time::Instant;

use parking_lot::Mutex;

/// Parts of the table with locks of their own.
const SHARDS: usize = 16;
/// Entries of a part; the whole table holds 16 times as many, some megabytes.
const MAX_ENTRIES: usize = 8_192;
/// A part is cleared of who owes nothing when it has grown to this, or to twice what was left then.
const FIRST_CLEARING: usize = 256;
/// Cells of those who found the table full.
const SHARED: usize = 4_096;

/// An entry of a table.
pub(super) trait Entry: Default {
    /// Whether nothing is owed any more.
    fn is_settled(&self, now: Instant) -> bool;
}

struct Shard<K, V> {
    entries: HashMap<K, V>,
    clear_at: usize,
}

/// What is owed by whom.
pub(super) struct Table<K, V> {
    hasher: RandomState,
    shards: Vec<Mutex<Shard<K, V>>>,
    shared: Vec<Mutex<V>>,
}

impl<K: Hash + Eq + Clone, V: Entry> Table<K, V> {
    pub(super) fn new() -> Self {
        let shard = || Mutex::new(Shard { entries: HashMap::new(), clear_at: FIRST_CLEARING });
        Self {
            hasher: RandomState::new(),
            shards: (0..SHARDS).map(|_| shard()).collect(),
            shared: (0..SHARED).map(|_| Mutex::default()).collect(),
        }
    }

    /// Looks at, and changes, the entry of a key.
    pub(super) fn with<R>(&self, key: &K, now: Instant, act: impl FnOnce(&mut V) -> R) -> R {
        let hash = usize::try_from(self.hasher.hash_one(key) & 0xffff_ffff).unwrap_or(0);
        let shard = self.shards.get(hash % SHARDS);
        if let Some(shard) = shard {
            let mut shard = shard.lock();
            if let Some(entry) = shard.entries.get_mut(key) {
                return act(entry);
            }
            shard.clear(now);
            if shard.entries.len() < MAX_ENTRIES {
                return act(shard.entries.entry(key.clone()).or_default());
            }
        }
        match self.shared.get(hash / SHARDS % SHARED) {
            Some(cell) => act(&mut cell.lock()),
            None => act(&mut V::default()),
        }
    }
}

impl<K: Hash + Eq, V: Entry> Shard<K, V> {
    fn clear(&mut self, now: Instant) {
        if self.entries.len() < self.clear_at {
            return;
        }
        self.entries.retain(|_, entry| !entry.is_settled(now));
        self.entries.shrink_to(FIRST_CLEARING);
        // When most owe something, the next look is worth it only after as many more again.
        self.clear_at = (self.entries.len() * 2).max(FIRST_CLEARING);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[derive(Default)]
    struct Debt(Option<Instant>);

    impl Entry for Debt {
        fn is_settled(&self, now: Instant) -> bool {
            self.0.is_none_or(|until| until <= now)
        }
    }

    fn size(table: &Table<u64, Debt>) -> usize {
        table.shards.iter().map(|shard| shard.lock().entries.len()).sum()
    }

    #[test]
    fn who_owes_something_is_never_forgotten_and_the_table_is_bounded() {
        let (table, begin) = (Table::<u64, Debt>::new(), Instant::now());
        let until = begin + Duration::from_secs(60);
        let known = |key: u64, now| table.with(&key, now, |debt| debt.0.is_some());
        for key in 0..400_000 {
            table.with(&key, begin, |debt| debt.0 = Some(until));
        }
        assert!(size(&table) <= SHARDS * MAX_ENTRIES);
        assert!((0..400_000).all(|key| known(key, begin)));
    }

    #[test]
    fn who_owes_nothing_is_forgotten() {
        let (table, begin) = (Table::<u64, Debt>::new(), Instant::now());
        for key in 0..200_000_u64 {
            // One every millisecond, each owing for a second.
            let now = begin + Duration::from_millis(key);
            table.with(&key, now, |debt| debt.0 = Some(now + Duration::from_secs(1)));
        }
        assert!(size(&table) < 20_000, "{}", size(&table));
    }
}
