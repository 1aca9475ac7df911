//! What may happen to accounts and sessions: pure decisions, no clock, no ids, no I/O.
//!
//! A decision is made by what was loaded from the log, each piece with the sequence it was read at, and
//! answers with facts: the event for each lane and what that lane must look like for it to be written.
//! `evolve` says what an event makes of what was loaded and never fails.

pub(crate) mod account;
pub(crate) mod session;

use eventlog::Expect;
use schemas::{EventData, Lane, Sequence, Timestamp};

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
