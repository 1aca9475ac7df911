//! Names made safe and short for subjects and keys.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::namespace::InvalidSubject;
use crate::text::text_conversions;

/// A name made safe and short for a subject: the first 16 bytes of a hash, as 32 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Digest(std::sync::Arc<str>);

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
        Self(data_encoding::HEXLOWER.encode(hash.get(..16).unwrap_or_default()).into())
    }

    /// Parses 32 hexadecimal digits.
    ///
    /// # Errors
    /// [`InvalidSubject`] for anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidSubject> {
        let fits = text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if fits { Ok(Self(text.into())) } else { Err(InvalidSubject("digest")) }
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

text_conversions!(Digest, InvalidSubject);
