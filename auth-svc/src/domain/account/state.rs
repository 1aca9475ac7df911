//! What a decision about an account is made by.

use eventlog::Expect;
use schemas::events::{NameClaimed, NameReleased, UserState};
use schemas::values::Role;
use schemas::{Lane, Sequence, UserId};

use crate::domain::{Fact, Loaded};

/// An account as it was loaded.
pub(crate) type LoadedUser = Loaded<UserState>;

impl LoadedUser {
    /// Whether this account may act as an admin.
    pub(crate) fn is_admin(&self) -> bool {
        self.value.role == Role::Admin && !self.value.suspended
    }

    /// The fact that this admin vouches for an act, written into the roll of admins. It is fenced by his own
    /// lane: an act that relies on his being an admin is refused once anything has happened to him.
    pub(crate) fn vouches(&self, roll: &Lane) -> Fact {
        let data = NameClaimed { owner: self.value.id.to_string() }.into();
        let lane = Lane::User(self.value.id.clone());
        Fact { lane: roll.clone(), data, expect: Expect::Fence { lane, at: self.at } }
    }
}

/// A unique name: who holds it, if anybody does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Name {
    /// Its lane.
    pub(crate) lane: Lane,
    /// The lane's last sequence.
    pub(crate) at: Sequence,
    /// The holder's id.
    pub(crate) owner: Option<String>,
}

impl Name {
    /// Free for this account: nobody's, or its own already.
    pub(crate) fn is_free_for(&self, user: &UserId) -> bool {
        self.owner.as_deref().is_none_or(|owner| owner == user.as_str())
    }

    /// The fact that this account holds the name from now on.
    pub(crate) fn claimed_by(&self, user: &UserId) -> Fact {
        let data = NameClaimed { owner: user.to_string() }.into();
        Fact { lane: self.lane.clone(), data, expect: Expect::At(self.at) }
    }

    /// The fact that the name is free from now on.
    pub(crate) fn released_by(&self, user: &UserId) -> Fact {
        let data = NameReleased { owner: user.to_string() }.into();
        Fact { lane: self.lane.clone(), data, expect: Expect::At(self.at) }
    }
}
