//! Metrics of REST: how many requests there were, how long they took, how many are in flight.

use telemetry::prometheus_client::encoding::EncodeLabelSet;
use telemetry::prometheus_client::metrics::counter::Counter;
use telemetry::prometheus_client::metrics::family::Family;
use telemetry::prometheus_client::metrics::gauge::Gauge;
use telemetry::prometheus_client::metrics::histogram::Histogram;
use telemetry::{Metrics, latency_buckets};

/// A request by its template, so that ids in paths do not make series.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    route: &'static str,
    method: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: &'static str,
    method: &'static str,
}

/// The metrics; clones share them.
#[derive(Clone)]
pub(crate) struct HttpMetrics {
    requests: Family<Request, Counter>,
    seconds: Family<Route, Histogram, fn() -> Histogram>,
    under_way: Gauge,
}

/// Counts a request as under way as long as it lives.
pub(crate) struct UnderWay(Gauge);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl HttpMetrics {
    /// Registers the families.
    #[must_use]
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(latency_buckets());
        let families = Self {
            requests: Family::default(),
            seconds: Family::new_with_constructor(histogram),
            under_way: Gauge::default(),
        };
        let shared = families.clone();
        metrics.register(|registry| {
            registry.register("http_requests", "Requests answered", shared.requests);
            registry.register(
                "http_request_duration_seconds",
                "Time from a request's head to its answer",
                shared.seconds,
            );
            registry.register(
                "http_requests_in_flight",
                "Requests being worked on",
                shared.under_way,
            );
        });
        families
    }

    pub(crate) fn begin(&self) -> UnderWay {
        self.under_way.inc();
        UnderWay(self.under_way.clone())
    }

    pub(crate) fn answered(
        &self,
        route: &'static str,
        method: &'static str,
        status: u16,
        seconds: f64,
    ) {
        self.requests.get_or_create(&Request { route, method, status }).inc();
        self.seconds.get_or_create(&Route { route, method }).observe(seconds);
    }
}
