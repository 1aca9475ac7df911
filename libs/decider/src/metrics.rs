//! What every service counts of its commands.

use std::time::Duration;

use telemetry::Metrics;
use telemetry::prometheus_client::metrics::counter::Counter;
use telemetry::prometheus_client::metrics::family::Family;
use telemetry::prometheus_client::metrics::histogram::Histogram;

/// Commands by outcome, their time, and decisions made again. Clones share the counters.
#[derive(Debug, Clone)]
pub struct CommandMetrics {
    conflicts: Counter,
    commands: Family<[(&'static str, &'static str); 2], Counter>,
    seconds: Histogram,
}

/// Lookups in one cache.
#[derive(Debug, Clone, Default)]
pub struct Lookups {
    /// It was there.
    pub hits: Counter,
    /// It was not.
    pub misses: Counter,
}

impl CommandMetrics {
    /// Registers `<service>_append_conflicts`, `<service>_commands` and `<service>_command_seconds`.
    #[must_use]
    pub fn new(metrics: &Metrics, service: &str) -> Self {
        let new = Self {
            conflicts: Counter::default(),
            commands: Family::default(),
            seconds: Histogram::new(telemetry::latency_buckets()),
        };
        let m = new.clone();
        metrics.register(|registry| {
            let conflicts = "Decisions made again because the log had changed";
            registry.register(format!("{service}_append_conflicts"), conflicts, m.conflicts);
            registry.register(format!("{service}_commands"), "Commands by outcome", m.commands);
            let seconds = "Time to carry out a command";
            registry.register(format!("{service}_command_seconds"), seconds, m.seconds);
        });
        new
    }

    pub(crate) fn conflict(&self) {
        self.conflicts.inc();
    }

    pub(crate) fn command(&self, name: &'static str, outcome: &'static str, took: Duration) {
        self.commands.get_or_create(&[("command", name), ("outcome", outcome)]).inc();
        self.seconds.observe(took.as_secs_f64());
    }
}
