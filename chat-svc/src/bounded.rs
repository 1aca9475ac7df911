//! A bounded map that forgets what came first.
//!
//! For what every post enters: an entry costs a look and a place in a row, where a cache that keeps book of every use and
//! tidies up behind itself costs ten times that.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher as _, Hash};

use foldhash::fast::RandomState;
use parking_lot::Mutex;

/// Parts with locks of their own, of a map that is not small.
const PARTS: usize = 16;
/// A map for fewer is in one part.
const SMALL: usize = 1_024;

/// The map.
pub(crate) struct Bounded<K, V> {
    parts: Vec<Mutex<Part<K, V>>>,
    /// Entries of a part at most.
    each: usize,
    hasher: RandomState,
}

struct Part<K, V> {
    entries: HashMap<K, V, RandomState>,
    /// The keys in the order they came.
    row: VecDeque<K>,
}

impl<K, V> Default for Part<K, V> {
    fn default() -> Self {
        Self { entries: HashMap::default(), row: VecDeque::new() }
    }
}

impl<K: Hash + Eq + Clone, V: Clone> Bounded<K, V> {
    /// For about so many entries.
    pub(crate) fn new(capacity: u64) -> Self {
        let capacity = usize::try_from(capacity).unwrap_or(usize::MAX);
        let parts = if capacity < SMALL { 1 } else { PARTS };
        Self {
            parts: std::iter::repeat_with(Mutex::default).take(parts).collect(),
            each: (capacity / parts).max(1),
            hasher: RandomState::default(),
        }
    }

    fn with<R>(&self, key: &K, act: impl FnOnce(&mut Part<K, V>) -> R) -> R {
        let parts = u64::try_from(self.parts.len()).unwrap_or(1).max(1);
        // The low bits choose the place within a part.
        let part = (self.hasher.hash_one(key) >> 32) % parts;
        match usize::try_from(part).ok().and_then(|part| self.parts.get(part)) {
            Some(part) => act(&mut part.lock()),
            None => act(&mut Part::default()),
        }
    }

    pub(crate) fn get(&self, key: &K) -> Option<V> {
        self.with(key, |part| part.entries.get(key).cloned())
    }

    /// Enters what is not known yet.
    pub(crate) fn enter(&self, key: &K, value: V) {
        self.change(key, |known| known.is_none().then_some(value));
    }

    /// Gives an entry the value that follows from what is known, if any does.
    pub(crate) fn change(&self, key: &K, next: impl FnOnce(Option<&V>) -> Option<V>) {
        self.with(key, |part| {
            if let Some(known) = part.entries.get_mut(key) {
                if let Some(next) = next(Some(&*known)) {
                    *known = next;
                }
            } else if let Some(next) = next(None) {
                part.enter(key, next, self.each);
            }
        });
    }

    pub(crate) fn forget_all(&self) {
        for part in &self.parts {
            let forgotten = std::mem::take(&mut *part.lock());
            // After the lock is let go.
            drop(forgotten);
        }
    }
}

impl<K: Hash + Eq + Clone, V> Part<K, V> {
    fn enter(&mut self, key: &K, value: V, most: usize) {
        if self.row.len() >= most
            && let Some(oldest) = self.row.pop_front()
        {
            self.entries.remove(&oldest);
        }
        self.row.push_back(key.clone());
        self.entries.insert(key.clone(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_first_is_forgotten_first() {
        let map = Bounded::new(3);
        for key in 1..=3 {
            map.enter(&key, "a");
        }
        map.enter(&1, "b");
        assert_eq!(map.get(&1), Some("a"), "what is known stays");
        map.change(&2, |known| known.map(|_| "c"));
        map.change(&9, |known| known.map(|_| "d"));
        assert_eq!((map.get(&2), map.get(&9)), (Some("c"), None));
        map.enter(&4, "e");
        let known: Vec<_> = (1..=4).map(|key| map.get(&key)).collect();
        assert_eq!(known, [None, Some("c"), Some("a"), Some("e")]);
        map.forget_all();
        assert!((1..=4).all(|key| map.get(&key).is_none()));
        map.enter(&1, "f");
        assert_eq!(map.get(&1), Some("f"));
    }

    #[test]
    fn a_large_one_holds_about_what_it_is_for() {
        let map = Bounded::new(16_000);
        (0..100_000_u32).for_each(|key| map.enter(&key, ()));
        let known = |keys: std::ops::Range<u32>| keys.filter(|key| map.get(key).is_some()).count();
        assert_eq!(known(0..100_000), 16_000);
        assert_eq!(known(92_000..100_000), 8_000);
        assert_eq!(known(0..50_000), 0);
    }
}
