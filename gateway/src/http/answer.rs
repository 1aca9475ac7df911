//! What a handler answers, before it is HTTP.
//!
//! A handler's return type says which statuses it answers with and what: [`Done`] 200, [`Created`] 201, [`Begun`] 202, [`Made`] 201
//! or 200, [`NoContent`] 204, [`Redirected`] 302, [`Shown`] 200 with something that OpenAPI does not describe.

use std::marker::PhantomData;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use bytes::Bytes;
use schemars::{JsonSchema, SchemaGenerator};
use schemas::{Code, Position, Problem, Rejection};
use serde::Serialize;

use super::description::{Description, Schematic};
use crate::problem;

/// What a call led to.
pub(crate) type Outcome = Result<Answer, Rejection>;

/// A success.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// Empty when there is no body.
    pub(crate) content_type: &'static str,
    pub(crate) body: Bytes,
    /// The place in the log after which the effect can be read.
    pub(crate) position: Option<Position>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

impl Answer {
    /// 204.
    pub(crate) fn nothing() -> Self {
        Self::new(StatusCode::NO_CONTENT, "", Bytes::new())
    }

    /// Any status with JSON.
    fn json(status: StatusCode, document: &impl Serialize) -> Self {
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

    /// The same with one more header.
    pub(crate) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// An answer with a `T`, under the statuses of `S`.
pub(crate) struct Reply<T, S> {
    answer: Answer,
    of: PhantomData<fn() -> (T, S)>,
}

/// Which statuses an answer can have, for the OpenAPI document.
pub(crate) trait Statuses {
    const ALL: &'static [u16];
    /// Whether the answer has a document with a schema.
    const DESCRIBED: bool = true;
}

macro_rules! statuses {
    ($($(#[$doc:meta])* $name:ident = $all:expr, $described:literal;)*) => {
        $(
            $(#[$doc])*
            pub(crate) enum $name {}
            impl Statuses for $name {
                const ALL: &'static [u16] = $all;
                const DESCRIBED: bool = $described;
            }
        )*
    };
}
statuses! {
    /// 200.
    Okay = &[200], true;
    /// 201: something was created.
    New = &[201], true;
    /// 202: it is done later, or a mail brings the rest.
    Later = &[202], true;
    /// 201 when something was created, 200 when it was there already.
    NewOrKnown = &[201, 200], true;
    /// 200 with a link, or 302 to where it leads.
    Link = &[200, 302], true;
    /// 204.
    Empty = &[204], false;
    /// 302: the browser goes on elsewhere.
    Elsewhere = &[302], false;
    /// 200 with a page, or with JSON that follows a standard of its own.
    Undescribed = &[200], false;
}

/// 200 with a document.
pub(crate) type Done<T> = Result<Reply<T, Okay>, Rejection>;
/// 201 with the document of what was created.
pub(crate) type Created<T> = Result<Reply<T, New>, Rejection>;
/// 202 with a document that says how to go on.
pub(crate) type Begun<T> = Result<Reply<T, Later>, Rejection>;
/// 201 when something was created, 200 when it was there already, with its document.
pub(crate) type Made<T> = Result<Reply<T, NewOrKnown>, Rejection>;
/// 200 with a link, or 302 to where it leads.
pub(crate) type Led<T> = Result<Reply<T, Link>, Rejection>;
/// 204.
pub(crate) type NoContent = Result<Reply<(), Empty>, Rejection>;
/// 302 to another place.
pub(crate) type Redirected = Result<Reply<(), Elsewhere>, Rejection>;
/// 200 with something that OpenAPI does not describe.
pub(crate) type Shown = Result<Reply<(), Undescribed>, Rejection>;

impl<T, S> Reply<T, S> {
    const fn of(answer: Answer) -> Self {
        Self { answer, of: PhantomData }
    }

    /// The same, saying where its effect can be read.
    pub(crate) fn at(mut self, position: Option<Position>) -> Self {
        self.answer.position = position;
        self
    }

    /// The same with one more header.
    pub(crate) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.answer = self.answer.with(name, value);
        self
    }

    /// The same with one more header, if there is a value.
    pub(crate) fn with_some(self, name: HeaderName, value: Option<HeaderValue>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }
}

impl<T: Serialize> Reply<T, Okay> {
    pub(crate) fn ok(document: &T) -> Self {
        Self::of(Answer::json(StatusCode::OK, document))
    }
}

impl<T: Serialize> Reply<T, New> {
    pub(crate) fn created(document: &T) -> Self {
        Self::of(Answer::json(StatusCode::CREATED, document))
    }
}

impl<T: Serialize> Reply<T, Later> {
    pub(crate) fn accepted(document: &T) -> Self {
        Self::of(Answer::json(StatusCode::ACCEPTED, document))
    }
}

impl<T: Serialize> Reply<T, Later> {
    /// The problem of a rejection, with members of its own: whether it is done is not known, and this is what to ask by.
    pub(crate) fn in_doubt(rejection: &Rejection, trace_id: &str, members: &T) -> Self {
        #[derive(Serialize)]
        struct InDoubt<'a, T> {
            #[serde(flatten)]
            problem: Problem,
            #[serde(flatten)]
            members: &'a T,
        }
        let problem = problem::problem(rejection, trace_id);
        let status = StatusCode::from_u16(problem.status);
        let status = status.unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        let mut answer = Answer::json(status, &InDoubt { problem, members });
        answer.content_type = problem::CONTENT_TYPE;
        if let Some(seconds) = rejection.retry_after {
            answer = answer.with(RETRY_AFTER, HeaderValue::from(seconds));
        }
        Self::of(answer)
    }
}

impl<T: Serialize> Reply<T, NewOrKnown> {
    /// 201 when it was created now.
    pub(crate) fn made(created: bool, document: &T) -> Self {
        let status = if created { StatusCode::CREATED } else { StatusCode::OK };
        Self::of(Answer::json(status, document))
    }
}

impl<T: Serialize> Reply<T, Link> {
    /// 200.
    pub(crate) fn link(document: &T) -> Self {
        Self::of(Answer::json(StatusCode::OK, document))
    }

    /// 302: the header `Location` is to be added.
    pub(crate) fn found() -> Self {
        Self::of(Answer::new(StatusCode::FOUND, "", Bytes::new()))
    }
}

impl Reply<(), Empty> {
    pub(crate) fn no_content() -> Self {
        Self::of(Answer::nothing())
    }
}

impl Reply<(), Elsewhere> {
    /// 302 to a URL or a path.
    ///
    /// # Errors
    /// `internal`, for what fits into no header.
    pub(crate) fn elsewhere(place: &str) -> Result<Self, Rejection> {
        let unfit = |_| Rejection::new(Code::Internal, "the next place fits into no header");
        let place = HeaderValue::try_from(place).map_err(unfit)?;
        let answer = Answer::new(StatusCode::FOUND, "", Bytes::new());
        Ok(Self::of(answer.with(LOCATION, place)))
    }
}

impl Reply<(), Undescribed> {
    /// 200 with a text of some type.
    pub(crate) fn text(content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self::of(Answer::new(StatusCode::OK, content_type, body.into()))
    }

    /// Any status with JSON.
    pub(crate) fn json(status: StatusCode, document: &impl Serialize) -> Self {
        Self::of(Answer::json(status, document))
    }
}

/// Something a handler answers.
pub(crate) trait Described: 'static {
    fn describe(description: &mut Description);

    fn into_answer(self) -> Answer;
}

impl<T: JsonSchema + 'static, S: Statuses + 'static> Described for Reply<T, S> {
    fn describe(description: &mut Description) {
        for status in S::ALL {
            let described = S::DESCRIBED && *status < 300;
            let schema = described.then_some(SchemaGenerator::subschema_for::<T> as Schematic);
            description.answers.push((*status, schema));
        }
    }

    fn into_answer(self) -> Answer {
        self.answer
    }
}
