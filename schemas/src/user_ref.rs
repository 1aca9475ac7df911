//! How a request names a person.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::UserId;
use crate::invalid::{InvalidValue, invalid};
use crate::text::text_conversions;
use crate::values::Username;

/// A person named in a request: a user id or `@username`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum UserRef {
    /// By id.
    Id(UserId),
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
            Some(name) => Username::existing(name).map(Self::Name),
            None => UserId::parse(text)
                .map(Self::Id)
                .map_err(|_| invalid("invalid_format", "must be a user id or @username")),
        }
    }
}
text_conversions!(UserRef, InvalidValue, |person| match person {
    UserRef::Id(id) => id.into(),
    UserRef::Name(name) => format!("@{name}"),
});
