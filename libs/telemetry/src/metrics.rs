//! The one registry of metrics of a process.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::health::Health;
use crate::process::ProcessCollector;

/// Every crate registers its own families here, once per process, and keeps the handles it got.
/// Names get the prefix `tidings_`; counters get the suffix `_total` by themselves. Clones share it.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// A registry that already tells the process's memory, processor time and open files.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(ProcessCollector));
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("tidings_build", "Which build this is", build);
        let started: Gauge = Gauge::default();
        started.set(schemas::Timestamp::now().millis() / 1000);
        registry.register(
            "process_start_time_seconds",
            "When the process started, in seconds since the Unix epoch",
            started,
        );
        Self { registry: Arc::new(Mutex::new(registry)) }
    }

    /// Lets a crate register its families (`registry.register(name, help, family.clone())`); what
    /// the closure returns is handed through. Names get the prefix `tidings_`.
    pub fn register<T>(&self, families: impl FnOnce(&mut Registry) -> T) -> T {
        let mut registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        families(registry.sub_registry_with_prefix("tidings"))
    }

    /// Tells of every component whether it is ready, as `tidings_ready`.
    pub fn tell_health(&self, health: &Health) {
        let readiness = Box::new(Readiness(health.clone()));
        self.register(|registry| registry.register_collector(readiness));
    }

    /// Everything registered, as OpenMetrics text.
    #[must_use]
    pub fn encode(&self) -> String {
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        if let Err(error) = encode(&mut text, &registry) {
            tracing::error!(error = %error, "metrics could not be written");
        }
        text
    }

    /// The content type of [`Metrics::encode`].
    pub const CONTENT_TYPE: &'static str =
        "application/openmetrics-text; version=1.0.0; charset=utf-8";
}

/// Which components are ready when metrics are asked for.
#[derive(Debug)]
struct Readiness(Health);

impl Collector for Readiness {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Whether a component is ready (1) or not (0), as /readyz says";
        let mut ready = encoder.encode_descriptor("ready", help, None, MetricType::Gauge)?;
        for (component, well) in self.0.components() {
            let labels = [("component", component)];
            ConstGauge::new(i64::from(well)).encode(ready.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

/// Bucket bounds in seconds for latencies from a fifth of a millisecond to ten seconds.
#[must_use]
pub fn latency_buckets() -> [f64; 15] {
    [0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0]
}

#[cfg(test)]
mod tests {
    use super::Metrics;
    use prometheus_client::metrics::counter::Counter;

    #[test]
    fn each_component_says_whether_it_is_ready() {
        let (metrics, health) = (Metrics::new(), super::Health::new());
        metrics.tell_health(&health);
        health.set("log", Ok::<(), String>(()));
        health.set("notifier", Err("starting"));
        let text = metrics.encode();
        assert!(text.contains("tidings_ready{component=\"log\"} 1"), "{text}");
        assert!(text.contains("tidings_ready{component=\"notifier\"} 0"), "{text}");
        assert!(text.contains("process_max_fds "), "{text}");
    }

    #[test]
    fn families_of_a_crate_stand_beside_those_of_the_process() {
        let metrics = Metrics::new();
        let posts: Counter = Counter::default();
        metrics.register(|registry| registry.register("posts", "Posts", posts.clone()));
        posts.inc();
        let text = metrics.encode();
        assert!(text.contains("tidings_posts_total 1"), "{text}");
        assert!(text.contains("process_resident_memory_bytes"), "{text}");
        assert!(text.ends_with("# EOF\n"), "{text}");
    }
}
