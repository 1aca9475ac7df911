//! One-time codes: six digits that follow from a secret of the installation and the id of a challenge.
//!
//! Nothing stores a code. auth-svc derives it to compare what a user typed, the notifier to mail it; both hold the
//! secret, and nothing else does. This is the one place that computes codes.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::ids::ChallengeId;
use crate::invalid::{InvalidValue, invalid};
use crate::subjects::Digest;
use crate::text::text_conversions;

/// Bytes of SHA-256's block, which HMAC pads its key to.
const BLOCK: usize = 64;
/// How many codes there are.
const CODES: u64 = 1_000_000;

/// Six digits, as a user typed them or as they are mailed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct OneTimeCode(String);

impl OneTimeCode {
    /// Six ASCII digits, with nothing around them.
    ///
    /// # Errors
    /// [`InvalidValue`] for anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let fits = text.len() == 6 && text.bytes().all(|digit| digit.is_ascii_digit());
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(invalid("invalid_format", "a code has 6 digits"))
        }
    }

    /// The digits.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for OneTimeCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTimeCode(..)")
    }
}
text_conversions!(OneTimeCode, InvalidValue, |code| code.0);

/// The secret that codes are derived with.
#[derive(Clone)]
pub struct CodeKey {
    /// HMAC with the key taken in already; a clone of it derives one code.
    keyed: Hmac<Sha256>,
}

impl CodeKey {
    /// Length of the key in bytes.
    pub const BYTES: usize = 32;

    /// From the bytes of the keys folder.
    #[must_use]
    pub fn new(key: &[u8; Self::BYTES]) -> Self {
        // RFC 2104 pads a shorter key with zeros.
        let mut block = [0; BLOCK];
        for (to, from) in block.iter_mut().zip(key) {
            *to = *from;
        }
        Self { keyed: Hmac::new(&block.into()) }
    }

    /// The code of a challenge.
    #[must_use]
    pub fn code(&self, challenge: &ChallengeId) -> OneTimeCode {
        let mut mac = self.keyed.clone();
        mac.update(b"code\0");
        mac.update(challenge.as_str().as_bytes());
        let bytes = mac.finalize().into_bytes();
        // 64 bits are so many more than six digits that no code is likelier than another by more than one in 10^13.
        let number =
            bytes.iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
        OneTimeCode(format!("{:06}", number % CODES))
    }

    /// What tells this key from another one; says nothing about it.
    #[must_use]
    pub fn check(&self) -> Digest {
        let mut mac = self.keyed.clone();
        mac.update(b"check\0");
        Digest::from_hash(&mac.finalize().into_bytes())
    }
}

impl fmt::Debug for CodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_code_follows_from_the_key_and_the_challenge() {
        let (one, other) = (CodeKey::new(&[1; 32]), CodeKey::new(&[2; 32]));
        let id = |number| ChallengeId::from_uuid(Uuid::from_u128(number));
        assert_eq!(one.code(&id(1)), CodeKey::new(&[1; 32]).code(&id(1)));
        assert_ne!(one.code(&id(1)), one.code(&id(2)));
        assert_ne!(one.code(&id(1)), other.code(&id(1)));
        assert_ne!(one.check(), other.check());
        for number in 0..1000 {
            let code = one.code(&id(number));
            assert_eq!(OneTimeCode::parse(code.expose()), Ok(code));
        }
    }

    #[test]
    fn a_code_is_six_ascii_digits_and_never_shown() {
        for bad in [
            "",
            "12345",
            "1234567",
            "12345a",
            " 12345",
            "123 45",
            "+12345",
            "１２３４５６",
            "-00001",
        ] {
            assert!(OneTimeCode::parse(bad).is_err(), "{bad:?}");
        }
        let shown = OneTimeCode::parse("012345").map(|code| format!("{code:?}"));
        assert_eq!(shown, Ok("OneTimeCode(..)".to_owned()));
    }
}
