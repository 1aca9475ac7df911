//! What this service counts.

use decider::{CommandMetrics, Lookups};
use schemas::Sequence;
use telemetry::Metrics;
use telemetry::prometheus_client::metrics::counter::Counter;
use telemetry::prometheus_client::metrics::family::Family;
use telemetry::prometheus_client::metrics::gauge::Gauge;

type Labels<const N: usize> = [(&'static str, &'static str); N];

/// The counters of chat-svc. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct ChatMetrics {
    /// Those of the commands.
    pub(crate) commands: CommandMetrics,
    posts: Counter,
    repeats: Counter,
    /// Messages that moved to the archive or were purged.
    pub(crate) archived: Counter,
    /// Events with texts of deleted messages that left the log.
    pub(crate) texts_removed: Counter,
    cache: Family<Labels<2>, Counter>,
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

impl ChatMetrics {
    /// Registers the families of this service.
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let checked: Family<Labels<1>, Counter> = Family::default();
        let by = |name| checked.get_or_create_owned(&[("by", name)]);
        let new = Self {
            commands: CommandMetrics::new(metrics, "chat"),
            posts: Counter::default(),
            repeats: Counter::default(),
            archived: Counter::default(),
            texts_removed: Counter::default(),
            cache: Family::default(),
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
            registry.register("chat_posts", "Messages written", m.posts);
            let repeats = "Posts that were repeats of an earlier one";
            registry.register("chat_repeats", repeats, m.repeats);
            let archived = "Messages that moved to the archive or were purged";
            registry.register("chat_archived_messages", archived, m.archived);
            let texts = "Events with texts of deleted messages that left the log";
            registry.register("chat_texts_removed", texts, m.texts_removed);
            let checks = "Client ids, by what told a new one from a repeat";
            registry.register("chat_repeat_checks", checks, checked);
            registry.register("chat_cache", "Lookups in the caches of lanes", m.cache);
            let tail = "Client ids remembered because the read model is behind";
            registry.register("chat_unprojected_client_ids", tail, m.tail);
            let past = "Up to here it is known which client ids were never used";
            registry.register("chat_past_position", past, m.past);
        });
        new
    }

    pub(crate) fn posted(&self) {
        self.posts.inc();
    }

    pub(crate) fn repeated(&self) {
        self.repeats.inc();
    }

    /// The counters of one cache.
    pub(crate) fn cache(&self, kind: &'static str) -> Lookups {
        let result = |result| self.cache.get_or_create_owned(&[("kind", kind), ("result", result)]);
        Lookups { hits: result("hit"), misses: result("miss") }
    }

    pub(crate) fn tail(&self, entries: usize) {
        self.tail.set(i64::try_from(entries).unwrap_or(i64::MAX));
    }

    pub(crate) fn past(&self, complete: Sequence) {
        self.past.set(i64::try_from(complete).unwrap_or(i64::MAX));
    }
}
