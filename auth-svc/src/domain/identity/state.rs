//! What is known of a person who comes from a provider.

use decider::Seen;
use schemas::events::{IdentitiesState, UserState};
use schemas::values::{DisplayName, Email, ProviderId, ProviderName};
use schemas::{Digest, EventData, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::account::{LoadedUser, Name};

/// What a provider says of a person, as far as it can be used here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Claims {
    /// Their address; none unless the provider has verified it.
    pub(crate) email: Option<Email>,
    /// What they like to be called, as the provider writes it.
    pub(crate) username: Option<String>,
    /// Their name.
    pub(crate) display_name: Option<DisplayName>,
}

/// What the log says when a person arrives.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    /// Their identity, and whose it is.
    pub(crate) identity: Name,
    /// The account it belongs to.
    pub(crate) holder: Option<LoadedUser>,
    /// Their verified address, and whose it is; none without one.
    pub(crate) email: Option<Name>,
    /// The account that has this address.
    pub(crate) addressee: Option<LoadedUser>,
}

/// How a person comes in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Way {
    /// The identity is this account's.
    Known(Box<LoadedUser>),
    /// It becomes this account's.
    Linked(Box<LoadedUser>),
    /// An account is made.
    New,
}

impl Way {
    /// The account that is there already.
    pub(crate) fn user(&self) -> Option<&UserState> {
        match self {
            Self::Known(user) | Self::Linked(user) => Some(&user.state),
            Self::New => None,
        }
    }
}

/// Through which identity of which provider, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Via<'a> {
    /// What the configuration calls the provider.
    pub(crate) provider: &'a ProviderId,
    /// What people call it.
    pub(crate) name: &'a ProviderName,
    /// The key of the identity's lane.
    pub(crate) key: &'a Digest,
    pub(crate) now: Timestamp,
}

/// What a link is decided by.
#[derive(Debug, Clone)]
pub(crate) struct Linking<'a> {
    pub(crate) user: &'a LoadedUser,
    /// The address that both sides have.
    pub(crate) email: &'a Name,
    pub(crate) identity: &'a Name,
    /// The account's identities so far.
    pub(crate) identities: &'a Seen<Option<IdentitiesState>>,
}

/// What taking an identity away is decided by.
#[derive(Debug, Clone)]
pub(crate) struct Unlinking<'a> {
    pub(crate) user: &'a LoadedUser,
    /// The account's identities.
    pub(crate) identities: &'a Seen<Option<IdentitiesState>>,
    /// The one that is to go.
    pub(crate) key: &'a Digest,
    /// The providers people can log in through, with what people call them.
    pub(crate) providers: &'a [(&'a ProviderId, &'a ProviderName)],
}

/// The identities of an account after an event of their lane; none for the events of other lanes.
pub(crate) fn identities_after(event: &EventData) -> Option<IdentitiesState> {
    if let EventData::Identity(event) = event { Some(event.after().clone()) } else { None }
}
