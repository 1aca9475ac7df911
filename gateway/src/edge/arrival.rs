//! What is known of a request before anything else is done: its trace, where it came from, what the client
//! calls itself.

use std::net::IpAddr;

use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::http::header::USER_AGENT;
use schemas::TraceParent;
use telemetry::{continue_trace, new_traceparent, traceparent_of};
use tracing::Span;

use super::forwarded::Forwarded;
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
        Self { span, trace, ip: Forwarded::of(request, config).ip, user_agent }
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
