//! The response to a request: its headers, and its one line in the log.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue,
    REFERRER_POLICY, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use schemas::UserId;

use super::answer::Answer;
use super::outcome::RequestOutcome;
use super::request_context::RequestContext;
use super::route::Route;
use crate::limits::Verdict;

const POSITION: HeaderName = HeaderName::from_static("tidings-position");
const TRACE: HeaderName = HeaderName::from_static("tidings-trace");
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// A success as an HTTP answer.
pub(super) fn response(answer: Answer) -> HttpResponse {
    let mut response = HttpResponse::build(answer.status);
    if !answer.content_type.is_empty() {
        response.content_type(answer.content_type);
    }
    if let Some(position) = answer.position {
        response.insert_header((POSITION, position.to_string()));
    }
    for header in answer.headers {
        response.insert_header(header);
    }
    if answer.status == StatusCode::NO_CONTENT {
        return response.finish();
    }
    response.body(answer.body)
}

/// What every answer carries.
pub(super) fn headers(
    route: &Route,
    context: &RequestContext,
    found: &RequestOutcome,
    response: &mut HttpResponse,
) {
    let status = response.status();
    let headers = response.headers_mut();
    if let Ok(trace) = HeaderValue::from_str(context.trace.trace_id()) {
        headers.insert(TRACE, trace);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let policy =
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'";
    if !headers.contains_key(CONTENT_SECURITY_POLICY) {
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    }
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(allow) = route.allow.as_deref().and_then(|allow| HeaderValue::from_str(allow).ok())
    {
        headers.insert(ALLOW, allow);
    }
    rate_limit(found, headers);
}

/// draft-ietf-httpapi-ratelimit-headers: the limits, and what is left of each.
fn rate_limit(found: &RequestOutcome, headers: &mut HeaderMap) {
    let stored = *found.stored.lock();
    let all: Vec<&Verdict> = found.verdicts().iter().chain(&stored).collect();
    let list = |say: fn(&Verdict) -> String| {
        all.iter().map(|verdict| say(verdict)).collect::<Vec<_>>().join(", ")
    };
    let said = [(RATE_LIMIT_POLICY, list(Verdict::policy)), (RATE_LIMIT, list(Verdict::left))];
    for (name, value) in said {
        if let Ok(value) = HeaderValue::from_str(&value)
            && !all.is_empty()
        {
            headers.insert(name, value);
        }
    }
}

/// One line per request. Its span has the method and the path's template; the path itself, the query and
/// headers are never logged.
pub(super) fn log(context: &RequestContext, status: u16, took: Duration, user: Option<&UserId>) {
    let user = user.map(UserId::as_str);
    // Whole microseconds: more digits are noise.
    let duration_ms = (took.as_secs_f64() * 1_000_000.0).round() / 1_000.0;
    if status >= 500 {
        context.span.record("otel.status_code", "error");
    }
    context.span.in_scope(|| {
        tracing::info!(
            http.status = status,
            duration_ms,
            user.id = user,
            client.ip = %context.ip,
            "request"
        );
    });
}
