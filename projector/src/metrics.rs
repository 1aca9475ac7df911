//! The metrics of the projector.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use readmodel::{Checkpoints, Group};
use telemetry::Metrics;
use telemetry::prometheus_client::metrics::counter::Counter;
use telemetry::prometheus_client::metrics::family::Family;
use telemetry::prometheus_client::metrics::gauge::Gauge;
use telemetry::prometheus_client::metrics::histogram::{Histogram, exponential_buckets};

use crate::error::Stop;

/// A group of the read model.
type OfGroup = [(&'static str, &'static str); 1];

const fn of(group: Group) -> OfGroup {
    [("group", group.as_str())]
}

/// The projector's families; clones share them.
#[derive(Debug, Clone)]
pub(crate) struct ProjectorMetrics {
    /// Events in the log that are not in the read model yet.
    pub(crate) lag_events: Gauge,
    /// Age of the newest projected event while there are newer ones; 0 when there are none.
    pub(crate) lag_seconds: Gauge<f64, AtomicU64>,
    /// The checkpoint's sequence.
    pub(crate) checkpoint: Gauge,
    /// 1 while an event that cannot be applied stops a group, or all.
    pub(crate) stopped: Gauge,
    /// By group: 1 while it is stopped.
    group_stopped: Family<OfGroup, Gauge>,
    /// By group: the sequence of its checkpoint.
    group_checkpoint: Family<OfGroup, Gauge>,
    /// Events that cannot be read, on lanes the read model is not made of.
    pub(crate) passed_over: Counter,
    /// 1 while this instance is the one that writes.
    pub(crate) active: Gauge,
    /// Events projected.
    pub(crate) events: Counter,
    /// Documents written.
    pub(crate) documents: Counter,
    /// Commits refused because another projector had moved the checkpoint.
    pub(crate) fenced: Counter,
    batch_events: Histogram,
    batch_seconds: Histogram,
}

impl ProjectorMetrics {
    pub(crate) fn register(metrics: &Metrics) -> Self {
        let families = Self {
            lag_events: Gauge::default(),
            lag_seconds: Gauge::default(),
            checkpoint: Gauge::default(),
            stopped: Gauge::default(),
            group_stopped: Family::default(),
            group_checkpoint: Family::default(),
            passed_over: Counter::default(),
            active: Gauge::default(),
            events: Counter::default(),
            documents: Counter::default(),
            fenced: Counter::default(),
            batch_events: Histogram::new(exponential_buckets(1.0, 4.0, 7)),
            batch_seconds: Histogram::new(telemetry::latency_buckets()),
        };
        let f = families.clone();
        metrics.register(|all| {
            all.register("projector_lag_events", "Events not projected yet", f.lag_events);
            all.register(
                "projector_lag_seconds",
                "Age of the newest projected event",
                f.lag_seconds,
            );
            all.register("projector_checkpoint", "Sequence of the checkpoint", f.checkpoint);
            all.register("projector_stopped", "Whether an event stops a group", f.stopped);
            all.register("projector_group_stopped", "Whether it is stopped", f.group_stopped);
            all.register("projector_group_checkpoint", "Its checkpoint", f.group_checkpoint);
            all.register(
                "projector_passed_over",
                "Unreadable events on lanes that are not projected",
                f.passed_over,
            );
            all.register(
                "projector_active",
                "Whether this instance is the one that writes",
                f.active,
            );
            all.register("projector_events", "Events projected", f.events);
            all.register("projector_documents", "Documents written", f.documents);
            all.register("projector_fenced", "Commits another projector forestalled", f.fenced);
            all.register("projector_batch_events", "Events in a batch", f.batch_events);
            all.register("projector_batch_seconds", "Time to apply a batch", f.batch_seconds);
        });
        families
    }

    pub(crate) fn batch(&self, events: usize, documents: usize, took: Duration) {
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        self.events.inc_by(count(events));
        self.documents.inc_by(count(documents));
        self.batch_events.observe(f64::from(u32::try_from(events).unwrap_or(u32::MAX)));
        self.batch_seconds.observe(took.as_secs_f64());
    }

    /// Shows which groups have stopped, and where each stands.
    pub(crate) fn groups(&self, checkpoints: &Checkpoints, stops: &[Stop]) {
        self.stopped.set(i64::from(!stops.is_empty()));
        for group in Group::ALL {
            let stopped = stops.iter().any(|stop| stop.group == group);
            self.group_stopped.get_or_create(&of(group)).set(i64::from(stopped));
            let at = i64::try_from(checkpoints.get(group)).unwrap_or(i64::MAX);
            self.group_checkpoint.get_or_create(&of(group)).set(at);
        }
    }

    /// Shows that every group has stopped.
    pub(crate) fn all_stopped(&self) {
        self.stopped.set(1);
        for group in Group::ALL {
            self.group_stopped.get_or_create(&of(group)).set(1);
        }
    }

    pub(crate) fn place(&self, at: u64, head: u64, lag_seconds: f64) {
        let gauge = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        self.checkpoint.set(gauge(at));
        self.lag_events.set(gauge(head.saturating_sub(at)));
        self.lag_seconds.set(if head > at { lag_seconds } else { 0.0 });
    }
}
