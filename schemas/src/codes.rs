//! The one table of error codes. They are stable: clients switch on them.

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
