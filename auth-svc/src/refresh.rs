//! Refresh tokens: made, taken apart and told from forged ones.
//!
//! A token is `<session id>.<generation>.<mac>`; the mac is HMAC-SHA-256 over the session, its salt and the
//! generation, under a secret of the keys folder: 256 bits that cannot be guessed. So no token is stored, an old
//! one is told from a forged one (which must not end a stranger's session), and a client that lost the
//! answer and asks again gets the very token it has missed instead of a second one. What a genuine token
//! means is decided in [`crate::domain::session`]. Rotation with detection of reuse follows RFC 9700,
//! section 4.14.2.

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use schemas::SessionId;
use schemas::values::Secret;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// Makes and checks refresh tokens.
#[derive(Clone)]
pub(crate) struct RefreshTokens {
    secret: Vec<u8>,
}

/// A token taken apart; its mac is not checked yet.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Presented {
    /// The session it claims to be of.
    pub(crate) session: SessionId,
    /// The generation it claims.
    pub(crate) generation: u64,
    mac: Vec<u8>,
}

impl Presented {
    /// Takes a token apart; none when it has not the form of one.
    pub(crate) fn parse(token: &str) -> Option<Self> {
        if token.len() > 256 {
            return None;
        }
        let mut parts = token.split('.');
        let (session, generation, mac) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        Some(Self {
            session: SessionId::parse(session).ok()?,
            generation: generation.parse().ok()?,
            mac: BASE64URL_NOPAD.decode(mac.as_bytes()).ok()?,
        })
    }
}

impl RefreshTokens {
    /// With the secret of the keys folder.
    pub(crate) fn new(secret: Vec<u8>) -> Self {
        Self { secret }
    }

    fn mac(&self, session: &SessionId, salt: &str, generation: u64) -> Vec<u8> {
        // HMAC takes keys of every length (RFC 2104), so this cannot fail; an empty mac matches nothing.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.secret) else { return Vec::new() };
        for part in [session.as_str(), salt, &generation.to_string()] {
            mac.update(part.as_bytes());
            mac.update(&[0]);
        }
        mac.finalize().into_bytes().to_vec()
    }

    /// The token of a generation.
    pub(crate) fn token(&self, session: &SessionId, salt: &str, generation: u64) -> Secret {
        let mac = BASE64URL_NOPAD.encode(&self.mac(session, salt, generation));
        Secret::new(format!("{session}.{generation}.{mac}"))
    }

    /// Whether a token is one of this session's, given out already or not.
    pub(crate) fn is_genuine(&self, presented: &Presented, salt: &str) -> bool {
        let genuine = self.mac(&presented.session, salt, presented.generation);
        !genuine.is_empty() && bool::from(genuine.ct_eq(&presented.mac))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_token_is_genuine_for_its_own_session_salt_and_generation() {
        let tokens = RefreshTokens::new(vec![7; 32]);
        let session = SessionId::from_uuid(Uuid::from_u128(1));
        let token = tokens.token(&session, "salt", 3);
        let presented = Presented::parse(token.expose()).unwrap();
        assert_eq!((&presented.session, presented.generation), (&session, 3));
        assert!(tokens.is_genuine(&presented, "salt"));
        assert!(!tokens.is_genuine(&presented, "pepper"));
        assert!(!RefreshTokens::new(vec![8; 32]).is_genuine(&presented, "salt"));
        let later = Presented { generation: 4, ..presented.clone() };
        assert!(!tokens.is_genuine(&later, "salt"));
        let other = Presented { session: SessionId::from_uuid(Uuid::from_u128(2)), ..presented };
        assert!(!tokens.is_genuine(&other, "salt"));
    }

    #[test]
    fn what_has_not_the_form_of_a_token_is_none() {
        let session = SessionId::from_uuid(Uuid::from_u128(1));
        let long = format!("{session}.0.{}", "A".repeat(300));
        for bad in [
            "",
            "a.b.c",
            "ses_x.0.AA",
            "....",
            &format!("{session}.0.!!"),
            &format!("{session}.-1.AA"),
            &long,
        ] {
            assert_eq!(Presented::parse(bad), None, "{bad}");
        }
    }
}
