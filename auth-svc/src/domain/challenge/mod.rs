//! One-time codes: how many may be asked for, how often a wrong one may be entered, and when one is good no more.
//!
//! Owns the limits on codes. It must not know a code: that is derived from a secret and the challenge (`one_time`), and kept nowhere.

mod decide;
mod state;
#[cfg(test)]
mod tests;

pub(crate) use decide::{Ask, Entered, TooMany, accept, enter, issue, release, settle};
pub(crate) use state::{Challenge, Codes, LIFETIME_SECONDS, Standing};
