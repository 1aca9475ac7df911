//! Invitations: who makes them, whom they let in. What the inviter may do is judged when one is accepted.

mod decide;
mod rejection;
#[cfg(test)]
mod tests;

pub use decide::{Inviting, Making, accept, create, evolve, is_listed, judge, revoke};
pub use rejection::{InviteRejection, MAX_OPEN};
