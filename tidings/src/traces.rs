//! Where traces go, and how many.

use std::path::PathBuf;

use telemetry::OtlpProtocol;

use crate::failure::Failure;

/// What is said of traces, checked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Traces {
    /// The collector.
    pub(crate) endpoint: Option<String>,
    /// How it is spoken to; none: as the environment says.
    pub(crate) protocol: Option<OtlpProtocol>,
    /// Certificates by which that of a collector behind TLS is checked, too; none: as the environment says.
    pub(crate) ca_file: Option<PathBuf>,
    /// How much of the traces that begin here go there, from 0 to 1.
    pub(crate) ratio: f64,
}

impl Traces {
    /// Reads what is said, and the file of certificates.
    ///
    /// # Errors
    /// A wrong call: what is wrong.
    pub(crate) fn read(
        endpoint: Option<String>,
        protocol: Option<String>,
        ca_file: Option<PathBuf>,
        ratio: Option<String>,
    ) -> Result<Self, Failure> {
        let is_one = |url: &str| url.starts_with("http://") || url.starts_with("https://");
        if endpoint.as_ref().is_some_and(|url| !is_one(url)) {
            let how = "otlp_endpoint: write http://host:4318, or https://host:4318 for TLS";
            return Err(Failure::wrong_call(how));
        }
        if let Some(file) = &ca_file {
            telemetry::check_ca_file(file).map_err(|error| {
                let why = telemetry::error_chain(&error);
                Failure::wrong_call(format!("otlp_ca_file: {}: {why}", file.display()))
            })?;
        }
        let protocol = protocol.map(|text| OtlpProtocol::parse(&text)).transpose();
        let protocol =
            protocol.map_err(|error| Failure::wrong_call(format!("otlp_protocol: {error}")))?;
        let ratio = match ratio {
            None => 1.0,
            Some(text) => parse_ratio(&text)
                .ok_or_else(|| Failure::wrong_call("trace_ratio: write a number from 0 to 1"))?,
        };
        Ok(Self { endpoint, protocol, ca_file, ratio })
    }
}

fn parse_ratio(text: &str) -> Option<f64> {
    let ratio: f64 = text.trim().parse().ok()?;
    (0.0..=1.0).contains(&ratio).then_some(ratio)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(endpoint: &str, protocol: &str, ratio: &str) -> Result<Traces, Failure> {
        let said = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Traces::read(said(endpoint), said(protocol), None, said(ratio))
    }

    #[test]
    fn what_is_said_is_read_and_the_rest_is_everything_over_http_if_anything() {
        let none = Traces { endpoint: None, protocol: None, ca_file: None, ratio: 1.0 };
        assert_eq!(read("", "", "").ok(), Some(none));
        for url in ["http://c:4317", "https://c:4317"] {
            let said = Traces {
                endpoint: Some(url.to_owned()),
                protocol: Some(OtlpProtocol::Grpc),
                ca_file: None,
                ratio: 0.01,
            };
            assert_eq!(read(url, "grpc", "0.01").ok(), Some(said));
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for bad in ["-0.1", "1.1", "NaN", "inf", "10%", "all"] {
            assert!(read("", "", bad).is_err(), "{bad}");
        }
        assert!(read("ftp://c", "", "").is_err());
        let file = Some(PathBuf::from("/no/such/ca.pem"));
        let failure = Traces::read(None, None, file, None).unwrap_err();
        assert!(failure.to_string().contains("/no/such/ca.pem"), "{failure}");
        assert!(read("", "http/json", "").is_err());
    }
}
