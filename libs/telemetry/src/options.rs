//! What a process is told about its logs and traces.

use std::path::PathBuf;

use crate::choice::{InvalidChoice, choose};
use crate::log_format::LogFormat;

/// What to log and where spans go.
#[derive(Debug, Clone)]
pub struct Options {
    /// Base address of a collector that takes OTLP, such as `http://127.0.0.1:4318`, or `https://` for one behind
    /// TLS. None: the environment's `OTEL_EXPORTER_OTLP_ENDPOINT` if set, else spans are not exported (they have ids
    /// all the same).
    pub otlp_endpoint: Option<String>,
    /// How it is spoken to. None: as the environment's `OTEL_EXPORTER_OTLP_PROTOCOL` says, else over HTTP.
    pub otlp_protocol: Option<OtlpProtocol>,
    /// Certificates (PEM) by which that of a collector behind TLS is checked, besides those of the machine's
    /// authorities. None: as the environment's `OTEL_EXPORTER_OTLP_CERTIFICATE` says.
    pub otlp_ca_file: Option<PathBuf>,
    /// How much of the traces that begin in this process are exported, from 0 (no span is, wherever its trace began)
    /// to 1 (all). A trace that began elsewhere is exported if it is sampled there.
    pub trace_ratio: f64,
    /// Which logs are written: a level or directives, such as `info` or `warn,chat_svc=debug`.
    pub log_filter: String,
    /// How they are written.
    pub log_format: LogFormat,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            otlp_endpoint: None,
            otlp_protocol: None,
            otlp_ca_file: None,
            trace_ratio: 1.0,
            log_filter: "info".to_owned(),
            log_format: LogFormat::default(),
        }
    }
}

/// Where the environment names the protocol; the first that is set.
const PROTOCOLS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];

/// How a collector is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtlpProtocol {
    /// Protocol buffers over HTTP/1.1; collectors listen for it on port 4318.
    Http,
    /// gRPC; collectors listen for it on port 4317.
    Grpc,
}

impl OtlpProtocol {
    /// Reads `http/protobuf` or `grpc`, as OpenTelemetry's own variables name them.
    ///
    /// # Errors
    /// [`InvalidChoice`] for anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidChoice> {
        choose(text, &[("http/protobuf", Self::Http), ("grpc", Self::Grpc)])
    }

    /// What the environment says; HTTP when it says nothing, or something else.
    pub(crate) fn from_env() -> Self {
        let said = PROTOCOLS.iter().find_map(|name| std::env::var(name).ok());
        said.and_then(|text| Self::parse(&text).ok()).unwrap_or(Self::Http)
    }

    /// The address of a collector as its exporter wants it.
    pub(crate) fn address(self, base: &str) -> String {
        let base = base.trim_end_matches('/');
        match self {
            Self::Http if !base.ends_with("/v1/traces") => format!("{base}/v1/traces"),
            Self::Http | Self::Grpc => base.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_are_named_as_open_telemetry_names_them() {
        assert_eq!(OtlpProtocol::parse("grpc"), Ok(OtlpProtocol::Grpc));
        assert_eq!(OtlpProtocol::parse("http/protobuf"), Ok(OtlpProtocol::Http));
        for other in ["http/json", "http", "GRPC", ""] {
            assert!(OtlpProtocol::parse(other).is_err(), "{other}");
        }
    }

    #[test]
    fn a_base_address_is_completed_where_it_has_a_path() {
        let (http, grpc) = (OtlpProtocol::Http, OtlpProtocol::Grpc);
        assert_eq!(http.address("http://c:4318/"), "http://c:4318/v1/traces");
        assert_eq!(http.address("http://c:4318/v1/traces"), "http://c:4318/v1/traces");
        assert_eq!(grpc.address("http://c:4317/"), "http://c:4317");
    }
}
