//! What a process is told about its logs and traces.

use std::fmt;

use crate::log_format::LogFormat;

/// What to log and where spans go.
#[derive(Debug, Clone)]
pub struct Options {
    /// Base address of a collector that takes OTLP, such as `http://127.0.0.1:4318`. None: the environment's
    /// `OTEL_EXPORTER_OTLP_ENDPOINT` if set, else spans are not exported (they have ids all the same).
    pub otlp_endpoint: Option<String>,
    /// How it is spoken to. None: as the environment's `OTEL_EXPORTER_OTLP_PROTOCOL` says, else over HTTP.
    pub otlp_protocol: Option<OtlpProtocol>,
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
    /// gRPC, without TLS; collectors listen for it on port 4317.
    Grpc,
}

/// A text names no protocol that is spoken here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidOtlpProtocol;

impl fmt::Display for InvalidOtlpProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("write http/protobuf or grpc")
    }
}
impl std::error::Error for InvalidOtlpProtocol {}

impl OtlpProtocol {
    /// Reads `http/protobuf` or `grpc`, as OpenTelemetry's own variables name them.
    ///
    /// # Errors
    /// [`InvalidOtlpProtocol`] for anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidOtlpProtocol> {
        match text {
            "http/protobuf" => Ok(Self::Http),
            "grpc" => Ok(Self::Grpc),
            _ => Err(InvalidOtlpProtocol),
        }
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
            assert_eq!(OtlpProtocol::parse(other), Err(InvalidOtlpProtocol), "{other}");
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
