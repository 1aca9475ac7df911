//! What this service counts.

use std::time::Duration;

use decider::CommandMetrics;
use telemetry::Metrics;
use telemetry::prometheus_client::metrics::counter::Counter;
use telemetry::prometheus_client::metrics::gauge::Gauge;
use telemetry::prometheus_client::metrics::histogram::Histogram;

/// The counters of auth-svc. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct AuthMetrics {
    /// Those of the commands.
    pub(crate) commands: CommandMetrics,
    reuses: Counter,
    /// Those of the hashing threads.
    pub(crate) passwords: PasswordMetrics,
}

impl AuthMetrics {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let new = Self {
            commands: CommandMetrics::new(metrics, "auth"),
            reuses: Counter::default(),
            passwords: PasswordMetrics::default(),
        };
        let (m, p) = (new.clone(), new.passwords.clone());
        metrics.register(|registry| {
            let reuses = "Sessions ended because a used refresh token came again";
            registry.register("auth_refresh_reuses", reuses, m.reuses);
            registry.register("auth_passwords_waiting", "Passwords waiting for a core", p.waiting);
            let seconds = "Time a core spends on a password";
            registry.register("auth_password_seconds", seconds, p.seconds);
            let refused = "Askers sent away because too many passwords wait";
            registry.register("auth_passwords_refused", refused, p.refused);
        });
        new
    }

    pub(crate) fn reuse(&self) {
        self.reuses.inc();
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
