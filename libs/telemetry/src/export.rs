//! Where spans go: to a collector that speaks OTLP, or nowhere.

use std::path::{Path, PathBuf};

use opentelemetry::KeyValue;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::EnvResourceDetector;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};

use crate::collector::CollectorClient;
use crate::collector_tls::CollectorTls;
use crate::errors::error_chain;
use crate::options::{Options, OtlpProtocol};
use crate::sampler::sampler;

/// Where the environment names the collector.
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// Where it names the certificates that the collector's is checked by; the first that is set.
const CERTIFICATES: [&str; 2] =
    ["OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"];

/// What makes the spans of a process.
pub(crate) struct Exporting {
    pub(crate) provider: SdkTracerProvider,
    /// Whether any of them go to a collector.
    pub(crate) exports: bool,
    /// Why they do not although they are to.
    pub(crate) failure: Option<String>,
}

impl Exporting {
    /// As the options and the environment say.
    pub(crate) fn begin(service: &str, options: &Options) -> Self {
        let said = options.otlp_endpoint.clone().or_else(|| std::env::var(ENDPOINT).ok());
        // Without traces of its own a process takes no part in those of others either: nothing is sent.
        let endpoint = said.filter(|said| !said.is_empty() && options.trace_ratio > 0.0);
        let protocol = options.otlp_protocol.unwrap_or_else(OtlpProtocol::from_env);
        let unsaid = options.otlp_ca_file.is_none().then(ca_file_from_env).flatten();
        let ca_file = options.otlp_ca_file.as_deref().or(unsaid.as_deref());
        match endpoint.map(|base| exporter(protocol, &base, ca_file)) {
            Some(Ok(exporter)) => {
                let provider = SdkTracerProvider::builder()
                    .with_resource(resource(service))
                    .with_sampler(sampler(options.trace_ratio))
                    .with_batch_exporter(exporter)
                    .build();
                Self { provider, exports: true, failure: None }
            }
            Some(Err(error)) => Self { failure: Some(error), ..Self::ids_only() },
            None => Self::ids_only(),
        }
    }

    /// Nothing is sampled: a span costs its ids and nothing else.
    fn ids_only() -> Self {
        let provider = SdkTracerProvider::builder().with_sampler(Sampler::AlwaysOff).build();
        Self { provider, exports: false, failure: None }
    }
}

fn ca_file_from_env() -> Option<PathBuf> {
    let said = CERTIFICATES.iter().find_map(std::env::var_os);
    said.filter(|file| !file.is_empty()).map(PathBuf::from)
}

fn exporter(
    protocol: OtlpProtocol,
    base: &str,
    ca_file: Option<&Path>,
) -> Result<SpanExporter, String> {
    let tls = base.starts_with("https://").then(|| CollectorTls::new(protocol, ca_file));
    let tls = tls.transpose().map_err(|error| {
        let file = ca_file.map(|file| file.display().to_string()).unwrap_or_default();
        format!("{file}: {}", error_chain(&error))
    })?;
    SpanExporter::builder()
        .with_http()
        .with_http_client(CollectorClient::from_env(protocol, tls))
        .with_endpoint(protocol.address(base))
        // The message is the same over gRPC; how it travels is the client's business.
        .with_protocol(Protocol::HttpBinary)
        .build()
        .map_err(|error| error_chain(&error))
}

/// Which process it is, for a reader of its spans; what `OTEL_RESOURCE_ATTRIBUTES` says of it holds.
fn resource(service: &str) -> Resource {
    let own = [
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("service.instance.id", format!("{:032x}", rand::random::<u128>())),
    ];
    Resource::builder()
        .with_attributes(own)
        .with_detector(Box::new(EnvResourceDetector::new()))
        .with_service_name(service.to_owned())
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_exported_without_a_collector_or_at_a_ratio_of_zero() {
        let to = |endpoint: &str, trace_ratio| {
            let otlp_endpoint = Some(endpoint.to_owned());
            let options = Options { otlp_endpoint, trace_ratio, ..Options::default() };
            Exporting::begin("test", &options).exports
        };
        assert!(to("http://127.0.0.1:9", 0.5));
        assert!(!to("http://127.0.0.1:9", 0.0));
        assert!(!to("", 1.0));
    }

    #[test]
    fn nothing_is_exported_over_tls_by_a_file_that_holds_no_certificate() {
        let to = |endpoint: &str| {
            let options = Options {
                otlp_endpoint: Some(endpoint.to_owned()),
                otlp_ca_file: Some("/no/such/ca.pem".into()),
                ..Options::default()
            };
            Exporting::begin("test", &options)
        };
        let over_tls = to("https://127.0.0.1:9");
        assert!(!over_tls.exports);
        assert!(over_tls.failure.is_some_and(|why| why.contains("/no/such/ca.pem")));
        assert!(to("http://127.0.0.1:9").exports);
    }
}
