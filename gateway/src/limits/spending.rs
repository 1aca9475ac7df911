//! What people and addresses have used at this gateway and other gateways have not been told yet.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// The little that a person or an address has used is told no later than this.
const AT_LATEST: Duration = Duration::from_secs(1);
/// Those about whom something may wait to be told; what more of them do is told with their next act.
const MAX_WAITING: usize = 100_000;

/// What a person or an address has used since it was told last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Spending {
    /// Requests over REST.
    #[serde(default)]
    pub(super) requests: u32,
    /// Frames, and writes over REST.
    #[serde(default)]
    pub(super) writes: u32,
    /// Bytes stored.
    #[serde(default)]
    pub(super) bytes: u64,
    /// Attempts to log in, to register or to show that one knows a password.
    #[serde(default)]
    pub(super) attempts: u32,
}

impl Spending {
    fn add(&mut self, more: Self) {
        self.requests = self.requests.saturating_add(more.requests);
        self.writes = self.writes.saturating_add(more.writes);
        self.bytes = self.bytes.saturating_add(more.bytes);
        self.attempts = self.attempts.saturating_add(more.attempts);
    }
}

/// What waits to be told.
pub(super) struct Unsent<K>(HashMap<K, (Spending, Instant)>);

impl<K> Default for Unsent<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Hash + Eq + Clone> Unsent<K> {
    pub(super) fn note(&mut self, whose: &K, spent: Spending, now: Instant) {
        if let Some((waiting, _)) = self.0.get_mut(whose) {
            waiting.add(spent);
        } else if self.0.len() < MAX_WAITING {
            self.0.insert(whose.clone(), (spent, now));
        }
    }

    /// Takes out what is notable or has waited for long.
    pub(super) fn take(
        &mut self,
        now: Instant,
        is_notable: impl Fn(&Spending) -> bool,
    ) -> Vec<(K, Spending)> {
        let due = |(spent, since): &(Spending, Instant)| {
            is_notable(spent) || now.saturating_duration_since(*since) >= AT_LATEST
        };
        self.0
            .extract_if(|_, waiting| due(waiting))
            .map(|(whose, (spent, _))| (whose, spent))
            .collect()
    }
}
