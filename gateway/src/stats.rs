//! What an installation amounts to, for admins: counted at most every few seconds, however often it is asked for.

use std::time::{Duration, Instant};

use eventlog::EventLog;
use readmodel::{Counts, ReadModel};
use schemas::{Position, Rejection, Sequence, Timestamp};
use serde::Serialize;
use tokio::sync::Mutex;

use crate::failure;
use crate::presence::Presence;

/// How long figures are good, at least.
const GOOD_FOR: Duration = Duration::from_secs(2);
/// For how many times as long as counting took they are good: counting never costs more than a hundredth of a core.
const SHARE: u32 = 100;
/// Seconds of a day.
const DAY: i64 = 86_400;
/// Sequences that are looked at for the oldest event that is not projected; erased ones are not there.
const HOLES: u64 = 64;

/// The figures.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub(crate) struct Stats {
    /// Accounts, without those that were erased.
    users: u64,
    /// Users who asked for something, or held a socket, within the last 24 hours.
    active_users_day: u64,
    /// Rooms: direct ones and archived ones, too.
    rooms: u64,
    /// Messages, deleted ones included.
    messages: u64,
    /// Open sockets, over all gateways.
    sockets: u64,
    /// Events in the log.
    events: u64,
    /// Bytes of the log on each of its servers.
    store_bytes: u64,
    /// The end of the log.
    position: Position,
    /// For how long the oldest event has waited that the read model does not show yet; 0 when it shows all.
    projection_lag_seconds: f64,
}

/// What the figures come from.
#[derive(Clone, Copy)]
pub(crate) struct Sources<'a> {
    pub(crate) log: &'a EventLog,
    pub(crate) read_model: &'a ReadModel,
    pub(crate) presence: &'a Presence,
}

/// The figures, until they are too old.
#[derive(Default)]
pub(crate) struct Counted(Mutex<Option<(Instant, Stats)>>);

impl Counted {
    /// The figures. Who asks while they are counted waits for them.
    ///
    /// # Errors
    /// `unavailable` when the log or the read model does not answer.
    pub(crate) async fn get(&self, from: Sources<'_>) -> Result<Stats, Rejection> {
        let mut counted = self.0.lock().await;
        if let Some((until, stats)) = &*counted
            && Instant::now() < *until
        {
            return Ok(stats.clone());
        }
        let begun = Instant::now();
        let stats = count(from).await?;
        let good_for = begun.elapsed().saturating_mul(SHARE).max(GOOD_FOR);
        *counted = Some((Instant::now() + good_for, stats.clone()));
        Ok(stats)
    }
}

async fn count(from: Sources<'_>) -> Result<Stats, Rejection> {
    let store = from.read_model.current();
    let Counts { users, rooms, messages } = store.counts().await.map_err(failure::store)?;
    let side = from.read_model.side().await.map_err(failure::store)?;
    let since = Timestamp::now().plus_seconds(-DAY);
    let active = side.request_log().active_since(since).await.map_err(failure::store)?;
    let size = from.log.size().await.map_err(failure::log)?;
    let checkpoint = store.checkpoint().await.map_err(failure::store)?;
    let oldest = oldest_waiting(from.log, checkpoint.groups.least(), size.head).await?;
    Ok(Stats {
        users,
        active_users_day: active,
        rooms,
        messages,
        sockets: from.presence.sockets(),
        events: size.events,
        store_bytes: size.bytes,
        position: from.log.epoch().at(size.head),
        projection_lag_seconds: oldest.map_or(0.0, seconds_since),
    })
}

/// When the oldest event was stored that is not projected; none when all are.
async fn oldest_waiting(
    log: &EventLog,
    projected: Sequence,
    head: Sequence,
) -> Result<Option<Timestamp>, Rejection> {
    for sequence in (projected + 1..=head).take(usize::try_from(HOLES).unwrap_or(1)) {
        if let Some(stored) = log.get(sequence).await.map_err(failure::log)? {
            return Ok(Some(stored.stored_at));
        }
    }
    Ok(None)
}

fn seconds_since(moment: Timestamp) -> f64 {
    let millis = Timestamp::now().millis().saturating_sub(moment.millis()).max(0);
    u32::try_from(millis).map_or(f64::from(u32::MAX), f64::from) / 1_000.0
}
