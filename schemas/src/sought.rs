//! What the audit trail is asked for: a type of event, and an id of any kind.

use std::fmt;

use schemars::JsonSchema;

use crate::ids::valid_body;
use crate::invalid::{InvalidValue, invalid};
use crate::text::text_serde;

/// Longest name of a type of event, in bytes.
const MAX_TYPE: usize = 64;
/// Longest prefix of an id, in bytes.
const MAX_PREFIX: usize = 16;

/// The name of a type of event, its version included (`message.posted.v1`): at most 64 of `[a-z0-9_.]`. This build need
/// not know the type.
#[derive(Debug, Clone, PartialEq, Eq, Hash, JsonSchema)]
#[schemars(with = "String")]
pub struct EventType(String);

text_serde!(EventType, InvalidValue, |kind| kind.as_str());

impl EventType {
    /// Parses a name.
    ///
    /// # Errors
    /// [`InvalidValue`] when it is not `noun.verb.v` and a number.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        if text.len() > MAX_TYPE {
            return Err(invalid("too_long", "type has at most 64 characters"));
        }
        let word = |part: &str| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
        };
        let version = |part: &str| {
            part.strip_prefix('v').is_some_and(|number| {
                !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
            })
        };
        let parts: Vec<&str> = text.split('.').collect();
        match parts.as_slice() {
            [noun, verb, last] if word(noun) && word(verb) && version(last) => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(invalid("invalid_format", "type is like message.posted.v1")),
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An id of any kind, such as `usr_...` or `room_...`. This build need not know the kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash, JsonSchema)]
#[schemars(with = "String")]
pub struct SubjectId(String);

text_serde!(SubjectId, InvalidValue, |id| id.as_str());

impl SubjectId {
    /// Parses an id.
    ///
    /// # Errors
    /// [`InvalidValue`] when it is not a prefix, an underscore and 26 digits.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let fits = text.rsplit_once('_').is_some_and(|(prefix, body)| {
            (1..=MAX_PREFIX).contains(&prefix.len())
                && prefix.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
                && valid_body(body)
        });
        if fits { Ok(Self(text.to_owned())) } else { Err(invalid("invalid_format", "not an id")) }
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for SubjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_there_is_can_be_asked_for_and_nothing_else_is_a_type() {
        for kind in crate::EventData::types() {
            assert_eq!(EventType::parse(kind).map(|kind| kind.to_string()), Ok(kind.to_owned()));
        }
        let long = format!("{}.posted.v1", "m".repeat(60));
        for bad in [
            "",
            "message",
            "message.posted",
            "message.posted.v",
            "Message.posted.v1",
            "a..v1",
            &long,
        ] {
            assert!(EventType::parse(bad).is_err(), "{bad}");
        }
        assert!(EventType::parse("a.b.v1 ").is_err() && EventType::parse("a.b.c.v1").is_err());
    }

    #[test]
    fn ids_of_every_kind_are_ids() {
        let body = "0".repeat(crate::ids::ID_BODY_LEN);
        for good in [format!("usr_{body}"), format!("media_{body}"), format!("new_kind_{body}")] {
            assert!(SubjectId::parse(&good).is_ok(), "{good}");
        }
        let long = format!("{}_{body}", "a".repeat(17));
        for bad in ["", "usr_", "_", &format!("_{body}"), &format!("USR_{body}"), &body, &long] {
            assert!(SubjectId::parse(bad).is_err(), "{bad}");
        }
    }
}
