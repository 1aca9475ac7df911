//! The second factor: codes of an authenticator app (RFC 6238) and recovery codes, each good once.
//!
//! Owns which code is good at a time and which was used. It must not know where factors are kept. The algorithm and the form of
//! recovery codes must not change: apps and people have them.

mod decide;
mod state;
#[cfg(test)]
mod tests;
mod totp;

pub(crate) use decide::{Shown, confirm, enrol, present};
pub(crate) use state::Factor;
