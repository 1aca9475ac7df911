//! One-time codes: that one is on its way to an address. The code itself is in no event: auth-svc and notifier derive
//! it from the id of its challenge ([`crate::CodeKey`]).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::family;
use crate::ids::{ChallengeId, UserId};
use crate::subjects::Digest;
use crate::time::Timestamp;
use crate::values::Email;

/// What entering a code does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChallengePurpose {
    /// Shows that the user reads mail sent to the address of their account.
    Verification,
    /// Sets a new password.
    PasswordReset,
    /// Makes the address the code went to that of the account.
    AddressChange,
}

impl ChallengePurpose {
    /// As it stands on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verification => "verification",
            Self::PasswordReset => "password_reset",
            Self::AddressChange => "address_change",
        }
    }
}

/// A code was asked for; a mail brings it to the address.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChallengeIssued {
    /// The challenge, of which the code is derived.
    pub challenge_id: ChallengeId,
    /// The account it is about.
    pub user_id: UserId,
    /// What entering the code does.
    pub purpose: ChallengePurpose,
    /// Where the mail goes.
    pub email: Email,
    /// Whether the address belongs to another account: then its holder is told, and gets no code.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub taken: bool,
    /// Until when the code is good.
    pub expires_at: Timestamp,
    /// What tells the key that the code is derived with from another one.
    pub key: Digest,
}

impl ChallengeIssued {
    /// Whether it brings no mail: the address is another account's, whose holder is told by an event of their own.
    #[must_use]
    pub fn brings_no_mail(&self) -> bool {
        self.taken && self.email == Email::deleted()
    }
}

family! {
    /// What happens to one-time codes.
    ChallengeEvent {
        Issued(ChallengeIssued) = "challenge.issued.v1", |d| d.challenge_id;
    }
}

impl ChallengeEvent {
    /// The account whose code it is.
    #[must_use]
    pub const fn user_id(&self) -> &UserId {
        match self {
            Self::Issued(ChallengeIssued { user_id, .. }) => user_id,
        }
    }
}
