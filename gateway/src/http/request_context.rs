//! What is known of a request before anything else is done: its trace, the address it came from, what the client
//! calls itself.

use std::net::IpAddr;

use actix_web::HttpRequest;
use actix_web::http::header::{ACCEPT, ACCEPT_ENCODING, USER_AGENT};
use schemas::TraceParent;
use telemetry::{continue_trace, new_traceparent, traceparent_of};
use tracing::Span;

use super::forwarded::Forwarded;
use super::head::{header, method_name};
use crate::config::Config;

/// Characters of a `User-Agent` that are kept.
const MAX_USER_AGENT: usize = 256;

/// What a request's head says before it is looked at any closer.
#[derive(Debug, Clone)]
pub(crate) struct RequestContext {
    /// The span everything done for the request belongs to.
    pub(crate) span: Span,
    /// The same for other processes to continue.
    pub(crate) trace: TraceParent,
    /// The client's address; trusted proxies are left out.
    pub(crate) ip: IpAddr,
    /// Where it was sent to, as the client knows it (`https://chat.example.org`); empty when it did not say.
    pub(crate) site: String,
    /// The client's `User-Agent`, shortened.
    pub(crate) user_agent: Option<String>,
    /// Whether the client wants JSON rather than to be led elsewhere.
    pub(crate) wants_json: bool,
    /// Whether the client can unpack gzip.
    pub(crate) gzip: bool,
}

impl RequestContext {
    /// Reads a request's head, and opens its span.
    pub(crate) fn of(request: &HttpRequest, route: &'static str, config: &Config) -> Self {
        let parent = header(request, "traceparent").and_then(|text| TraceParent::parse(text).ok());
        let method = method_name(request.method());
        let span = tracing::info_span!(
            "http",
            otel.kind = "server",
            otel.status_code = tracing::field::Empty,
            http.method = method,
            http.route = route,
        );
        let span = continue_trace(span, parent.as_ref());
        let trace = traceparent_of(&span).or(parent).unwrap_or_else(new_traceparent);
        let user_agent = header(request, USER_AGENT.as_str())
            .map(|text| text.chars().take(MAX_USER_AGENT).collect());
        let gzip = header(request, ACCEPT_ENCODING.as_str()).is_some_and(takes_gzip);
        let Forwarded { ip, host, scheme } = Forwarded::of(request, config);
        let scheme = scheme.unwrap_or_else(|| "http".to_owned());
        let site = host.map_or_else(String::new, |host| format!("{scheme}://{host}"));
        let wants_json = header(request, ACCEPT.as_str()).is_some_and(|all| {
            all.split(',').any(|one| {
                let name = one.split(';').next().unwrap_or_default().trim();
                name.eq_ignore_ascii_case("application/json")
            })
        });
        Self { span, trace, ip, site, user_agent, wants_json, gzip }
    }
}

/// Whether a list of codings has gzip, with a weight that is not zero (RFC 9110, section 12.5.3).
fn takes_gzip(codings: &str) -> bool {
    codings.split(',').any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let refused = |weight: &str| weight.parse().is_ok_and(|weight: f32| weight <= 0.0);
        named && !parts.filter_map(|part| part.split_once('=')).any(|(_, weight)| refused(weight))
    })
}

#[cfg(test)]
mod tests {
    use super::takes_gzip;

    #[test]
    fn what_a_client_refuses_it_is_not_sent() {
        for taken in ["gzip", "deflate, GZIP;q=0.5", "br;q=0, gzip", "gzip; q=1"] {
            assert!(takes_gzip(taken), "{taken}");
        }
        for refused in ["", "br", "gzip;q=0", "gzip; q=0.000", "gzipped", "identity, gzip ;q=0"] {
            assert!(!takes_gzip(refused), "{refused}");
        }
    }
}
