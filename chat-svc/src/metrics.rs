//! What this service counts.

use telemetry::Metrics;
use telemetry::prometheus_client::metrics::counter::Counter;
use telemetry::prometheus_client::metrics::family::Family;
use telemetry::prometheus_client::metrics::gauge::Gauge;
use telemetry::prometheus_client::metrics::histogram::Histogram;

type Labels = [(&'static str, &'static str); 2];

/// The counters of chat-svc. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct ChatMetrics {
    conflicts: Counter,
    posts: Counter,
    repeats: Counter,
    cache: Family<Labels, Counter>,
    commands: Family<Labels, Counter>,
    seconds: Histogram,
    tail: Gauge,
    checks: Family<[(&'static str, &'static str); 1], Counter>,
}

impl ChatMetrics {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let new = Self {
            conflicts: Counter::default(),
            posts: Counter::default(),
            repeats: Counter::default(),
            cache: Family::default(),
            commands: Family::default(),
            seconds: Histogram::new(telemetry::latency_buckets()),
            tail: Gauge::default(),
            checks: Family::default(),
        };
        metrics.register(|registry| {
            let m = new.clone();
            registry.register(
                "chat_append_conflicts",
                "Decisions made again because the log had changed",
                m.conflicts,
            );
            registry.register("chat_posts", "Messages written", m.posts);
            registry.register(
                "chat_repeats",
                "Posts that were repeats of an earlier one",
                m.repeats,
            );
            registry.register("chat_cache", "Looks into the caches of lanes", m.cache);
            registry.register("chat_commands", "Commands by outcome", m.commands);
            registry.register("chat_command_seconds", "Time to carry out a command", m.seconds);
            registry.register(
                "chat_unprojected_client_ids",
                "Client ids remembered because the read model is behind",
                m.tail,
            );
            registry.register("chat_repeat_checks", "What told a new post from a repeat", m.checks);
        });
        new
    }

    pub(crate) fn conflict(&self) {
        self.conflicts.inc();
    }

    pub(crate) fn posted(&self) {
        self.posts.inc();
    }

    pub(crate) fn repeated(&self) {
        self.repeats.inc();
    }

    pub(crate) fn cache(&self, kind: &'static str, hit: bool) {
        let result = if hit { "hit" } else { "miss" };
        self.cache.get_or_create(&[("kind", kind), ("result", result)]).inc();
    }

    pub(crate) fn command(&self, command: &'static str, outcome: &'static str, seconds: f64) {
        self.commands.get_or_create(&[("command", command), ("outcome", outcome)]).inc();
        self.seconds.observe(seconds);
    }

    /// Something was found out about a client id, by one of the memories.
    pub(crate) fn checked(&self, by: &'static str) {
        self.checks.get_or_create(&[("by", by)]).inc();
    }

    pub(crate) fn tail(&self, entries: usize) {
        self.tail.set(i64::try_from(entries).unwrap_or(i64::MAX));
    }
}
