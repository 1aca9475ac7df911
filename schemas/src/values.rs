//! Values with limits: parsed once at the edge, then trusted by their type.
//!
//! Every text a person can send becomes one of these, and `parse` is the only way in from a client: it checks
//! and normalises, and commands apply it again (`text::strict`). What lies in the log was accepted
//! by the build that wrote it and is read back to the letter, even where today's rule would refuse it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::invalid::invalid;
use crate::text::{Strict, text_serde};
use crate::unicode::{Rule, accept};

pub use crate::choices::{
    Format, MessageHas, NotificationKind, Notify, Posting, PresenceStatus, ReportStatus, Role,
    RoomKind, RoomMention, RoomRole, ShownStatus, Unverified, VerificationKind, Visibility, called,
};
pub use crate::email::Email;
pub use crate::invalid::InvalidValue;
pub use crate::password::NewPassword;
pub use crate::secret::Secret;
pub use crate::sought::{EventType, SubjectId};
pub use crate::user_ref::UserRef;

/// Most characters of a message.
const MAX_BODY: usize = 8_000;

macro_rules! text_value {
    // A text that people see: what was stored is read as it is.
    ($(#[$doc:meta])* $name:ident, $parse:expr, seen) => {
        text_value!($(#[$doc])* $name, $parse, |text| Ok(text.to_owned()));
    };
    ($(#[$doc:meta])* $name:ident, $parse:expr) => {
        text_value!($(#[$doc])* $name, $parse, $parse);
    };
    ($(#[$doc:meta])* $name:ident, $parse:expr, $stored:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
        #[schemars(with = "String")]
        pub struct $name(String);

        impl crate::text::Text for $name {
            type Refused = InvalidValue;
            fn take(text: &str) -> Result<Self, InvalidValue> {
                let rule: fn(&str) -> Result<String, InvalidValue> = $stored;
                rule(text).map(Self)
            }
        }
        impl crate::text::Strict for $name {
            fn strict(self) -> Result<Self, InvalidValue> {
                Self::parse(&self.0)
            }
        }
        text_serde!(@ $name, |value| value.as_str());

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
        crate::text::text_conversions!($name, InvalidValue, |value| value.0);
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

pub(crate) use text_value;

/// Names that no account can take: they mean something else where people are named.
pub const RESERVED_USERNAMES: [&str; 13] = [
    "admin",
    "administrator",
    "all",
    "channel",
    "deleted",
    "everyone",
    "here",
    "me",
    "moderator",
    "room",
    "root",
    "support",
    "system",
];

text_value!(
/// A username: 3 to 32 of `[a-z0-9._-]`, beginning and ending with a letter or digit, not one of
/// [`RESERVED_USERNAMES`]; upper case is folded. [`Username::existing`] reads one that may be older than that.
Username, |text| {
    const WRONG: &str = "username may contain a-z, 0-9, '.', '_' and '-', and begins and ends with a letter or digit";
    let folded = text.to_ascii_lowercase();
    if RESERVED_USERNAMES.contains(&folded.as_str()) {
        return Err(invalid("reserved", "username is reserved"));
    }
    let folded = well_formed(&folded)?;
    if folded.ends_with(['.', '_', '-']) {
        return Err(invalid("invalid_format", WRONG));
    }
    Ok(folded)
}, well_formed);

/// What any username ever was: the rule of the first build.
fn well_formed(text: &str) -> Result<String, InvalidValue> {
    const WRONG: &str =
        "username may contain a-z, 0-9, '.', '_' and '-', and begins with a letter or digit";
    let folded = text.to_ascii_lowercase();
    if folded.len() < 3 {
        return Err(invalid("too_short", "username must have at least 3 characters"));
    }
    if folded.len() > 32 {
        return Err(invalid("too_long", "username must have at most 32 characters"));
    }
    let head = folded.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let body = folded.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'));
    if head && body { Ok(folded) } else { Err(invalid("invalid_format", WRONG)) }
}

impl Username {
    /// Reads a name that an account may have: for looking people up. Names taken under an older rule, and
    /// reserved ones, which no account has, are read too.
    ///
    /// # Errors
    /// [`InvalidValue`] for what no username ever was.
    pub fn existing(text: &str) -> Result<Self, InvalidValue> {
        well_formed(text).map(Self)
    }
}

text_value!(
    /// A name shown to people: 1 to 64 characters on one line (see [`crate::unicode`]).
    DisplayName, |text| accept(text, &Rule::name("display_name", 64)), seen);
impl Username {
    /// How an erased account is called: a reserved name, which no account can take.
    #[must_use]
    pub fn deleted() -> Self {
        Self("deleted".to_owned())
    }
}

impl DisplayName {
    /// How an erased account is shown.
    #[must_use]
    pub fn deleted() -> Self {
        Self("Deleted user".to_owned())
    }
}

impl From<&Username> for DisplayName {
    /// Every username fits the rule of a display name.
    fn from(username: &Username) -> Self {
        Self(username.0.clone())
    }
}

text_value!(
    /// A room's name: 1 to 100 characters on one line (see [`crate::unicode`]).
    RoomName, |text| accept(text, &Rule::name("name", 100)), seen);
text_value!(
    /// A room's topic: at most 1,000 characters.
    Topic, |text| accept(text, &Rule::note("topic", 1_000)), seen);
text_value!(
    /// What a person says of themselves: at most 2,000 characters.
    Bio, |text| accept(text, &Rule::note("bio", 2_000)), seen);
text_value!(
    /// What a person says beside their presence: 1 to 100 characters on one line.
    StatusText, |text| accept(text, &Rule::line("text", 100)), seen);
text_value!(
    /// The text of a message: 1 to 8,000 characters with something to see among them, white space kept.
    Body, |text| accept(text, &Rule::body("body", MAX_BODY)), seen);
impl Body {
    /// The text of a message whose event is gone.
    #[must_use]
    pub const fn erased() -> Self {
        Self::none()
    }

    /// No text: what a message says that only brings files.
    #[must_use]
    pub const fn none() -> Self {
        Self(String::new())
    }

    /// Whether there is no text.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.0.is_empty()
    }
}
text_value!(
    /// The title of a notification: 1 to 200 characters on one line.
    Title, |text| accept(text, &Rule::line("title", 200)), seen);
text_value!(
    /// The text of a notification: at most 4,000 characters.
    Notice, |text| accept(text, &Rule::note("body", 4_000)), seen);
text_value!(
    /// Why something was done, or a note about it: 1 to 500 characters with something to see among them.
    Reason, |text| accept(text, &Rule::body("reason", 500)), seen);
text_value!(
/// What the configuration calls a provider of single sign-on: 1 to 32 of `[a-z0-9_-]`; stands in paths.
ProviderId, |text| {
    let fits = (1..=32).contains(&text.len())
        && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'));
    match fits {
        true => Ok(text.to_owned()),
        false => Err(invalid("invalid_format", "must be 1 to 32 of a-z, 0-9, '_' and '-'")),
    }
});
text_value!(
    /// What people call a provider of single sign-on: 1 to 64 characters on one line.
    ProviderName, |text| accept(text, &Rule::name("name", 64)), seen);
text_value!(
    /// What a client calls itself: 1 to 256 characters on one line.
    UserAgent, |text| accept(text, &Rule::line("user_agent", 256)), seen);
text_value!(
    /// What a client calls its own message so that a repeat is recognised: 1 to 128 visible ASCII characters.
    ClientId, |text| visible_ascii(text, "client_id"));
text_value!(
    /// What a client calls a request so that a repeat is recognised: 1 to 128 visible ASCII characters.
    IdempotencyKey, |text| visible_ascii(text, "Idempotency-Key"));
text_value!(
    /// One emoji, fully qualified: one entry of Unicode's list, whether it was sent with U+FE0F or without.
    Emoji,
    |text| crate::emoji::one(text).ok_or_else(no_emoji),
    |text| crate::emoji::stored(text).ok_or_else(no_emoji));

fn no_emoji() -> InvalidValue {
    invalid("invalid_format", "emoji must be a single emoji")
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

/// What to do with an optional field of something that exists.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "{T}Patch")]
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

    /// What becomes of a field that is never absent: emptied it is what it is at first. None: it stays.
    #[must_use]
    pub fn or_default(self) -> Option<T>
    where
        T: Default,
    {
        match self {
            Self::Keep => None,
            Self::Clear => Some(T::default()),
            Self::Set(value) => Some(value),
        }
    }

    /// Whether it changes nothing.
    #[must_use]
    pub const fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }
}

impl<T: Strict> Strict for Patch<T> {
    fn strict(self) -> Result<Self, InvalidValue> {
        Ok(match self {
            Self::Set(value) => Self::Set(value.strict()?),
            other => other,
        })
    }
}

impl<T: Strict> Strict for Option<T> {
    fn strict(self) -> Result<Self, InvalidValue> {
        self.map(T::strict).transpose()
    }
}

#[cfg(test)]
mod tests;
