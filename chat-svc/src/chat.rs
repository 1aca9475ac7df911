//! What every handler works with.

use std::sync::Arc;
use std::time::Duration;

use eventlog::EventLog;
use schemas::{EventData, Lane, NameKey, Sequence};
use tokio::sync::watch;

use crate::index::MessageIndex;
use crate::lanes::Lanes;
use crate::metrics::ChatMetrics;
use crate::recent::Recent;
use crate::repeats::Repeats;

/// The log, what is known of it, and where to look things up.
pub(crate) struct Chat {
    pub(crate) log: EventLog,
    pub(crate) names: NameKey,
    pub(crate) lanes: Lanes,
    pub(crate) recent: Recent,
    pub(crate) repeats: Repeats,
    pub(crate) index: Arc<dyn MessageIndex>,
    pub(crate) metrics: ChatMetrics,
    /// How far the live feed has been followed.
    pub(crate) followed: watch::Sender<Sequence>,
}

impl Chat {
    /// Takes note of an event at a place of the log.
    pub(crate) fn learn(&self, lane: &Lane, sequence: Sequence, event: &EventData) {
        self.lanes.learn(lane, sequence, event);
        self.recent.learn(lane, sequence, event);
    }

    /// Waits until the live feed has brought everything up to a sequence; whether it has in time.
    pub(crate) async fn has_followed(&self, sequence: Sequence, patience: Duration) -> bool {
        let mut followed = self.followed.subscribe();
        let reached = followed.wait_for(|followed| *followed >= sequence);
        matches!(tokio::time::timeout(patience, reached).await, Ok(Ok(_)))
    }

    /// Forgets what may have been overtaken by events that were missed.
    pub(crate) fn forget_all(&self) {
        self.lanes.forget_all();
        self.recent.forget_all();
    }
}
