//! What is known of a request before anything else is done: its trace, where it came from, what the client
//! calls itself.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::http::header::USER_AGENT;
use schemas::TraceParent;
use telemetry::{continue_trace, new_traceparent, traceparent_of};
use tracing::Span;

use crate::config::Config;

/// Characters of a client's name for itself that are kept.
const MAX_USER_AGENT: usize = 256;

/// The circumstances of a request.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    /// The span everything done for the request belongs to.
    pub(crate) span: Span,
    /// The same for others to continue.
    pub(crate) trace: TraceParent,
    /// Where it came from, proxies that are trusted left out.
    pub(crate) ip: IpAddr,
    /// What the client calls itself, shortened.
    pub(crate) user_agent: Option<String>,
}

impl Arrival {
    /// Looks at a request.
    pub(crate) fn of(request: &HttpRequest, route: &'static str, config: &Config) -> Self {
        let parent = header(request, "traceparent").and_then(|text| TraceParent::parse(text).ok());
        let method = method_name(request.method());
        let span = tracing::info_span!("http", http.method = method, http.route = route);
        let span = continue_trace(span, parent.as_ref());
        let trace = traceparent_of(&span).or(parent).unwrap_or_else(new_traceparent);
        let user_agent = header(request, USER_AGENT.as_str())
            .map(|text| text.chars().take(MAX_USER_AGENT).collect());
        Self { span, trace, ip: client_ip(request, config), user_agent }
    }
}

/// A method's name for logs and figures; clients may invent methods, which must not make series.
pub(super) fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}

/// A header that is there once and is text.
pub(crate) fn header<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    request.headers().get(name).and_then(|value| value.to_str().ok())
}

fn client_ip(request: &HttpRequest, config: &Config) -> IpAddr {
    let peer = request.peer_addr().map_or(Ipv4Addr::UNSPECIFIED.into(), |peer| peer.ip());
    let forwarded = request
        .headers()
        .get_all("x-forwarded-for")
        .filter_map(|value| value.to_str().ok())
        .collect::<Vec<_>>();
    behind(peer.to_canonical(), &forwarded.join(","), &config.trusted_proxies)
}

/// Who is behind a peer: each trusted proxy has added the address it saw at the end of the list.
fn behind(peer: IpAddr, forwarded: &str, trusted: &[IpAddr]) -> IpAddr {
    let mut seen = peer;
    for hop in forwarded.rsplit(',') {
        if !trusted.contains(&seen) {
            return seen;
        }
        match hop.trim().parse::<IpAddr>() {
            Ok(ip) => seen = ip.to_canonical(),
            Err(_) => return seen,
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn only_trusted_proxies_say_who_is_behind_them() {
        let trusted = [ip("10.0.0.1"), ip("10.0.0.2")];
        assert_eq!(behind(ip("6.6.6.6"), "1.1.1.1", &trusted), ip("6.6.6.6"));
        assert_eq!(behind(ip("10.0.0.1"), "1.1.1.1", &trusted), ip("1.1.1.1"));
        assert_eq!(behind(ip("10.0.0.1"), "9.9.9.9, 1.1.1.1", &trusted), ip("1.1.1.1"));
        assert_eq!(behind(ip("10.0.0.1"), "1.1.1.1,10.0.0.2", &trusted), ip("1.1.1.1"));
        assert_eq!(behind(ip("10.0.0.1"), "nonsense", &trusted), ip("10.0.0.1"));
        assert_eq!(behind(ip("10.0.0.1"), "", &trusted), ip("10.0.0.1"));
    }
}
