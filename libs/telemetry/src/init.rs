//! Installs the process's subscriber: log lines, and spans that have trace ids.

use std::time::Duration;

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{FilterExt, LevelFilter, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::errors::error_chain;
use crate::export::Exporting;
use crate::log_lines::LogLines;
use crate::options::Options;

/// The crates of this workspace, as they name themselves in what they log. Only these are heard below `info`:
/// libraries log there what passes through them (the log's client every event, the mailer every line it sends, the
/// HTTP client every header), which no level of ours may bring into a log file.
pub const OWN_TARGETS: [&str; 19] = [
    "auth_svc",
    "bench",
    "blobs",
    "bus",
    "chat_svc",
    "decider",
    "eventlog",
    "gateway",
    "notifier",
    "oidc",
    "projector",
    "readmodel",
    "schemas",
    "service",
    "signing",
    "telemetry",
    "testbed",
    "tests",
    "tidings",
];

/// How long ending the process waits for the last spans to reach the collector.
const LAST_EXPORT: Duration = Duration::from_secs(2);

/// A log filter cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidFilter(String);

impl std::fmt::Display for InvalidFilter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "not a log filter (try `info` or `warn,chat_svc=debug`): {}", self.0)
    }
}
impl std::error::Error for InvalidFilter {}

/// Keeps the export of spans going; dropping it sends what is left, for at most two seconds.
#[derive(Debug)]
#[must_use = "dropping it ends the export of spans"]
pub struct Guard {
    exporting: Option<SdkTracerProvider>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(provider) = self.exporting.take()
            && let Err(error) = provider.shutdown_with_timeout(LAST_EXPORT)
        {
            tracing::warn!(error = %error_chain(&error), "the last spans were not exported");
        }
    }
}

/// Whether a log filter can be read; for checking configuration before [`init`].
///
/// # Errors
/// [`InvalidFilter`] says what is wrong with it.
pub fn check_filter(filter: &str) -> Result<(), InvalidFilter> {
    EnvFilter::try_new(filter).map(drop).map_err(|error| InvalidFilter(error.to_string()))
}

/// Installs logs on stderr (of libraries never more than `info`, see [`OWN_TARGETS`]) and the tracer for the whole
/// process, once; a second call changes nothing. An unreadable filter means `info`, and says so. Panics are logged by place, not by
/// text, which could hold anything.
pub fn init(service: &str, options: &Options) -> Guard {
    let filter = EnvFilter::try_new(&options.log_filter);
    let bad_filter = filter.is_err();
    let Exporting { provider, exports, failure } = Exporting::begin(service, options);
    let spans = tracing_opentelemetry::layer()
        .with_location(false)
        .with_threads(false)
        // Entering and leaving a span happens at every poll of what it is round: neither its idle time nor a
        // context for other libraries is wanted at that price.
        .with_tracked_inactivity(false)
        .with_context_activation(false)
        .with_tracer(provider.tracer("tidings"))
        .with_filter(LevelFilter::INFO);
    let filter = filter.unwrap_or_else(|_| EnvFilter::new("info"));
    // The hint leaves it to the operator's filter which levels are looked at at all.
    let discreet = filter_fn(is_discreet).with_max_level_hint(LevelFilter::TRACE);
    let logs = LogLines::new(service, options.log_format.style()).with_filter(filter.and(discreet));
    if tracing_subscriber::registry().with(spans).with(logs).try_init().is_ok() {
        std::panic::set_hook(Box::new(log_panic));
    }
    if bad_filter {
        tracing::warn!("the log filter cannot be read, logging at level info");
    }
    if let Some(error) = failure {
        tracing::warn!(error, "spans are not exported");
    }
    Guard { exporting: exports.then_some(provider) }
}

/// Whether a log line here cannot hold a user's payload: at `info` and above, or by a crate of ours.
fn is_discreet(metadata: &Metadata<'_>) -> bool {
    let name = metadata.target().split("::").next().unwrap_or_default();
    *metadata.level() <= Level::INFO || OWN_TARGETS.contains(&name)
}

fn log_panic(info: &std::panic::PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string);
    tracing::error!(panic.location = place, "a task panicked");
}

#[cfg(test)]
mod tests {
    use super::check_filter;

    #[test]
    fn filters_are_checked() {
        assert!(check_filter("warn,chat_svc=debug").is_ok());
        assert!(check_filter("chat_svc=loud").is_err());
    }
}
