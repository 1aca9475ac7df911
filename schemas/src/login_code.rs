//! The challenge of a one-use login code: who holds the code must also know what the challenge was made of (RFC 7636,
//! `S256`).

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use schemars::JsonSchema;
use sha2::{Digest as _, Sha256};

use crate::invalid::InvalidValue;
use crate::text::text_serde;

/// The SHA-256 of a verifier, in base64url without padding: 43 characters.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String")]
pub struct CodeChallenge(String);

text_serde!(CodeChallenge, InvalidValue, |challenge| challenge.as_str());

impl CodeChallenge {
    /// Parses a challenge.
    ///
    /// # Errors
    /// [`InvalidValue`] when it is not 32 bytes in base64url without padding.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes());
        if bytes.is_ok_and(|bytes| bytes.len() == 32) {
            return Ok(Self(text.to_owned()));
        }
        let detail = "must be the SHA-256 of the verifier in base64url without padding";
        Err(InvalidValue { code: "invalid_format", detail: detail.to_owned() })
    }

    /// As it was sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a verifier is the one it was made of: 43 to 128 characters of `[A-Za-z0-9._~-]`. Every byte is compared,
    /// so that the time says nothing of where two differ.
    #[must_use]
    pub fn is_of(&self, verifier: &str) -> bool {
        let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
        let well_formed = (43..=128).contains(&verifier.len()) && verifier.bytes().all(unreserved);
        let made = BASE64URL_NOPAD.encode(&Sha256::digest(verifier.as_bytes()));
        let differs = made.bytes().zip(self.0.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b));
        well_formed && made.len() == self.0.len() && differs == 0
    }
}

impl fmt::Display for CodeChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 7636, appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn a_verifier_belongs_to_its_challenge() {
        let challenge = CodeChallenge::parse(CHALLENGE).unwrap();
        assert!(challenge.is_of(VERIFIER));
        for other in ["", "x", &VERIFIER.replace('d', "e"), &VERIFIER[..42], CHALLENGE] {
            assert!(!challenge.is_of(other), "{other}");
        }
    }

    #[test]
    fn a_challenge_is_a_hash() {
        for bad in ["", "abc", VERIFIER.trim_end_matches('k'), &format!("{CHALLENGE}="), "é"] {
            assert!(CodeChallenge::parse(bad).is_err(), "{bad}");
        }
    }
}
