//! The one table of error codes, and the shapes errors travel in.
//!
//! A service answers a command with a [`Rejection`]; the gateway turns it into a [`Problem`] (RFC 9457),
//! which is also what an `error` frame on a socket carries. Codes are stable: clients switch on them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $status:literal, $retryable:literal, $title:literal;)*) => {
        /// A stable reason why something was refused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum Code {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)*
        }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Code] = &[$(Code::$variant),*];

            /// The code on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The HTTP status it is answered with.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }

            /// Whether the same request may succeed later without being changed.
            #[must_use]
            pub const fn retryable(self) -> bool {
                match self { $(Self::$variant => $retryable,)* }
            }

            /// A short title for people.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }
        }
    };
}

codes! {
    /// A field is missing, unknown, of the wrong type or breaks its limit.
    ValidationFailed = "validation_failed", 400, false, "The request is not valid";
    /// A one-time code is wrong or used up.
    InvalidCode = "invalid_code", 400, false, "The code is not valid";
    /// No credentials, or credentials that are not ours.
    Unauthenticated = "unauthenticated", 401, false, "Authentication is required";
    /// Login and password do not belong together.
    InvalidCredentials = "invalid_credentials", 401, false, "The login or the password is wrong";
    /// The password was right, and a code of the second factor is missing or wrong.
    SecondFactorRequired = "second_factor_required", 401, false, "A code of the second factor is required";
    /// The account has no password, and the session is too old to do without.
    ReauthenticationRequired = "reauthentication_required", 401, false, "Log in again to do this";
    /// The access token was good once.
    TokenExpired = "token_expired", 401, false, "The access token has expired";
    /// The caller is known and may not.
    Forbidden = "forbidden", 403, false, "Not allowed";
    /// The address of the account is not verified.
    NotVerified = "not_verified", 403, false, "The address is not verified";
    /// The account is suspended.
    Suspended = "suspended", 403, false, "The account is suspended";
    /// Another user does not want it: a block, or what they prefer.
    Blocked = "blocked", 403, false, "Not wanted by another user";
    /// It does not exist, or the caller may not know of it.
    NotFound = "not_found", 404, false, "Not found";
    /// The path exists, not with this method.
    MethodNotAllowed = "method_not_allowed", 405, false, "Method not allowed";
    /// The state of the thing does not allow it.
    Conflict = "conflict", 409, false, "Conflict with the current state";
    /// A unique name is taken.
    AlreadyExists = "already_exists", 409, false, "Already exists";
    /// It was there once and is not any more.
    Gone = "gone", 410, false, "Gone";
    /// A condition in the headers of the request does not hold.
    PreconditionFailed = "precondition_failed", 412, false, "A precondition failed";
    /// Larger than the limit.
    PayloadTooLarge = "payload_too_large", 413, false, "Too large";
    /// The body is not JSON.
    UnsupportedMediaType = "unsupported_media_type", 415, false, "Unsupported media type";
    /// The same Idempotency-Key or client_id came with another request.
    IdempotencyMismatch = "idempotency_mismatch", 422, false, "The idempotency key or client_id was used for another request";
    /// Too many requests or frames; wait as long as told.
    RateLimited = "rate_limited", 429, true, "Too many requests";
    /// A defect of ours.
    Internal = "internal", 500, false, "Internal error";
    /// Something we need does not answer, or the outcome is not known; the same request may be sent again.
    Unavailable = "unavailable", 503, true, "Temporarily unavailable";
    /// The read model has not reached the position the caller asked for.
    ProjectionLagging = "projection_lagging", 503, true, "The read model is behind";
}

/// What is wrong with one field of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FieldError {
    /// Which field, as a JSON pointer (RFC 6901) into the request body, or `?name` for a query parameter.
    pub pointer: String,
    /// Stable reason, such as `too_long`.
    pub code: String,
    /// The reason in words.
    pub detail: String,
}

/// Why a service refused a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[error("{}: {detail}", code.as_str())]
pub struct Rejection {
    /// The stable reason.
    pub code: Code,
    /// The reason in words; nothing secret.
    pub detail: String,
    /// The fields at fault, where it is about fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// Seconds after which trying again makes sense.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
}

impl Rejection {
    /// A rejection with a reason in words.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), errors: Vec::new(), retry_after: None }
    }

    /// A rejection because of one field.
    #[must_use]
    pub fn field(code: Code, pointer: &str, reason: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let error = FieldError {
            pointer: pointer.to_owned(),
            code: reason.to_owned(),
            detail: detail.clone(),
        };
        Self { code, detail, errors: vec![error], retry_after: None }
    }

    /// What the request says cannot be stored in a form that would be read back as it was meant. Asking again does
    /// not help.
    #[must_use]
    pub fn unstorable() -> Self {
        Self::new(Code::ValidationFailed, "a value in the request cannot be stored as it is")
    }

    /// What the caller may not know of and what does not exist answer alike.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "there is no such thing, or you may not see it")
    }

    /// The same with a number of seconds to wait.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }
}

/// An error as clients see it: RFC 9457 `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// A URI reference that names the kind of problem: `/problems/<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// A short title for people.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong in this case.
    pub detail: String,
    /// The stable code.
    pub code: Code,
    /// Whether the same request may succeed later.
    pub retryable: bool,
    /// The trace to name when asking the operator.
    pub trace_id: String,
    /// The fields at fault.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

impl Problem {
    /// The problem a rejection is shown as.
    #[must_use]
    pub fn of(rejection: &Rejection, trace_id: &str) -> Self {
        Self {
            kind: format!("/problems/{}", rejection.code.as_str()),
            title: rejection.code.title().to_owned(),
            status: rejection.code.status(),
            detail: rejection.detail.clone(),
            code: rejection.code,
            retryable: rejection.code.retryable(),
            trace_id: trace_id.to_owned(),
            errors: rejection.errors.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_stand_on_the_wire_as_in_the_table() {
        for code in Code::ALL {
            let wire = serde_json::to_string(code).unwrap_or_default();
            assert_eq!(wire, format!("\"{}\"", code.as_str()));
            assert!((400..=599).contains(&code.status()));
        }
    }
}
