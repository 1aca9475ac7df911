//! Invitations: who makes them, whom they let in. What the inviter may do is judged when one is accepted.
//!
//! Owns when a code is good, for whom and how often. It must not know how a code is found (`handlers/invites.rs`).

mod decide;
mod rejection;
#[cfg(test)]
mod tests;

pub use decide::{Inviting, Making, accept, create, evolve, is_listed, judge, revoke};
pub use rejection::{InviteRejection, MAX_OPEN};
