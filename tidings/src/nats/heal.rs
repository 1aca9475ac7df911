//! Starts the private server again when it takes no writes although there is room.
//!
//! After a write to its files has failed, nats-server takes none for that stream or consumer until it is started
//! again, and one that was started on a full disk keeps to what was free then. Clients keep their sockets.

use std::time::Duration;

use eventlog::{EventLog, Store};
use service::ticks;
use tokio::time::Instant;

use super::supervise::Restarter;
use crate::room;

/// Between two looks at whether there is room.
const LOOK: Duration = Duration::from_secs(1);
/// The first pause between two restarts; it doubles with each that did not help for long.
const FIRST_PAUSE: Duration = Duration::from_secs(4);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A store that has taken writes for so long is well: the next failure is the first in a row again.
const WELL_AFTER: Duration = Duration::from_secs(60);
/// Bytes that must fit on the disk before a restart is worth it: what the server writes when it starts, and
/// some events.
const ROOM: usize = 4 * 1024 * 1024;

/// Runs as long as the log does.
pub(crate) async fn heal(log: EventLog, server: Restarter) {
    let mut store = log.watch_store();
    let mut restarted: Option<Instant> = None;
    let mut pause = FIRST_PAUSE;
    // What failed need not be the log: it may be a bucket or a consumer, of which the server speaks once. The log is
    // found to take writes then, maybe before this is; only a restart heals the others.
    let mut broken = false;
    let mut next = ticks(LOOK);
    loop {
        tokio::select! {
            changed = store.changed() => if changed.is_err() { return },
            _ = next.tick() => {}
        }
        if server.take_write_error() {
            broken = true;
            log.note_store_failed();
        }
        let state = *store.borrow_and_update();
        let since = restarted.map(|at| at.elapsed());
        if !broken && state < Store::Refused {
            if since.is_some_and(|since| since > WELL_AFTER) {
                (restarted, pause) = (None, FIRST_PAUSE);
            }
            continue;
        }
        if since.is_some_and(|since| since < pause) {
            continue;
        }
        if let Err(error) = room::takes(server.store(), ROOM).await {
            tracing::debug!(%error, "there is no room on the disk");
            continue;
        }
        tracing::warn!(?state, "there is room on the disk: starting the nats-server again");
        if restarted.replace(Instant::now()).is_some() {
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        broken = false;
        server.restart();
    }
}
