//! What a decision about an account is made by.

use decider::{Expect, Fact, Seen};
use schemas::events::{NameClaimed, NameReleased, UserState};
use schemas::values::Role;
use schemas::{Lane, Sequence, Timestamp, UserId};

/// An account as it was loaded.
pub(crate) type LoadedUser = Seen<UserState>;

/// What an account may do as an admin.
pub(crate) trait Administrator {
    /// Whether this account may act as an admin.
    fn is_admin(&self) -> bool;

    /// The fact, written into the admin registry, that an act relies on this admin. It is fenced by the admin's own
    /// lane: the act is refused once anything has happened to that account.
    fn require_unchanged(&self, registry: &Lane) -> Fact;
}

impl Administrator for LoadedUser {
    fn is_admin(&self) -> bool {
        self.state.role == Role::Admin && !self.state.suspended
    }

    fn require_unchanged(&self, registry: &Lane) -> Fact {
        let fence = Expect::Fence { lane: Lane::User(self.state.id), at: self.at };
        Fact::expecting(fence, *registry, NameClaimed { owner: self.state.id.to_string() })
    }
}

/// A unique name, and who holds it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Name {
    /// Its lane.
    pub(crate) lane: Lane,
    /// The lane's last sequence.
    pub(crate) at: Sequence,
    /// The holder's id; none while the name is free.
    pub(crate) owner: Option<String>,
    /// Who alone may claim a released name, and until when.
    pub(crate) held: Option<Held>,
}

/// A name that was given up and is held back from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    /// The id of the former holder.
    pub(crate) by: String,
    /// From then on the name is free.
    pub(crate) until: Timestamp,
}

/// What an event on a name's lane leaves: the holder, or for whom the name is held back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Holding {
    /// The holder's id.
    pub(crate) owner: Option<String>,
    /// Who alone may claim a released name, and until when.
    pub(crate) held: Option<Held>,
}

impl Name {
    /// Whether the name is free, or this account's already, or held back for it.
    pub(crate) fn is_free_for(&self, user: &UserId, now: Timestamp) -> bool {
        let free = self.owner.as_deref().is_none_or(|owner| owner == user.as_str());
        let held = self.held.as_ref().filter(|held| held.until > now);
        free && held.is_none_or(|held| held.by == user.as_str())
    }

    /// The fact that this account holds the name from now on.
    pub(crate) fn claimed_by(&self, user: &UserId) -> Fact {
        let claimed = NameClaimed { owner: user.to_string() };
        Fact::expecting(Expect::At(self.at), self.lane, claimed)
    }

    /// The fact that the name is this account's no more; held back from others until then.
    pub(crate) fn released_by(&self, user: &UserId, held_until: Option<Timestamp>) -> Fact {
        let released = NameReleased { owner: user.to_string(), held_until };
        Fact::expecting(Expect::At(self.at), self.lane, released)
    }
}
