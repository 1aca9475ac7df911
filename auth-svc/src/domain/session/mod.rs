//! Sessions: what a refresh token means for its session, and how a session goes on.

mod decide;
mod state;
#[cfg(test)]
mod tests;

pub(crate) use decide::{Verdict, judge, rotate, surplus, used};
pub(crate) use state::{Record, Start};
