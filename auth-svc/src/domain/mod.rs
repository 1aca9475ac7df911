//! What may happen to accounts and sessions: pure decisions, no clock, no ids, no I/O.
//!
//! A decision is made by what was loaded from the log, each piece with the sequence it was read at
//! ([`decider::Seen`]), and answers with facts ([`decider::Fact`]): the event for each lane and what that lane must
//! look like for it to be written. The functions `..._after` say what an event makes of what was loaded and never
//! fail.
//!
//! Owns every rule about accounts, names, sessions, codes and providers, one folder per noun. It must not know NATS, hashes or
//! mails. A rule may change freely; what was written by an earlier one is still read ([`schemas::events`]).

pub(crate) mod account;
pub(crate) mod challenge;
pub(crate) mod export;
pub(crate) mod guessing;
pub(crate) mod identity;
pub(crate) mod second_factor;
pub(crate) mod session;

use schemas::Timestamp;

/// The circumstances of a decision.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    /// The time of the decision.
    pub(crate) now: Timestamp,
}
