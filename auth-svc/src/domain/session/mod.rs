//! Sessions: what a refresh token means for its session, and how a session goes on.
//!
//! Owns when a session is over, and that a refresh token that was used before ends it. It must not know how tokens are signed.

mod decide;
mod state;
#[cfg(test)]
mod tests;

pub(crate) use decide::{Verdict, judge, rotate, surplus, used};
pub(crate) use state::{Record, Start};
