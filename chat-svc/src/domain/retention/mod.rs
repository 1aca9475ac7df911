//! Retention: which messages are as old as their room keeps messages at hand, and move to the archive.
//!
//! Owns which messages an event takes at most, and what a hold keeps. It must not know how they are found (`crate::retention`).

mod decide;
#[cfg(test)]
mod tests;

pub use decide::{Aged, Fate, Rule, apply, keeps_within, purged};
