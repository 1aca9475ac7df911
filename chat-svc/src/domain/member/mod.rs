//! Memberships: who comes, goes, is brought in, put out, promoted or muted.
//!
//! Owns roles, mutes and bans, and that a room keeps an owner. It must not know what members may post: `message` judges by what
//! stands here. A state that `evolve` forgets would let a banned user write, so its match names every family.

mod ban;
mod decide;
mod depart;
mod evolve;
mod owners;
mod rejection;
#[cfg(test)]
mod tests;

pub use ban::{ban, lapse, lift};
pub use decide::{Target, add, appoint, change, join, leave, newcomer, remove};
pub use depart::{Departing, depart};
pub use evolve::evolve;
pub use rejection::MemberRejection;
