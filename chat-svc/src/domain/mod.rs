//! The rules of rooms, members and messages: pure functions over states and commands.
//!
//! Nothing here waits, reads a clock, draws an id or touches the log. A `decide` function is handed what
//! was loaded and answers with the facts to write ([`decider::Fact`]) or with a reason to refuse; `evolve` says what an
//! event makes of a state and never fails. The shell around it loads, writes with expectations and retries.
//!
//! Owns every rule about rooms, members, messages and what belongs to them, one folder per noun. It must not know NATS, the read
//! model or other services. A rule may change freely; what was written by an earlier one is still read.

pub mod access;
pub mod block;
pub mod export;
pub mod invite;
pub mod media;
pub mod member;
pub mod message;
pub mod person;
pub mod pin;
pub mod prefs;
pub mod reaction;
pub mod report;
pub mod retention;
pub mod room;
#[cfg(test)]
pub(crate) mod testing;
pub mod thread;

use schemas::{Timestamp, UserId};

/// The circumstances a decision may look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// The time of the decision.
    pub now: Timestamp,
    /// The user who asks.
    pub actor: UserId,
}
