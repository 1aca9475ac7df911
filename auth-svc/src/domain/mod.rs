//! What may happen to an account: pure decisions, no clock, no ids, no I/O.
//!
//! A decision is made by what was loaded from the log, each piece with the sequence it was read at, and
//! answers with facts: the event for each lane and what that lane must look like for it to be written.

pub(crate) mod account;
pub(crate) mod admin;
pub(crate) mod rejection;
#[cfg(test)]
mod tests;

use eventlog::Expect;
use schemas::events::UserState;
use schemas::{EventData, Lane, Sequence, Timestamp, UserId};

/// The circumstances of a decision.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    /// The time of the decision.
    pub(crate) now: Timestamp,
}

/// One event for one lane, under an expectation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fact {
    /// Where.
    pub(crate) lane: Lane,
    /// What.
    pub(crate) data: EventData,
    /// Under which condition.
    pub(crate) expect: Expect,
}

/// Something loaded, with the sequence of the lane's last event (0: none).
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Loaded<T> {
    /// The lane's last sequence.
    pub(crate) at: Sequence,
    /// What it says.
    pub(crate) value: T,
}

/// An account as it was loaded.
pub(crate) type LoadedUser = Loaded<UserState>;

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
        let data = schemas::events::NameClaimed { owner: user.to_string() }.into();
        Fact { lane: self.lane.clone(), data, expect: Expect::At(self.at) }
    }

    /// The fact that the name is free from now on.
    pub(crate) fn released_by(&self, user: &UserId) -> Fact {
        let data = schemas::events::NameReleased { owner: user.to_string() }.into();
        Fact { lane: self.lane.clone(), data, expect: Expect::At(self.at) }
    }
}
