//! Commands about one thing, one after the other, within this process.

use std::hash::{BuildHasher, Hash, RandomState};

use tokio::sync::{Mutex, MutexGuard};

/// Things that do not share a turn, nearly always.
const PLACES: usize = 1_024;

/// Turns by thing. Two things may share one; a command takes two kinds of turns in one order only, so none waits for
/// itself.
pub(crate) struct Turns {
    places: Vec<Mutex<()>>,
    hasher: RandomState,
}

impl Turns {
    pub(crate) fn new() -> Self {
        let places = std::iter::repeat_with(Mutex::default).take(PLACES).collect();
        Self { places, hasher: RandomState::default() }
    }

    /// The turn of a command about a thing, until it is dropped.
    pub(crate) async fn of(&self, thing: &impl Hash) -> Option<MutexGuard<'_, ()>> {
        let place = self.hasher.hash_one(thing) % u64::try_from(PLACES).unwrap_or(1);
        let place = self.places.get(usize::try_from(place).unwrap_or(0))?;
        Some(place.lock().await)
    }
}
