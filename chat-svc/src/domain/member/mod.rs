//! Memberships: who comes, goes, is brought in, put out, promoted or muted.

mod ban;
mod decide;
mod depart;
mod evolve;
mod rejection;
#[cfg(test)]
mod tests;

pub use ban::{ban, lapse, lift};
pub use decide::{Target, add, appoint, change, join, leave, newcomer, remove};
pub use depart::{Departing, depart};
pub use evolve::evolve;
pub use rejection::MemberRejection;
