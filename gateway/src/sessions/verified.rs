//! Access tokens whose signature has been verified, remembered so that the next request with the same token does not
//! pay for it again: the signature is the dearest part of a small request.
//!
//! What is remembered is what the token *says*. Whether it may be used is judged at every use: its expiry here, its
//! session, suspension and role by [`super::Sessions`]. A token is remembered for the set of keys it was verified
//! with: when the keys have been fetched anew, it is verified again, so a withdrawn key ends its tokens.

use std::time::Duration;

use moka::sync::Cache;
use schemas::Timestamp;
use schemas::commands::Caller;
use sha2::{Digest, Sha256};

/// Tokens remembered; those used least often go first. An entry takes some 300 bytes whatever the token's length.
const MAX_TOKENS: u64 = 100_000;
/// Longer than an access token is good for, so that none is forgotten while it is used.
const REMEMBERED: Duration = Duration::from_secs(1_200);

/// Which token: a hash that cannot be aimed at. The token itself is not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct TokenHash([u8; 32]);

impl TokenHash {
    pub(super) fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }
}

/// What a verified token says.
#[derive(Debug, Clone)]
pub(super) struct Verified {
    pub(super) caller: Caller,
    /// Seconds since 1970, as `exp` in the token.
    pub(super) expires: u64,
    /// Which set of keys it was verified with.
    pub(super) keys: u64,
}

impl Verified {
    /// Whether it is past its expiry and `leeway` seconds more, as the verification of a token judges it.
    pub(super) fn is_expired(&self, now: Timestamp, leeway: u64) -> bool {
        let now = u64::try_from(now.millis() / 1_000).unwrap_or(0);
        self.expires < now.saturating_sub(leeway)
    }
}

/// The memory of verified tokens. Tokens that failed are never in it.
pub(super) struct VerifiedTokens(Cache<TokenHash, Verified>);

impl VerifiedTokens {
    pub(super) fn new() -> Self {
        Self::of(MAX_TOKENS)
    }

    fn of(tokens: u64) -> Self {
        Self(Cache::builder().max_capacity(tokens).time_to_live(REMEMBERED).build())
    }

    /// What a token says, if it is remembered.
    pub(super) fn get(&self, token: &TokenHash) -> Option<Verified> {
        self.0.get(token)
    }

    pub(super) fn insert(&self, token: TokenHash, verified: Verified) {
        self.0.insert(token, verified);
    }

    pub(super) fn forget(&self, token: &TokenHash) {
        self.0.invalidate(token);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::fixture::{session, user};
    use schemas::values::Role;

    fn verified(expires: u64, keys: u64) -> Verified {
        let caller = Caller { user_id: user(1), session_id: session(1), role: Role::User };
        Verified { caller, expires, keys }
    }

    #[test]
    fn a_token_is_found_by_itself_only_until_it_is_forgotten() {
        let tokens = VerifiedTokens::new();
        let token = TokenHash::of("a.b.c");
        tokens.insert(token, verified(100, 7));
        assert_eq!(tokens.get(&token).map(|found| found.keys), Some(7));
        assert!(tokens.get(&TokenHash::of("a.b.d")).is_none());
        tokens.forget(&token);
        assert!(tokens.get(&token).is_none());
    }

    #[test]
    fn a_token_expires_as_its_signature_would_be_judged() {
        let expired =
            |seconds: i64| verified(100, 7).is_expired(Timestamp::from_millis(seconds * 1_000), 5);
        assert!(!expired(99) && !expired(105) && expired(106));
    }

    #[test]
    fn a_flood_of_tokens_does_not_grow_the_memory() {
        let tokens = VerifiedTokens::of(100);
        for number in 0..5_000 {
            tokens.insert(TokenHash::of(&format!("a.b.{number}")), verified(100, 7));
        }
        tokens.0.run_pending_tasks();
        assert!(tokens.0.entry_count() <= 100, "{}", tokens.0.entry_count());
        assert!(size_of::<(TokenHash, Verified)>() <= 128);
    }
}
