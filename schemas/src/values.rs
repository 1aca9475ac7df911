//! Values with limits: parsed once at the edge, then trusted by their type.
//!
//! Every text a person can send becomes one of these. `parse` is the only way in; serde uses it too,
//! so a command or an event cannot carry a value that breaks its rule.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::text_serde;

pub use crate::choices::{Format, NotificationKind, Role, RoomKind, RoomRole, Visibility};
pub use crate::password::NewPassword;

/// Why a value was refused: a stable code and a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct InvalidValue {
    /// Stable machine-readable reason: `too_short`, `too_long` or `invalid_format`.
    pub code: &'static str,
    /// What is wrong, in words.
    pub detail: String,
}

pub(crate) fn invalid(code: &'static str, detail: impl Into<String>) -> InvalidValue {
    InvalidValue { code, detail: detail.into() }
}

/// Text with a length in characters and, unless `lines` is set, no control characters.
fn checked(
    text: &str,
    what: &str,
    min: usize,
    max: usize,
    lines: bool,
) -> Result<(), InvalidValue> {
    // A character has at least one byte, so an oversized text is refused without counting it.
    let length = match text.len() {
        bytes if bytes > max * 4 => max + 1,
        bytes if text.is_ascii() => bytes,
        _ => text.chars().count(),
    };
    if length < min {
        return Err(invalid("too_short", format!("{what} must have at least {min} characters")));
    }
    if length > max {
        return Err(invalid("too_long", format!("{what} must have at most {max} characters")));
    }
    let allowed = |c: char| !c.is_control() || (lines && matches!(c, '\n' | '\t' | '\r'));
    // Nearly all text is plain: one glance at its bytes says so.
    let plain = text.bytes().all(|b| (0x20..0x7f).contains(&b));
    if !plain && !text.chars().all(allowed) {
        return Err(invalid(
            "invalid_format",
            format!("{what} must not contain control characters"),
        ));
    }
    Ok(())
}

macro_rules! text_value {
    ($(#[$doc:meta])* $name:ident, $parse:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
        #[schemars(with = "String")]
        pub struct $name(String);

        text_serde!($name, InvalidValue, |value| value.as_str());

        impl $name {
            /// Checks and, where the rule says so, normalises a text.
            ///
            /// # Errors
            /// [`InvalidValue`] with the reason.
            pub fn parse(text: &str) -> Result<Self, InvalidValue> {
                let rule: fn(&str) -> Result<String, InvalidValue> = $parse;
                rule(text).map(Self)
            }

            /// The value as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl TryFrom<String> for $name {
            type Error = InvalidValue;
            fn try_from(text: String) -> Result<Self, InvalidValue> {
                Self::parse(&text)
            }
        }
        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.0
            }
        }
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

text_value!(
/// A username: 3 to 32 of `[a-z0-9._-]`, beginning with a letter or digit; upper case is folded.
Username, |text| {
    let folded = text.to_ascii_lowercase();
    if folded.len() < 3 {
        return Err(invalid("too_short", "username must have at least 3 characters"));
    }
    if folded.len() > 32 {
        return Err(invalid("too_long", "username must have at most 32 characters"));
    }
    let head = folded.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let body = folded.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'));
    if head && body {
        Ok(folded)
    } else {
        Err(invalid("invalid_format", "username may contain a-z, 0-9, '.', '_' and '-', and begins with a letter or digit"))
    }
});

text_value!(
/// An e-mail address: one `@`, a local part of at most 64 and a whole of at most 254 bytes
/// (RFC 5321), no spaces, quotes or control characters, a domain with a dot or `localhost`.
/// The domain is folded to lower case.
Email, |text| {
    const BAD: &str = "not an e-mail address";
    if text.len() > 254 {
        return Err(invalid("too_long", "email must have at most 254 characters"));
    }
    let Some((local, domain)) = text.split_once('@') else {
        return Err(invalid("invalid_format", BAD));
    };
    let local_ok = (1..=64).contains(&local.len())
        && !local.starts_with('.') && !local.ends_with('.') && !local.contains("..")
        && local.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b));
    let label = |l: &str| (1..=63).contains(&l.len()) && !l.starts_with('-') && !l.ends_with('-')
        && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let domain_ok = domain.split('.').all(label)
        && (domain.contains('.') || domain.eq_ignore_ascii_case("localhost"));
    if local_ok && domain_ok {
        Ok(format!("{local}@{}", domain.to_ascii_lowercase()))
    } else {
        Err(invalid("invalid_format", BAD))
    }
});

text_value!(
    /// A name shown to people: 1 to 64 characters on one line, not only white space.
    DisplayName, |text| one_line(text, "display_name", 64));
impl From<&Username> for DisplayName {
    /// Every username fits the rule of a display name.
    fn from(username: &Username) -> Self {
        Self(username.0.clone())
    }
}

text_value!(
    /// A room's name: 1 to 80 characters on one line, not only white space.
    RoomName, |text| one_line(text, "name", 80));
text_value!(
    /// A room's topic: at most 500 characters.
    Topic, |text| checked(text, "topic", 0, 500, true).map(|()| text.to_owned()));
text_value!(
    /// What a person says of himself: at most 1,000 characters.
    Bio, |text| checked(text, "bio", 0, 1000, true).map(|()| text.to_owned()));
text_value!(
/// The text of a message: 1 to 8,000 characters, not only white space; kept as it was sent.
Body, |text| {
    checked(text, "body", 1, 8000, true)?;
    if text.trim().is_empty() {
        return Err(invalid("too_short", "body must not be blank"));
    }
    Ok(text.to_owned())
});
text_value!(
    /// What a client calls its own message so that a repeat is recognised: 1 to 128 visible ASCII characters.
    ClientId, |text| visible_ascii(text, "client_id"));
text_value!(
    /// What a client calls a request so that a repeat is recognised: 1 to 128 visible ASCII characters.
    IdempotencyKey, |text| visible_ascii(text, "Idempotency-Key"));

fn one_line(text: &str, what: &str, max: usize) -> Result<String, InvalidValue> {
    let trimmed = text.trim();
    checked(trimmed, what, 1, max, false)?;
    Ok(trimmed.to_owned())
}

fn visible_ascii(text: &str, what: &str) -> Result<String, InvalidValue> {
    if text.is_empty() {
        return Err(invalid("too_short", format!("{what} must not be empty")));
    }
    if text.len() > 128 {
        return Err(invalid("too_long", format!("{what} must have at most 128 characters")));
    }
    if text.bytes().all(|b| (0x21..=0x7e).contains(&b)) {
        Ok(text.to_owned())
    } else {
        Err(invalid("invalid_format", format!("{what} must be visible ASCII")))
    }
}

/// A password or token in transit: never shown by `Debug`, never part of an event.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(with = "String")]
pub struct Secret(String);

impl Secret {
    /// Wraps a text that must not be shown.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text; every call is a place to check that it goes nowhere else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// What to do with an optional field of something that exists.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Patch<T> {
    /// Leave it as it is.
    #[default]
    Keep,
    /// Empty it.
    Clear,
    /// Give it this value.
    Set(T),
}

impl<T> Patch<T> {
    /// The field after the patch.
    #[must_use]
    pub fn apply(self, old: Option<T>) -> Option<T> {
        match self {
            Self::Keep => old,
            Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }

    /// Whether it changes nothing.
    #[must_use]
    pub const fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }
}

/// Somebody named in a request: a user id or `@username`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum UserRef {
    /// By id.
    Id(crate::ids::UserId),
    /// By username.
    Name(Username),
}

impl UserRef {
    /// Parses `usr_...` or `@username`.
    ///
    /// # Errors
    /// [`InvalidValue`] when it is neither.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        match text.strip_prefix('@') {
            Some(name) => Username::parse(name).map(Self::Name),
            None => crate::ids::UserId::parse(text)
                .map(Self::Id)
                .map_err(|_| invalid("invalid_format", "must be a user id or @username")),
        }
    }
}
impl TryFrom<String> for UserRef {
    type Error = InvalidValue;
    fn try_from(text: String) -> Result<Self, InvalidValue> {
        Self::parse(&text)
    }
}
impl From<UserRef> for String {
    fn from(value: UserRef) -> String {
        match value {
            UserRef::Id(id) => id.into(),
            UserRef::Name(name) => format!("@{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn code<T>(result: Result<T, InvalidValue>) -> Option<&'static str> {
        result.err().map(|e| e.code)
    }

    #[test]
    fn usernames_are_folded_and_bounded() {
        assert_eq!(Username::parse("Ada.L").map(|u| u.to_string()), Ok("ada.l".into()));
        assert_eq!(code(Username::parse("ab")), Some("too_short"));
        assert_eq!(code(Username::parse(&"a".repeat(33))), Some("too_long"));
        for bad in [".abc", "a b c", "аda", "ada*", "ada>", "ada\n"] {
            assert_eq!(code(Username::parse(bad)), Some("invalid_format"), "{bad:?}");
        }
    }

    #[test]
    fn emails_must_be_plain_addresses() {
        assert!(Email::parse("ada@Example.ORG").is_ok_and(|e| e.as_str() == "ada@example.org"));
        for bad in
            ["", "ada", "@x.y", "a@", "a b@x.y", "a@x", "a@x..y", "a@b.c\r\nBcc: d@e.f", ".a@x.y"]
        {
            assert_eq!(code(Email::parse(bad)), Some("invalid_format"), "{bad:?}");
        }
    }

    #[test]
    fn bodies_count_characters_not_bytes() {
        assert!(Body::parse(&"ü".repeat(8000)).is_ok());
        assert_eq!(code(Body::parse(&"ü".repeat(8001))), Some("too_long"));
        assert_eq!(code(Body::parse(" \n ")), Some("too_short"));
        assert_eq!(code(Body::parse("a\0b")), Some("invalid_format"));
    }
}
