//! Where traces go, and how many.

use telemetry::OtlpProtocol;

use crate::failure::Failure;

/// What is said of traces, checked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Traces {
    /// The collector.
    pub(crate) endpoint: Option<String>,
    /// How it is spoken to; none: as the environment says.
    pub(crate) protocol: Option<OtlpProtocol>,
    /// How much of the traces that begin here go there, from 0 to 1.
    pub(crate) ratio: f64,
}

impl Traces {
    /// Reads what is said.
    ///
    /// # Errors
    /// A wrong call: what is wrong.
    pub(crate) fn read(
        endpoint: Option<String>,
        protocol: Option<String>,
        ratio: Option<String>,
    ) -> Result<Self, Failure> {
        if endpoint.as_ref().is_some_and(|url| !url.starts_with("http://")) {
            let how =
                "otlp_endpoint: write http://host:4318; a collector stands beside its senders";
            return Err(Failure::wrong_call(how));
        }
        let protocol = protocol.map(|text| OtlpProtocol::parse(&text)).transpose();
        let protocol =
            protocol.map_err(|error| Failure::wrong_call(format!("otlp_protocol: {error}")))?;
        let ratio = match ratio {
            None => 1.0,
            Some(text) => parse_ratio(&text)
                .ok_or_else(|| Failure::wrong_call("trace_ratio: write a number from 0 to 1"))?,
        };
        Ok(Self { endpoint, protocol, ratio })
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
        Traces::read(said(endpoint), said(protocol), said(ratio))
    }

    #[test]
    fn what_is_said_is_read_and_the_rest_is_everything_over_http_if_anything() {
        let none = Traces { endpoint: None, protocol: None, ratio: 1.0 };
        assert_eq!(read("", "", "").ok(), Some(none));
        let read = read("http://c:4317", "grpc", "0.01").ok();
        let protocol = Some(OtlpProtocol::Grpc);
        let endpoint = Some("http://c:4317".to_owned());
        assert_eq!(read, Some(Traces { endpoint, protocol, ratio: 0.01 }));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for bad in ["-0.1", "1.1", "NaN", "inf", "10%", "all"] {
            assert!(read("", "", bad).is_err(), "{bad}");
        }
        assert!(read("https://c", "", "").is_err());
        assert!(read("", "http/json", "").is_err());
    }
}
