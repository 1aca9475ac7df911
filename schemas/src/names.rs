//! The lanes of unique names: usernames, addresses, channel names, sets of people.
//!
//! Such a lane's subject is a keyed hash (HMAC-SHA-256). A plain hash could be reversed with a list of names:
//! a reader of `nats stream subjects`, or of a backup, could test which addresses are registered. With the key of
//! the installation that is possible only for the services that hold it. This is the one place that
//! computes these lanes.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::ids::{InviteId, UserId};
use crate::subjects::{Digest, Lane};

/// Characters of an id behind its prefix, with which a code of an invitation and a token of a link begin.
const ID_LEN: usize = 26;
/// Bytes of SHA-256's block, which HMAC pads its key to.
const BLOCK: usize = 64;

/// The key of an installation's name lanes. It cannot be changed while a log lives: every lane would be
/// another one and every name free again.
#[derive(Clone)]
pub struct NameKey {
    /// HMAC with the key taken in already; a clone of it hashes one name.
    keyed: Hmac<Sha256>,
}

impl NameKey {
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

    /// The keyed digest of parts, each ended by a zero byte so that no two lists of parts collide.
    #[must_use]
    pub fn digest<'a>(&self, parts: impl IntoIterator<Item = &'a str>) -> Digest {
        let mut mac = self.keyed.clone();
        for part in parts {
            mac.update(part.as_bytes());
            mac.update(&[0]);
        }
        Digest::from_hash(&mac.finalize().into_bytes())
    }

    /// The lane that guards a username (compared without regard to case).
    #[must_use]
    pub fn handle(&self, username: &str) -> Lane {
        Lane::Handle(self.digest(["handle", &username.to_lowercase()]))
    }

    /// The lane that guards an e-mail address (compared without regard to case).
    #[must_use]
    pub fn email(&self, address: &str) -> Lane {
        Lane::Email(self.digest(["email", &address.to_lowercase()]))
    }

    /// The lane that guards an identity at a provider of single sign-on: the issuer and the subject, both to the letter. By
    /// the issuer and not by what the configuration calls it, so that no other provider can inherit its people.
    #[must_use]
    pub fn identity(&self, issuer: &str, subject: &str) -> Lane {
        Lane::Identity(self.digest(["identity", issuer, subject]))
    }

    /// The lane that guards a channel's name (compared by [`crate::unicode::key`]).
    #[must_use]
    pub fn room_name(&self, name: &str) -> Lane {
        Lane::RoomName(self.digest(["roomname", &crate::unicode::key(name)]))
    }

    /// The lane that guards the one direct room of a set of people; order and repetition do not matter.
    #[must_use]
    pub fn direct<'a>(&self, members: impl IntoIterator<Item = &'a UserId>) -> Lane {
        let mut ids: Vec<&str> = members.into_iter().map(UserId::as_str).collect();
        ids.sort_unstable();
        ids.dedup();
        Lane::Direct(self.digest(std::iter::once("direct").chain(ids)))
    }

    /// The code of an invitation, by which people come in: the id and a keyed digest of it (128 bits), so that no code
    /// can be guessed or made of what the log says.
    #[must_use]
    pub fn invite_code(&self, id: &InviteId) -> String {
        let body = id.as_str().rsplit('_').next().unwrap_or_default();
        format!("{body}{}", self.digest(["invite", id.as_str()]))
    }

    /// The invitation a code is of; none for a code that this installation has not made.
    #[must_use]
    pub fn invite_of(&self, code: &str) -> Option<InviteId> {
        let (body, proof) = code.split_at_checked(ID_LEN)?;
        let id = InviteId::parse(&format!("{}_{body}", InviteId::PREFIX)).ok()?;
        same(&self.digest(["invite", id.as_str()]), proof).then_some(id)
    }

    /// The token of a link that ends an account's digests, in mails to an address of it: the id and a keyed digest (128
    /// bits). Good as long as the account has that address.
    #[must_use]
    pub fn unsubscribe_token(&self, user: &UserId, address: &str) -> String {
        let body = user.as_str().rsplit('_').next().unwrap_or_default();
        format!("{body}{}", self.unsubscribing(user, address))
    }

    /// The account a token is said to be for; whether it is, [`NameKey::may_unsubscribe`] says.
    #[must_use]
    pub fn unsubscribe_user(token: &str) -> Option<UserId> {
        let (body, _) = token.split_at_checked(ID_LEN)?;
        UserId::parse(&format!("{}_{body}", UserId::PREFIX)).ok()
    }

    /// Whether a token was made for an account with an address.
    #[must_use]
    pub fn may_unsubscribe(&self, token: &str, user: &UserId, address: &str) -> bool {
        let proof = token.split_at_checked(ID_LEN).map_or("", |(_, proof)| proof);
        Self::unsubscribe_user(token).as_ref() == Some(user)
            && same(&self.unsubscribing(user, address), proof)
    }

    fn unsubscribing(&self, user: &UserId, address: &str) -> Digest {
        self.digest(["unsubscribe", user.as_str(), &address.to_lowercase()])
    }

    /// The lane of the roll of admins. No username is `!admins`, so no account can hold it.
    #[must_use]
    pub fn admins(&self) -> Lane {
        self.handle("!admins")
    }

    /// What a log keeps to tell this key from another one; says nothing about the key.
    #[must_use]
    pub fn check(&self) -> Digest {
        self.digest(["check"])
    }
}

/// Whether a proof is a digest. Every byte is compared, so that the time says nothing of where two differ.
fn same(digest: &Digest, proof: &str) -> bool {
    digest.as_str().len() == proof.len()
        && digest.as_str().bytes().zip(proof.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}

impl fmt::Debug for NameKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NameKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn user(number: u128) -> UserId {
        UserId::from_uuid(Uuid::from_u128(number))
    }

    #[test]
    fn names_are_compared_without_regard_to_case() {
        let key = NameKey::new(&[7; 32]);
        assert_eq!(key.handle("Ada"), key.handle("ada"));
        assert_eq!(key.email("ADA@example.org"), key.email("ada@example.org"));
        assert_eq!(key.room_name("Lobby"), key.room_name("lobby"));
        assert_ne!(key.handle("ada"), key.handle("bob"));
        assert_ne!(key.handle("!admins"), key.handle("admins"));
    }

    #[test]
    fn identities_are_of_one_issuer_to_the_letter() {
        let key = NameKey::new(&[7; 32]);
        let lane = key.identity("https://id.test", "ada");
        assert_eq!(lane, key.identity("https://id.test", "ada"));
        assert_ne!(lane, key.identity("https://id.test", "Ada"));
        assert_ne!(lane, key.identity("https://id.test/", "ada"));
        assert_ne!(key.identity("a", "bc"), key.identity("ab", "c"));
    }

    #[test]
    fn a_set_of_people_has_one_lane() {
        let key = NameKey::new(&[7; 32]);
        let (one, other) = (user(1), user(2));
        assert_eq!(key.direct([&one, &other]), key.direct([&other, &one, &one]));
        assert_ne!(key.direct([&one]), key.direct([&one, &other]));
    }

    #[test]
    fn a_token_is_for_one_account_with_one_address() {
        let key = NameKey::new(&[7; 32]);
        let token = key.unsubscribe_token(&user(1), "ada@example.org");
        assert_eq!(NameKey::unsubscribe_user(&token), Some(user(1)));
        assert!(key.may_unsubscribe(&token, &user(1), "Ada@example.org"));
        assert!(!key.may_unsubscribe(&token, &user(1), "other@example.org"));
        assert!(!key.may_unsubscribe(&token, &user(2), "ada@example.org"));
        let other = NameKey::new(&[8; 32]);
        assert!(!other.may_unsubscribe(&token, &user(1), "ada@example.org"));
        for wrong in ["", "x", &token[..57], &format!("{token}0"), "\u{e9}".repeat(40).as_str()] {
            assert!(!key.may_unsubscribe(wrong, &user(1), "ada@example.org"), "{wrong}");
        }
    }

    #[test]
    fn without_the_key_no_lane_can_be_computed() {
        let (key, other) = (NameKey::new(&[7; 32]), NameKey::new(&[8; 32]));
        assert_ne!(key.handle("ada"), other.handle("ada"));
        assert_ne!(key.direct([&user(1)]), other.direct([&user(1)]));
        assert_ne!(key.check(), other.check());
        let plain = Digest::of(["handle", "ada"]);
        assert_ne!(key.handle("ada"), Lane::Handle(plain));
        assert_eq!(format!("{key:?}"), "NameKey(..)");
    }

    #[test]
    fn it_is_hmac_sha_256() {
        // Computed by Python: hmac.new(bytes([7] * 32), b"check\0", 'sha256').hexdigest()[:32]
        let key = NameKey::new(&[7; 32]);
        assert_eq!(key.check().as_str(), "e58f2f5b55c01a1a232644ee6b600144");
    }
}
