//! Names made safe and short for subjects and keys.

use std::fmt;

use data_encoding::HEXLOWER;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::namespace::InvalidSubject;
use crate::text::text_conversions;

/// A name made safe and short for a subject: the first 16 bytes of a hash, as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Digest([u8; DIGITS]);

/// Hexadecimal digits of a digest.
const DIGITS: usize = 32;

impl Digest {
    /// The digest of parts, each ended by a zero byte so that no two lists of parts collide.
    #[must_use]
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update(part.as_bytes());
            hasher.update([0]);
        }
        Self::from_hash(&hasher.finalize())
    }

    /// The first 16 bytes of a hash.
    pub(crate) fn from_hash(hash: &[u8]) -> Self {
        let mut digits = [b'0'; DIGITS];
        if let Some(half) = hash.get(..DIGITS / 2) {
            HEXLOWER.encode_mut(half, &mut digits);
        }
        Self(digits)
    }

    /// Parses 32 hexadecimal digits.
    ///
    /// # Errors
    /// [`InvalidSubject`] for anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidSubject> {
        let fits = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let digits = text.as_bytes().try_into().ok().filter(|_| fits);
        digits.map(Self).ok_or(InvalidSubject("digest"))
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Digest").field(&self.as_str()).finish()
    }
}

text_conversions!(Digest, InvalidSubject);
