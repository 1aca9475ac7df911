//! Turns of two builds that are compared: while one measures, the other waits with its servers idle.
//!
//! A scenario asks for its turn before every round, so rounds alternate and both builds meet the same moods of the
//! machine. It need not know whether there is another build.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use crate::machine::usage;
use crate::servers::Tidings;

/// A server that uses less than this share of a core rests.
const RESTING: f64 = 0.1;
/// How long its use is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// How long it is waited for at most.
const AT_MOST: Duration = Duration::from_secs(90);

/// What both builds share in one benchmark.
#[derive(Debug, Default)]
struct Table {
    /// Held by the build whose turn it is. Who waits longest is next.
    turn: Arc<tokio::sync::Mutex<()>>,
    rate: OnceLock<f64>,
}

/// One build's seat at the table.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    table: Arc<Table>,
    /// Whether another build has a seat, too.
    shared: bool,
    held: Mutex<Option<tokio::sync::OwnedMutexGuard<()>>>,
}

impl Turn {
    /// Two seats at one table.
    pub(crate) fn two() -> (Self, Self) {
        let table = Arc::new(Table::default());
        let seat = || Self { table: Arc::clone(&table), shared: true, held: Mutex::default() };
        (seat(), seat())
    }

    /// Waits until it is this build's turn. Its servers that go on running are left to finish first what they still do,
    /// as they would slow down the other build.
    pub(crate) async fn next(&self, servers: &[&Tidings]) {
        if !self.shared {
            return;
        }
        for server in servers {
            rests(server).await;
        }
        self.leave();
        let turn = Arc::clone(&self.table.turn).lock_owned().await;
        if let Ok(mut held) = self.held.lock() {
            *held = Some(turn);
        }
    }

    /// Lets the other build go on.
    pub(crate) fn leave(&self) {
        if let Ok(mut held) = self.held.lock() {
            held.take();
        }
    }

    /// The rate at which both builds are measured: that of the one that finds one first.
    pub(crate) fn agreed(&self, rate: f64) -> f64 {
        *self.table.rate.get_or_init(|| rate)
    }
}

/// Waits until a server and its nats-server do next to nothing.
async fn rests(server: &Tidings) {
    let used = || server.pids().into_iter().map(|pid| usage(pid).cpu).sum::<f64>();
    let deadline = Instant::now() + AT_MOST;
    let mut before = used();
    while Instant::now() < deadline {
        tokio::time::sleep(LOOK).await;
        let now = used();
        if now - before < RESTING * LOOK.as_secs_f64() {
            return;
        }
        before = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn rounds(turn: &Turn, name: char, seen: &Mutex<String>) {
        turn.next(&[]).await;
        // Servers are started.
        tokio::task::yield_now().await;
        for _ in 0..3 {
            turn.next(&[]).await;
            seen.lock().unwrap().push(name);
            tokio::task::yield_now().await;
            seen.lock().unwrap().push(name);
        }
        turn.leave();
    }

    #[tokio::test]
    async fn rounds_of_two_builds_alternate() {
        let ((new, old), seen) = (Turn::two(), Mutex::default());
        tokio::join!(rounds(&new, 'n', &seen), rounds(&old, 'o', &seen));
        assert_eq!(seen.into_inner().unwrap(), "nnoonnoonnoo");
    }

    #[tokio::test]
    async fn one_build_alone_waits_for_no_other() {
        let (turn, seen) = (Turn::default(), Mutex::default());
        rounds(&turn, 'n', &seen).await;
        assert_eq!(seen.into_inner().unwrap(), "nnnnnn");
        assert_eq!((turn.agreed(7.0), turn.agreed(8.0)), (7.0, 7.0));
    }
}
