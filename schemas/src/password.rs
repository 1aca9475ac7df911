//! Passwords as people type them: one text has several spellings in Unicode, and a keyboard decides which.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

use crate::invalid::{InvalidValue, invalid};
use crate::values::Secret;

/// Fewest and most bytes of a password; bcrypt looks at no more than the latter.
const BYTES: std::ops::RangeInclusive<usize> = 8..=72;
/// A text may be this many times as long as its NFC form (three, in UTF-8, and some room).
const LONGEST_SPELLING: usize = 4;

/// A password as bcrypt can take it: normalised to NFC, then 8 to 72 bytes, without NUL (longer ones bcrypt would
/// cut silently).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Secret", into = "Secret")]
#[schemars(with = "String")]
pub struct NewPassword(Secret);

impl NewPassword {
    /// Normalises, then checks the length in bytes and that there is no NUL.
    ///
    /// # Errors
    /// [`InvalidValue`] with the reason; the password is not in it.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let too_long = || invalid("too_long", "password must have at most 72 bytes");
        let normal = normal(text).ok_or_else(too_long)?;
        if normal.len() < *BYTES.start() {
            return Err(invalid("too_short", "password must have at least 8 bytes"));
        }
        if normal.len() > *BYTES.end() {
            return Err(too_long());
        }
        if normal.contains('\0') {
            return Err(invalid("invalid_format", "password must not contain NUL"));
        }
        Ok(Self(Secret::new(normal)))
    }

    /// The password, in NFC.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}
impl TryFrom<Secret> for NewPassword {
    type Error = InvalidValue;
    fn try_from(secret: Secret) -> Result<Self, InvalidValue> {
        Self::parse(secret.expose())
    }
}
impl From<NewPassword> for Secret {
    fn from(password: NewPassword) -> Secret {
        password.0
    }
}

impl Secret {
    /// The spellings under which a typed password may have been hashed, in the order in which to try them: its
    /// NFC form, and the bytes as typed where they differ.
    #[must_use]
    pub fn spellings(&self) -> Vec<Self> {
        let typed = self.expose();
        match normal(typed) {
            Some(normal) if normal != typed => vec![Self::new(normal), self.clone()],
            _ => vec![self.clone()],
        }
    }
}

/// The NFC form; none of a text that is too long to be a password in any spelling.
fn normal(text: &str) -> Option<String> {
    (text.len() <= BYTES.end() * LONGEST_SPELLING).then(|| text.nfc().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Option<&'static str> {
        NewPassword::parse(text).err().map(|refused| refused.code)
    }

    fn spellings(text: &str) -> Vec<String> {
        let typed = Secret::new(text).spellings();
        typed.iter().map(|spelling| spelling.expose().to_owned()).collect()
    }

    #[test]
    fn passwords_are_bounded_in_bytes_and_never_shown() {
        assert_eq!(code(&"ü".repeat(37)), Some("too_long"));
        assert_eq!(code("12345678\0"), Some("invalid_format"));
        let shown = NewPassword::parse("correct horse").map(|password| format!("{password:?}"));
        assert_eq!(shown, Ok("NewPassword(Secret(..))".into()));
    }

    #[test]
    fn the_length_is_that_of_the_nfc_form() {
        let decomposed = "u\u{308}".repeat(36);
        assert_eq!(decomposed.len(), 108);
        assert_eq!(NewPassword::parse(&decomposed).unwrap().expose(), "ü".repeat(36));
        assert_eq!(code("e\u{301}e\u{301}e\u{301}"), Some("too_short"), "9 bytes, 6 in NFC");
        // Some characters are never composed: their NFC form is the longer one.
        assert_eq!(code(&"\u{958}".repeat(24)), Some("too_long"), "72 bytes, 144 in NFC");
        assert_eq!(code(&"x".repeat(1_000_000)), Some("too_long"));
        let hangul = "\u{1112}\u{1161}\u{11ab}".repeat(24);
        assert_eq!(NewPassword::parse(&hangul).unwrap().expose(), "한".repeat(24));
    }

    #[test]
    fn nfc_is_tried_before_what_was_typed() {
        assert_eq!(spellings("correct horse"), ["correct horse"]);
        assert_eq!(spellings("gru\u{308}ße"), ["grüße", "gru\u{308}ße"]);
        let huge = "e\u{301}".repeat(100_000);
        assert_eq!(spellings(&huge), [huge.as_str()], "no time is spent on what cannot be one");
    }
}
