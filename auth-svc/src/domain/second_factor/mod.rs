//! The second factor: codes of an authenticator app (RFC 6238) and recovery codes, each good once.

mod decide;
mod state;
#[cfg(test)]
mod tests;
mod totp;

pub(crate) use decide::{Shown, confirm, enrol, present};
pub(crate) use state::Factor;
