//! Turns within this process, for what is changed under compare-and-set.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use tokio::sync::{Mutex, MutexGuard};

/// So many things can be changed at the same time.
const TURNS: u64 = 64;

/// Changes of one thing take turns: a burst of them is worked off instead of wearing out its retries.
pub(crate) struct Turns(Vec<Mutex<()>>);

impl Turns {
    /// Nothing is being changed.
    pub(crate) fn new() -> Self {
        Self((0..TURNS).map(|_| Mutex::new(())).collect())
    }

    /// Waits for the turn of a change to what has this key; it lasts as long as what is given.
    pub(crate) async fn of(&self, key: &str) -> Option<MutexGuard<'_, ()>> {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let turn = usize::try_from(hasher.finish() % TURNS).unwrap_or_default();
        Some(self.0.get(turn)?.lock().await)
    }
}
