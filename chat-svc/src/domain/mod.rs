//! The rules of rooms, members and messages: pure functions over states and commands.
//!
//! Nothing here waits, reads a clock, draws an id or touches the log. A `decide` function is handed what
//! was loaded and answers with the [`Fact`]s to write or with a reason to refuse; `evolve` says what an
//! event makes of a state and never fails. The shell around it loads, writes with expectations and retries.

pub mod access;
pub mod member;
pub mod message;
pub mod person;
pub mod room;
#[cfg(test)]
pub(crate) mod testing;

use schemas::{EventData, Lane, Timestamp, UserId};

/// An event a decision wants written, and the lane it belongs to. An empty list of facts means that
/// everything is already as the command wants it.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// Where it goes.
    pub lane: Lane,
    /// What happened.
    pub data: EventData,
}

impl Fact {
    /// A fact on a lane.
    #[must_use]
    pub fn new(lane: Lane, data: impl Into<EventData>) -> Self {
        Self { lane, data: data.into() }
    }
}

/// The circumstances a decision may look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// The time of the decision.
    pub now: Timestamp,
    /// Who asks.
    pub actor: UserId,
}
