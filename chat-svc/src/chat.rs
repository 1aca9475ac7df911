//! What every handler works with.

use std::sync::Arc;

use eventlog::EventLog;
use schemas::{EventData, Lane, NameKey, Sequence};

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
}

impl Chat {
    /// Takes note of an event at a place of the log.
    pub(crate) fn learn(&self, lane: &Lane, sequence: Sequence, event: &EventData) {
        self.lanes.learn(lane, sequence, event);
        self.recent.learn(lane, sequence, event);
    }

    /// Forgets what may have been overtaken by events that were missed.
    pub(crate) fn forget_all(&self) {
        self.lanes.forget_all();
        self.recent.forget_all();
    }
}
