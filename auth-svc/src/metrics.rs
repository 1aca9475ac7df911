//! What this service counts.

use std::time::Duration;

use telemetry::Metrics;
use telemetry::prometheus_client::encoding::EncodeLabelSet;
use telemetry::prometheus_client::metrics::counter::Counter;
use telemetry::prometheus_client::metrics::family::Family;
use telemetry::prometheus_client::metrics::gauge::Gauge;
use telemetry::prometheus_client::metrics::histogram::Histogram;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CommandLabels {
    command: &'static str,
    outcome: &'static str,
}

/// The counters of auth-svc. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct AuthMetrics {
    conflicts: Counter,
    reuses: Counter,
    commands: Family<CommandLabels, Counter>,
    seconds: Histogram,
    /// Those of the hashing threads.
    pub(crate) passwords: PasswordMetrics,
}

impl AuthMetrics {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let new = Self {
            conflicts: Counter::default(),
            reuses: Counter::default(),
            commands: Family::default(),
            seconds: Histogram::new(telemetry::latency_buckets()),
            passwords: PasswordMetrics::default(),
        };
        let (m, p) = (new.clone(), new.passwords.clone());
        metrics.register(|registry| {
            let conflicts = "Decisions made again because the log had changed";
            registry.register("auth_append_conflicts", conflicts, m.conflicts);
            let reuses = "Sessions ended because a used refresh token came again";
            registry.register("auth_refresh_reuses", reuses, m.reuses);
            registry.register("auth_commands", "Commands by outcome", m.commands);
            registry.register("auth_command_seconds", "Time to carry out a command", m.seconds);
            registry.register("auth_passwords_waiting", "Passwords waiting for a core", p.waiting);
            let seconds = "Time a core spends on a password";
            registry.register("auth_password_seconds", seconds, p.seconds);
            let refused = "Askers sent away because too many passwords wait";
            registry.register("auth_passwords_refused", refused, p.refused);
        });
        new
    }

    pub(crate) fn conflict(&self) {
        self.conflicts.inc();
    }

    pub(crate) fn reuse(&self) {
        self.reuses.inc();
    }

    pub(crate) fn command(&self, command: &'static str, outcome: &'static str, seconds: f64) {
        self.commands.get_or_create(&CommandLabels { command, outcome }).inc();
        self.seconds.observe(seconds);
    }
}

/// What the hashing threads count. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct PasswordMetrics {
    waiting: Gauge,
    seconds: Histogram,
    refused: Counter,
}

impl Default for PasswordMetrics {
    fn default() -> Self {
        Self {
            waiting: Gauge::default(),
            seconds: Histogram::new(telemetry::latency_buckets()),
            refused: Counter::default(),
        }
    }
}

impl PasswordMetrics {
    pub(crate) fn queued(&self) {
        self.waiting.inc();
    }

    pub(crate) fn taken(&self, how_many: usize) {
        self.waiting.dec_by(i64::try_from(how_many).unwrap_or(0));
    }

    pub(crate) fn waiting(&self) -> i64 {
        self.waiting.get()
    }

    pub(crate) fn done(&self, took: Duration) {
        self.seconds.observe(took.as_secs_f64());
    }

    pub(crate) fn refused(&self) {
        self.refused.inc();
    }
}
