//! The one place that knows HTTP statuses: a [`Rejection`] as an RFC 9457 `application/problem+json` answer.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, RETRY_AFTER};
use schemas::{Code, FieldError, Problem, Rejection};

/// The content type of a problem.
pub(crate) const CONTENT_TYPE: &str = "application/problem+json";

/// A rejection as clients see it. What may be tried again after some seconds says so, whatever its code.
#[must_use]
pub(crate) fn problem(rejection: &Rejection, trace_id: &str) -> Problem {
    let mut problem = Problem::of(rejection, trace_id);
    problem.retryable |= rejection.retry_after.is_some();
    problem
}

/// A rejection as an HTTP answer.
#[must_use]
pub(crate) fn answer(rejection: &Rejection, trace_id: &str) -> HttpResponse {
    let problem = problem(rejection, trace_id);
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let mut response = HttpResponse::build(status).content_type(CONTENT_TYPE).body(body);
    if let Some(seconds) = rejection.retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Several fields of a request are at fault.
#[must_use]
pub(crate) fn invalid(errors: Vec<FieldError>) -> Rejection {
    let detail = match errors.as_slice() {
        [one] => format!("{}: {}", one.pointer, one.detail),
        several => format!("{} fields are not valid", several.len()),
    };
    Rejection { errors, ..Rejection::new(Code::ValidationFailed, detail) }
}

/// Something about the request as a whole is at fault.
#[must_use]
pub(crate) fn bad(detail: impl Into<String>) -> Rejection {
    Rejection::new(Code::ValidationFailed, detail)
}

/// What a code means, for `/problems/{code}`: the type of every problem is a page.
#[must_use]
pub(crate) const fn meaning(code: Code) -> &'static str {
    match code {
        Code::ValidationFailed => {
            "A field, query parameter or header is missing, unknown, of the wrong type or breaks its limit. \
             `errors` names each one. Change the request."
        }
        Code::InvalidCode => "A code is wrong. After five wrong ones a one-time code is gone.",
        Code::Unauthenticated => {
            "The access token is missing or not valid, or its session has ended. Log in."
        }
        Code::InvalidCredentials => "The login or the password is wrong.",
        Code::SecondFactorRequired => {
            "The password was right, and the account asks for a code of its second factor: send `code`, too."
        }
        Code::ReauthenticationRequired => {
            "The account has no password, and the session is older than 10 minutes. Log in again."
        }
        Code::TokenExpired => "The access token has expired. Refresh it and repeat the request.",
        Code::Forbidden => "The caller is not allowed to do this.",
        Code::NotVerified => "The e-mail address of the account must be verified first.",
        Code::Suspended => "The account is suspended. Ask an administrator of the server.",
        Code::Blocked => {
            "One of the users blocks the other, or does not want to be reached this way. `errors` names the user where the \
             request has several."
        }
        Code::NotFound => "It does not exist, or the caller may not see it.",
        Code::MethodNotAllowed => {
            "The path exists, but not with this method. `Allow` lists the methods it has."
        }
        Code::Conflict => {
            "The current state of the resource does not allow it. If `retryable` is set, an identical request is still in \
             progress: wait as long as `Retry-After` says and repeat it."
        }
        Code::AlreadyExists => "A unique name is taken; `errors` names the field.",
        Code::Gone => "It was there once: used, replaced, expired or purged.",
        Code::PreconditionFailed => {
            "`If-Match`, `If-Unmodified-Since` or `If-None-Match` does not hold: what is there is not what the client takes it for."
        }
        Code::PayloadTooLarge => "The body or the headers exceed the size limit.",
        Code::UnsupportedMediaType => "Bodies are JSON; send `Content-Type: application/json`.",
        Code::IdempotencyMismatch => {
            "The `Idempotency-Key` was used for a different request. A key is only for repeats of the same request."
        }
        Code::RateLimited => "Too many requests. Wait as long as `Retry-After` says.",
        Code::Internal => "A defect of the server. Report the `trace_id` to the operator.",
        Code::Unavailable => {
            "A service the server depends on does not answer, or the outcome is not known. Repeat the request after \
             `Retry-After` with the same `Idempotency-Key` or `client_id`: nothing is done twice."
        }
        Code::ProjectionLagging => {
            "The read model has not reached the position in `Tidings-Min-Position` yet. Repeat the request."
        }
    }
}
