//! Refresh tokens: which one of a session's is current, and what an older one means.
//!
//! A token is `<session id>.<generation>.<mac>`; the mac is HMAC-SHA-256 over the session, its salt and the
//! generation, under a secret of the keys folder. So no token is stored, an old one is told from a forged
//! one, and a client that lost the answer and asks again gets the very token it has missed instead of a
//! second one. Rotation with detection of reuse follows RFC 9700, section 4.14.2.

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use schemas::values::Secret;
use schemas::{SessionId, Timestamp};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// Milliseconds during which the token before the current one is taken for a retry.
const RETRY_WINDOW: i64 = 10_000;

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

/// What a genuine or forged token means for its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The current one: the session goes on with the next generation.
    Rotate,
    /// The one before, a moment after it was used: the answer was lost, give the current one again.
    Retry,
    /// An old one: somebody has a copy.
    Reuse,
    /// Not one of ours.
    Forged,
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

    /// What a presented token means for a session at `current`, rotated last at `rotated_at`.
    pub(crate) fn judge(
        &self,
        presented: &Presented,
        salt: &str,
        current: u64,
        rotated_at: Timestamp,
        now: Timestamp,
    ) -> Verdict {
        let genuine = self.mac(&presented.session, salt, presented.generation);
        let matches = !genuine.is_empty() && bool::from(genuine.ct_eq(&presented.mac));
        if !matches || presented.generation > current {
            return Verdict::Forged;
        }
        let age = now.millis().saturating_sub(rotated_at.millis());
        match current - presented.generation {
            0 => Verdict::Rotate,
            1 if age <= RETRY_WINDOW => Verdict::Retry,
            _ => Verdict::Reuse,
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn verdict(generation: u64, current: u64, age: i64) -> Verdict {
        let tokens = RefreshTokens::new(vec![7; 32]);
        let session = SessionId::from_uuid(Uuid::from_u128(1));
        let token = tokens.token(&session, "salt", generation);
        let presented = Presented::parse(token.expose()).unwrap();
        let rotated = Timestamp::from_millis(1_000_000);
        tokens.judge(&presented, "salt", current, rotated, Timestamp::from_millis(1_000_000 + age))
    }

    #[test]
    fn each_generation_has_its_meaning() {
        assert_eq!(verdict(3, 3, 0), Verdict::Rotate);
        assert_eq!(verdict(2, 3, 10_000), Verdict::Retry);
        assert_eq!(verdict(2, 3, 10_001), Verdict::Reuse);
        assert_eq!(verdict(1, 3, 0), Verdict::Reuse);
        assert_eq!(verdict(4, 3, 0), Verdict::Forged);
    }

    #[test]
    fn what_we_did_not_make_is_forged_or_no_token() {
        let tokens = RefreshTokens::new(vec![7; 32]);
        let session = SessionId::from_uuid(Uuid::from_u128(1));
        let foreign = RefreshTokens::new(vec![8; 32]).token(&session, "salt", 0);
        let presented = Presented::parse(foreign.expose()).unwrap();
        let now = Timestamp::from_millis(0);
        assert_eq!(tokens.judge(&presented, "salt", 0, now, now), Verdict::Forged);
        assert_eq!(tokens.judge(&presented, "pepper", 0, now, now), Verdict::Forged);
        for bad in [
            "",
            "a.b.c",
            "ses_x.0.AA",
            "....",
            &format!("{session}.0.!!"),
            &format!("{session}.-1.AA"),
        ] {
            assert_eq!(Presented::parse(bad), None, "{bad}");
        }
    }
}
