//! Says of deliveries that are waiting or worked on that they are in hand, so that the time after which they are
//! delivered again may be short: only what a process held that died comes again, and soon.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use eventlog::Hold;
use parking_lot::Mutex;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval};

/// What a process has in hand, and when it said so last.
#[derive(Default)]
struct Hand {
    next: AtomicU64,
    holds: Mutex<HashMap<u64, (Instant, Hold)>>,
}

/// Speaks for all deliveries of a worker for as long as it lives.
pub(crate) struct Keeper {
    hand: Arc<Hand>,
    _speaking: JoinSet<()>,
}

/// One delivery in hand, until this is dropped.
pub(crate) struct Kept {
    number: u64,
    hand: Arc<Hand>,
}

impl Keeper {
    /// Says it of each delivery after so long, and every so often from then on.
    pub(crate) fn every(pause: Duration) -> Self {
        let hand = Arc::<Hand>::default();
        let mut speaking = JoinSet::new();
        speaking.spawn(speak(Arc::clone(&hand), pause));
        Self { hand, _speaking: speaking }
    }

    /// Takes a delivery in hand.
    pub(crate) fn keep(&self, hold: Hold) -> Kept {
        let number = self.hand.next.fetch_add(1, Ordering::Relaxed);
        self.hand.holds.lock().insert(number, (Instant::now(), hold));
        Kept { number, hand: Arc::clone(&self.hand) }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.hand.holds.lock().remove(&self.number);
    }
}

async fn speak(hand: Arc<Hand>, pause: Duration) {
    let mut ticks = interval(pause / 2);
    loop {
        let now = ticks.tick().await;
        let mut due = Vec::new();
        for (said, hold) in hand.holds.lock().values_mut() {
            if now.saturating_duration_since(*said) >= pause {
                *said = now;
                due.push(hold.clone());
            }
        }
        for hold in due {
            hold.extend().await;
        }
    }
}
