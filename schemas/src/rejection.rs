//! The shapes errors travel in.
//!
//! A service answers a command with a [`Rejection`]; the gateway turns it into a [`Problem`] (RFC 9457),
//! which is also what an `error` frame on a socket carries.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::codes::Code;
use crate::reasons::RefusalReason;

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
    /// Why, where the code leaves that open. A build that does not know the reason yet reads none, and none is in what
    /// builds write that have no reasons.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "reason_known")]
    pub reason: Option<RefusalReason>,
    /// The fields at fault, where it is about fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// Seconds after which trying again makes sense.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
}

impl Rejection {
    /// A rejection with a cause in words. Where the code leaves the cause open to programs there is
    /// [`Rejection::because`].
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), reason: None, errors: Vec::new(), retry_after: None }
    }

    /// A rejection for a reason that programs can tell; it has the reason's code.
    #[must_use]
    pub fn because(reason: RefusalReason, detail: impl Into<String>) -> Self {
        Self { reason: Some(reason), ..Self::new(reason.code(), detail) }
    }

    /// The same about one field; `code` is the field's.
    #[must_use]
    pub fn field_because(
        reason: RefusalReason,
        pointer: &str,
        code: &str,
        detail: impl Into<String>,
    ) -> Self {
        Self { reason: Some(reason), ..Self::field(reason.code(), pointer, code, detail) }
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
        Self { code, detail, reason: None, errors: vec![error], retry_after: None }
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
    /// Why, where `code` leaves that open: with every `conflict` and `forbidden`, and with some of other codes. Later
    /// versions may add reasons; take one you do not know for none.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "reason_known")]
    pub reason: Option<RefusalReason>,
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
            reason: rejection.reason,
            errors: rejection.errors.clone(),
        }
    }
}

/// A reason of a later build is none to this one: the code and the words still say what happened.
fn reason_known<'de, D: Deserializer<'de>>(from: D) -> Result<Option<RefusalReason>, D::Error> {
    Ok(Option::<String>::deserialize(from)?.and_then(|reason| RefusalReason::parse(&reason)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What a build without reasons reads and writes.
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Earlier {
        code: Code,
        detail: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        errors: Vec<FieldError>,
    }

    #[test]
    fn a_reason_goes_from_a_service_to_the_client() {
        let refused = Rejection::because(RefusalReason::RoomArchived, "the room is archived");
        let wire = serde_json::to_value(&refused).unwrap();
        assert_eq!((&wire["code"], &wire["reason"]), (&json!("conflict"), &json!("room_archived")));
        let read: Rejection = serde_json::from_value(wire).unwrap();
        assert_eq!(read, refused);
        let problem = serde_json::to_value(Problem::of(&read, "t")).unwrap();
        assert_eq!(problem["reason"], "room_archived");
        assert_eq!(problem["status"], 409);
        let plain = Problem::of(&Rejection::not_found(), "t");
        assert_eq!(serde_json::to_value(plain).unwrap().get("reason"), None);
    }

    #[test]
    fn earlier_and_later_builds_are_understood() {
        let refused = Rejection::because(RefusalReason::Muted, "you are muted");
        let earlier: Earlier =
            serde_json::from_value(serde_json::to_value(&refused).unwrap()).unwrap();
        assert_eq!(earlier.code, Code::Forbidden);
        let read: Rejection = serde_json::from_value(json!(earlier)).unwrap();
        assert_eq!(read, Rejection { reason: None, ..refused.clone() });
        for reason in [json!("out_of_tea"), json!(null)] {
            let mut later = serde_json::to_value(&refused).unwrap();
            later["reason"] = reason.clone();
            let read: Rejection = serde_json::from_value(later).unwrap();
            assert_eq!(read.reason, None, "{reason}");
            let mut later = serde_json::to_value(Problem::of(&refused, "t")).unwrap();
            later["reason"] = reason;
            let read: Problem = serde_json::from_value(later).unwrap();
            assert_eq!((read.reason, read.code), (None, Code::Forbidden));
        }
    }
}
