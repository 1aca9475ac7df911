//! Identities at providers of single sign-on: which of them belong to an account. Who a person is there, their subject, is
//! in no event: an identity is named by the key of its lane, a keyed hash ([`crate::NameKey::identity`]). Whose an
//! identity is stands on that lane (`name.claimed.v1`); the lane here lists all of an account, so that they can be found
//! and let go when it is erased.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::family;
use crate::ids::UserId;
use crate::subjects::Digest;
use crate::time::Timestamp;
use crate::values::{ProviderId, ProviderName};

/// Most identities of one account.
pub const MAX_IDENTITIES: usize = 20;

/// An identity that belongs to an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Identity {
    /// The key of the lane that says whose it is.
    pub key: Digest,
    /// What the configuration called the provider then.
    pub provider: ProviderId,
    /// When it was linked.
    pub linked_at: Timestamp,
}

/// The identities of an account after an event on their lane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IdentitiesState {
    /// The user who owns the identity.
    pub user_id: UserId,
    /// The identities, the newest last; at most [`MAX_IDENTITIES`].
    pub identities: Vec<Identity>,
}

/// A user can log in through a provider from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IdentityLinked {
    /// The key of the identity that was added.
    pub key: Digest,
    /// What people call the provider; stands in the mail that tells of it.
    pub provider_name: ProviderName,
    /// Whether the account was made with it. Else it was there before, and a mail tells its user.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub new_account: bool,
    /// All identities of the account after it.
    pub identities: IdentitiesState,
}

/// A user can no longer log in by an identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IdentityUnlinked {
    /// The key of the identity that was taken away.
    pub key: Digest,
    /// What people call the provider; stands in the mail that tells of it. None where the configuration does not name the
    /// provider any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_name: Option<ProviderName>,
    /// All identities of the account after it.
    pub identities: IdentitiesState,
}

family! {
    /// What happens to identities.
    IdentityEvent {
        Linked(IdentityLinked) = "identity.linked.v1", |d| d.identities.user_id;
        Unlinked(IdentityUnlinked) = "identity.unlinked.v1", |d| d.identities.user_id;
    }
}

impl IdentityEvent {
    /// All identities of the account after it.
    #[must_use]
    pub const fn after(&self) -> &IdentitiesState {
        match self {
            Self::Linked(IdentityLinked { identities, .. })
            | Self::Unlinked(IdentityUnlinked { identities, .. }) => identities,
        }
    }
}
