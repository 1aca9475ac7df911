//! What a process tells operators of its log and of its link to it.

use std::fmt;

use eventlog::EventLog;
use telemetry::prometheus_client::collector::Collector;
use telemetry::prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use telemetry::prometheus_client::metrics::MetricType;
use telemetry::prometheus_client::metrics::counter::ConstCounter;
use telemetry::prometheus_client::metrics::gauge::ConstGauge;
use telemetry::prometheus_client::metrics::histogram::Histogram;
use telemetry::{Metrics, latency_buckets};

/// Registers the families.
pub(crate) fn register(metrics: &Metrics, log: &EventLog) {
    let appends = Histogram::new(latency_buckets());
    let observed = appends.clone();
    log.observe_appends(move |took| observed.observe(took.as_secs_f64()));
    let figures = Box::new(LogFigures(log.clone()));
    metrics.register(|all| {
        let help = "Time until the log has acknowledged events that were handed to it together";
        all.register("log_append_seconds", help, appends);
        all.register_collector(figures);
    });
}

/// What the log's handle knows without asking.
struct LogFigures(EventLog);

impl fmt::Debug for LogFigures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogFigures")
    }
}

impl Collector for LogFigures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let log = &self.0;
        let help = "Events not written, as they would not have been read back as they were meant";
        counter(&mut encoder, "log_refused_unreadable", help, log.refused_unreadable())?;
        let help = "Events of the log that this process has met and cannot read: damaged, or no whole events";
        counter(&mut encoder, "log_unreadable", help, log.unreadable())?;
        if let Some(size) = log.known_size() {
            gauge(&mut encoder, "log_bytes", "Bytes of the log, on each server", size.bytes)?;
            gauge(&mut encoder, "log_events", "Events in the log", size.events)?;
            gauge(&mut encoder, "log_head", "The last sequence of the log", size.head)?;
        }
        let link = *log.watch_connection().borrow();
        let help = "Whether this process is connected to NATS";
        gauge(&mut encoder, "nats_connected", help, u64::from(link.connected))?;
        let help = "Connections to NATS that were made, the first included";
        counter(&mut encoder, "nats_connections", help, link.generation)
    }
}

fn counter(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> fmt::Result {
    let descriptor = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    ConstCounter::new(value).encode(descriptor)
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> fmt::Result {
    let value = i64::try_from(value).unwrap_or(i64::MAX);
    let descriptor = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    ConstGauge::new(value).encode(descriptor)
}
