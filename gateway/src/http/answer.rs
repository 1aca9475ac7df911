//! What a handler answers, before it is HTTP.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use bytes::Bytes;
use schemas::{Position, Rejection};
use serde::Serialize;

/// What a handler says.
pub(crate) type Outcome = Result<Answer, Rejection>;

/// A success.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) content_type: &'static str,
    pub(crate) body: Bytes,
    /// The place in the log after which the effect can be read.
    pub(crate) position: Option<Position>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

impl Answer {
    /// 200 with a document.
    pub(crate) fn ok(document: &impl Serialize) -> Self {
        Self::json(StatusCode::OK, document)
    }

    /// 201 with the document of what was made.
    pub(crate) fn created(document: &impl Serialize) -> Self {
        Self::json(StatusCode::CREATED, document)
    }

    /// 201 when something was made, 200 when it was there already.
    pub(crate) fn made(created: bool, document: &impl Serialize) -> Self {
        if created { Self::created(document) } else { Self::ok(document) }
    }

    /// 204.
    pub(crate) fn nothing() -> Self {
        Self::new(StatusCode::NO_CONTENT, "", Bytes::new())
    }

    /// 200 with something else than JSON.
    pub(crate) fn text(content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self::new(StatusCode::OK, content_type, body.into())
    }

    /// Any status with JSON.
    pub(crate) fn json(status: StatusCode, document: &impl Serialize) -> Self {
        let body = serde_json::to_vec(document).unwrap_or_else(|error| {
            // No view holds a map with keys that are not texts, which is all that could fail.
            tracing::error!(error = %error, "an answer could not be written as JSON");
            Vec::new()
        });
        Self::new(status, "application/json", body.into())
    }

    fn new(status: StatusCode, content_type: &'static str, body: Bytes) -> Self {
        Self { status, content_type, body, position: None, headers: Vec::new() }
    }

    /// The same, saying where its effect can be read.
    pub(crate) fn at(mut self, position: Option<Position>) -> Self {
        self.position = position;
        self
    }

    /// The same with one more header.
    pub(crate) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }
}
