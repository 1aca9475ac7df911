//! When sessions were used, which their owners see in the list of them. Noted here in memory, told to auth-svc in the
//! background and together: no request waits for it, and a session is told of once in some minutes.

use std::collections::HashSet;
use std::time::Duration;

use foldhash::quality::RandomState;
use moka::sync::Cache;
use parking_lot::Mutex;
use schemas::SessionId;

/// How often a session is told of.
const EVERY: Duration = Duration::from_secs(300);
/// Sessions remembered as told of.
const REMEMBERED: u64 = 200_000;
/// Sessions that wait to be told of; what is beyond is told of at the next use.
const MAX_WAITING: usize = 20_000;
/// Sessions told of at once: as many as the command takes.
const AT_ONCE: usize = 1_000;

/// Which sessions were used lately.
pub(super) struct Uses {
    lately: Cache<SessionId, (), RandomState>,
    waiting: Mutex<HashSet<SessionId>>,
}

impl Uses {
    pub(super) fn new() -> Self {
        let lately = Cache::builder().max_capacity(REMEMBERED).time_to_live(EVERY);
        let lately = lately.build_with_hasher(RandomState::default());
        Self { lately, waiting: Mutex::default() }
    }

    /// A session was used.
    pub(super) fn note(&self, session: &SessionId) {
        if self.lately.contains_key(session) {
            return;
        }
        let mut waiting = self.waiting.lock();
        if waiting.len() < MAX_WAITING {
            self.lately.insert(*session, ());
            waiting.insert(*session);
        }
    }

    /// Takes those that wait, as many as may be told of at once.
    pub(super) fn take(&self) -> Vec<SessionId> {
        let mut waiting = self.waiting.lock();
        let taken: Vec<SessionId> = waiting.iter().take(AT_ONCE).cloned().collect();
        for session in &taken {
            waiting.remove(session);
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::fixture::session;

    #[test]
    fn a_session_is_told_of_once_however_often_it_is_used() {
        let uses = Uses::new();
        for number in [1, 2, 1, 1] {
            uses.note(&session(number));
        }
        let mut taken = uses.take();
        taken.sort();
        assert_eq!(taken, [session(1), session(2)]);
        uses.note(&session(1));
        assert!(uses.take().is_empty());
    }

    #[test]
    fn what_waits_is_bounded_and_goes_in_pieces() {
        let uses = Uses::new();
        for number in 0..30_000 {
            uses.note(&session(number));
        }
        let pieces: Vec<usize> = std::iter::repeat_with(|| uses.take().len()).take(21).collect();
        assert_eq!((pieces.first(), pieces.iter().sum::<usize>()), (Some(&1_000), MAX_WAITING));
        uses.note(&session(29_999));
        assert_eq!(uses.take().len(), 1, "what found no room is noted at its next use");
    }
}
