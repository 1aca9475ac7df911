//! The head of a request: its headers as text, its limits, and what must not stand in it.

use actix_web::HttpRequest;
use actix_web::http::Method;
use schemas::{Code, Rejection};

use crate::problem;

/// Largest sum of header names and values, in bytes.
const MAX_HEADERS: usize = 32 * 1024;
/// Query parameters in which a client might put a token: it would end up in logs and browser histories.
const NOT_IN_A_URL: [&str; 4] = ["token", "access_token", "refresh_token", "authorization"];

/// Headers that stand in a request once: of two a proxy in front may have looked at the other.
const SINGLE: [&str; 4] =
    ["authorization", "content-type", "idempotency-key", "tidings-min-position"];

/// Refuses heads that are too large or say a thing twice, and tokens in URLs.
pub(super) fn check_head(request: &HttpRequest) -> Result<(), Rejection> {
    let size: usize =
        request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if size > MAX_HEADERS {
        return Err(Rejection::new(Code::PayloadTooLarge, "the headers are too large"));
    }
    let twice = |name: &&&str| request.headers().get_all(**name).nth(1).is_some();
    if let Some(name) = SINGLE.iter().find(twice) {
        return Err(problem::bad(format!("the header {name} must be there once")));
    }
    let names = request.query_string().split('&').map(|pair| pair.split('=').next().unwrap_or(""));
    for name in names {
        if NOT_IN_A_URL.iter().any(|secret| name.eq_ignore_ascii_case(secret)) {
            let detail = "tokens do not belong in a URL; use the Authorization header";
            let pointer = format!("?{}", name.to_ascii_lowercase());
            let code = Code::ValidationFailed;
            return Err(Rejection::field(code, &pointer, "not_in_a_url", detail));
        }
    }
    Ok(())
}

/// Every name of a method that logs have.
pub(super) const METHOD_NAMES: [&str; 8] =
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "OTHER"];

/// A method's name for logs and metrics; clients may invent methods, which must not make series.
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

/// The first header of a name, if it is text.
pub(crate) fn header<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    request.headers().get(name).and_then(|value| value.to_str().ok())
}
