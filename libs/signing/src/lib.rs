//! How access tokens are signed and checked: Ed25519 (RFC 8032), which `jsonwebtoken` is given here.
//!
//! Owns the one cryptography provider of a process and the form of a signing key. Must not know what a token
//! says or where keys are kept: auth-svc signs, the gateway checks. `jsonwebtoken`'s own providers bring RSA and
//! three elliptic curves along; this one knows a single algorithm, so a token that names another can be neither
//! made nor believed.

use std::fmt;

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result};
use jsonwebtoken::signature::{self, Signer, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, EncodingKey};
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

/// Bytes of a public key.
pub const PUBLIC_KEY_BYTES: usize = 32;

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: signer,
    verifier_factory: verifier,
    // For thumbprints of JSON Web Keys and for making them of private keys, which nothing here does.
    key_utils: KeyUtils {
        rsa_pub_components_from_private_key: |_| Err(ErrorKind::InvalidAlgorithm.into()),
        rsa_pub_components_from_public_key: |_| Err(ErrorKind::InvalidAlgorithm.into()),
        ec_pub_components_from_private_key: |_, _| Err(ErrorKind::InvalidAlgorithm.into()),
        ed_pub_components_from_private_key: |_, _| Err(ErrorKind::InvalidAlgorithm.into()),
        compute_digest: |_, _| Err(ErrorKind::InvalidAlgorithm.into()),
    },
};

/// Gives `jsonwebtoken` what it signs and checks with, for the whole process. Must come before the first token;
/// a second call changes nothing.
pub fn install() {
    // It fails when a provider is installed already: this one, as only this crate names one.
    let _ = PROVIDER.install_default();
}

/// A text of bytes is no Ed25519 key, or the system has no randomness for a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidKey;

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an Ed25519 key in PKCS #8")
    }
}
impl std::error::Error for InvalidKey {}

/// A private key as it lies in a file, and the public key that belongs to it.
#[derive(Clone)]
pub struct SigningKey {
    pkcs8: Vec<u8>,
    public: [u8; PUBLIC_KEY_BYTES],
}

impl SigningKey {
    /// A new key.
    ///
    /// # Errors
    /// [`InvalidKey`] when the system has no randomness.
    pub fn generate() -> std::result::Result<Self, InvalidKey> {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new());
        Self::from_pkcs8(document.map_err(|_| InvalidKey)?.as_ref())
    }

    /// A key from PKCS #8 (DER), with or without its public key (RFC 8410).
    ///
    /// # Errors
    /// [`InvalidKey`] when it is not one, or its public key belongs to another.
    pub fn from_pkcs8(der: &[u8]) -> std::result::Result<Self, InvalidKey> {
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map_err(|_| InvalidKey)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| InvalidKey)?;
        Ok(Self { pkcs8: der.to_vec(), public })
    }

    /// The key in PKCS #8 (DER): what is written into a file.
    #[must_use]
    pub fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// The public key.
    #[must_use]
    pub const fn public(&self) -> [u8; PUBLIC_KEY_BYTES] {
        self.public
    }

    /// The key as `jsonwebtoken` takes it.
    #[must_use]
    pub fn encoding_key(&self) -> EncodingKey {
        EncodingKey::from_ed_der(&self.pkcs8)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey")
    }
}

fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>> {
    check(*algorithm, key.family())?;
    let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(key.as_bytes())
        .map_err(|_| ErrorKind::InvalidEddsaKey)?;
    Ok(Box::new(Ed25519Signer(pair)))
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    check(*algorithm, key.family())?;
    let bytes = key.try_get_as_bytes()?.try_into().map_err(|_| ErrorKind::InvalidEddsaKey)?;
    Ok(Box::new(Ed25519Verifier(UnparsedPublicKey::new(&ED25519, bytes))))
}

fn check(algorithm: Algorithm, family: AlgorithmFamily) -> Result<()> {
    if algorithm != Algorithm::EdDSA {
        return Err(ErrorKind::InvalidAlgorithm.into());
    }
    if family != AlgorithmFamily::Ed {
        return Err(ErrorKind::InvalidKeyFormat.into());
    }
    Ok(())
}

struct Ed25519Signer(Ed25519KeyPair);

impl Signer<Vec<u8>> for Ed25519Signer {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, signature::Error> {
        Ok(self.0.sign(message).as_ref().to_vec())
    }
}

impl JwtSigner for Ed25519Signer {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

struct Ed25519Verifier(UnparsedPublicKey<[u8; PUBLIC_KEY_BYTES]>);

impl Verifier<Vec<u8>> for Ed25519Verifier {
    fn verify(
        &self,
        message: &[u8],
        signature: &Vec<u8>,
    ) -> std::result::Result<(), signature::Error> {
        self.0.verify(message, signature).map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for Ed25519Verifier {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::crypto::{sign, verify};

    /// Test 1 of RFC 8032, section 7.1, in the form auth-svc wrote before this crate (PKCS #8, version 2).
    const PKCS8: &[u8] = b"\x30\x51\x02\x01\x01\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20\
        \x9d\x61\xb1\x9d\xef\xfd\x5a\x60\xba\x84\x4a\xf4\x92\xec\x2c\xc4\
        \x44\x49\xc5\x69\x7b\x32\x69\x19\x70\x3b\xac\x03\x1c\xae\x7f\x60\x81\x21\x00\
        \xd7\x5a\x98\x01\x82\xb1\x0a\xb7\xd5\x4b\xfe\xd3\xc9\x64\x07\x3a\
        \x0e\xe1\x72\xf3\xda\xa6\x23\x25\xaf\x02\x1a\x68\xf7\x07\x51\x1a";
    const SIGNED_NOTHING: &str =
        "5VZDAMNgrHKQhuLMgG6CioSHfx645dl02HPgZSJJAVVfuIIVkKM7rMYeOXAc-bRr0lv18FlbviRlUUFDjnoQCw";

    fn decoding(key: &SigningKey) -> DecodingKey {
        DecodingKey::from_ed_der(&key.public())
    }

    #[test]
    fn keys_and_signatures_are_those_of_the_standard() {
        install();
        let key = SigningKey::from_pkcs8(PKCS8).unwrap();
        assert_eq!(key.pkcs8(), PKCS8);
        let signature = sign(b"", &key.encoding_key(), Algorithm::EdDSA).unwrap();
        assert_eq!(signature, SIGNED_NOTHING);
        assert!(verify(&signature, b"", &decoding(&key), Algorithm::EdDSA).unwrap());
        assert!(!verify(&signature, b"x", &decoding(&key), Algorithm::EdDSA).unwrap());
    }

    #[test]
    fn a_key_without_its_public_key_is_read_and_one_with_a_wrong_one_is_not() {
        let mut first = PKCS8[..48].to_vec();
        (first[1], first[4]) = (0x2e, 0);
        let (key, whole) = (SigningKey::from_pkcs8(&first), SigningKey::from_pkcs8(PKCS8));
        assert_eq!(key.unwrap().public(), whole.unwrap().public());
        let mut wrong = PKCS8.to_vec();
        wrong[60] ^= 1;
        assert_eq!(SigningKey::from_pkcs8(&wrong).unwrap_err(), InvalidKey);
        assert_eq!(SigningKey::from_pkcs8(b"nonsense").unwrap_err(), InvalidKey);
    }

    #[test]
    fn new_keys_differ_and_check_only_their_own() {
        install();
        let (one, other) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
        let signature = sign(b"m", &one.encoding_key(), Algorithm::EdDSA).unwrap();
        assert!(verify(&signature, b"m", &decoding(&one), Algorithm::EdDSA).unwrap());
        assert!(!verify(&signature, b"m", &decoding(&other), Algorithm::EdDSA).unwrap());
    }

    #[test]
    fn other_algorithms_are_neither_made_nor_checked() {
        install();
        let key = SigningKey::generate().unwrap();
        for algorithm in [Algorithm::HS256, Algorithm::RS256, Algorithm::ES256] {
            assert!(sign(b"m", &key.encoding_key(), algorithm).is_err(), "{algorithm:?}");
            assert!(verify("AA", b"m", &decoding(&key), algorithm).is_err(), "{algorithm:?}");
        }
        let secret = EncodingKey::from_secret(&key.public());
        assert!(sign(b"m", &secret, Algorithm::EdDSA).is_err());
    }
}
