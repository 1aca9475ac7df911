//! What this service counts.

use schemas::Sequence;
use telemetry::Metrics;
use telemetry::prometheus_client::metrics::counter::Counter;
use telemetry::prometheus_client::metrics::family::Family;
use telemetry::prometheus_client::metrics::gauge::Gauge;
use telemetry::prometheus_client::metrics::histogram::Histogram;

type Labels<const N: usize> = [(&'static str, &'static str); N];

/// The counters of chat-svc. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct ChatMetrics {
    conflicts: Counter,
    posts: Counter,
    repeats: Counter,
    cache: Family<Labels<2>, Counter>,
    commands: Family<Labels<2>, Counter>,
    seconds: Histogram,
    tail: Gauge,
    past: Gauge,
    pub(crate) checks: Checks,
}

/// What told a new post from a repeat.
#[derive(Debug, Clone)]
pub(crate) struct Checks {
    pub(crate) recent: Counter,
    pub(crate) filter: Counter,
    pub(crate) tail: Counter,
    pub(crate) index: Counter,
}

/// Looks into one cache.
#[derive(Debug, Clone)]
pub(crate) struct Looks {
    pub(crate) hits: Counter,
    pub(crate) misses: Counter,
}

impl ChatMetrics {
    /// Registers the families of this service.
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let checked: Family<Labels<1>, Counter> = Family::default();
        let by = |name| checked.get_or_create_owned(&[("by", name)]);
        let new = Self {
            conflicts: Counter::default(),
            posts: Counter::default(),
            repeats: Counter::default(),
            cache: Family::default(),
            commands: Family::default(),
            seconds: Histogram::new(telemetry::latency_buckets()),
            tail: Gauge::default(),
            past: Gauge::default(),
            checks: Checks {
                recent: by("recent"),
                filter: by("filter"),
                tail: by("tail"),
                index: by("index"),
            },
        };
        metrics.register(|registry| {
            let m = new.clone();
            let conflicts = "Decisions made again because the log had changed";
            registry.register("chat_append_conflicts", conflicts, m.conflicts);
            registry.register("chat_posts", "Messages written", m.posts);
            let repeats = "Posts that were repeats of an earlier one";
            registry.register("chat_repeats", repeats, m.repeats);
            let checks = "Client ids, by what told a new one from a repeat";
            registry.register("chat_repeat_checks", checks, checked);
            registry.register("chat_cache", "Looks into the caches of lanes", m.cache);
            registry.register("chat_commands", "Commands by outcome", m.commands);
            registry.register("chat_command_seconds", "Time to carry out a command", m.seconds);
            let tail = "Client ids remembered because the read model is behind";
            registry.register("chat_unprojected_client_ids", tail, m.tail);
            let past = "Up to here it is known which client ids were never used";
            registry.register("chat_past_position", past, m.past);
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

    /// The counters of one cache.
    pub(crate) fn cache(&self, kind: &'static str) -> Looks {
        let result = |result| self.cache.get_or_create_owned(&[("kind", kind), ("result", result)]);
        Looks { hits: result("hit"), misses: result("miss") }
    }

    pub(crate) fn command(&self, command: &'static str, outcome: &'static str, seconds: f64) {
        self.commands.get_or_create(&[("command", command), ("outcome", outcome)]).inc();
        self.seconds.observe(seconds);
    }

    pub(crate) fn tail(&self, entries: usize) {
        self.tail.set(i64::try_from(entries).unwrap_or(i64::MAX));
    }

    pub(crate) fn past(&self, complete: Sequence) {
        self.past.set(i64::try_from(complete).unwrap_or(i64::MAX));
    }
}
