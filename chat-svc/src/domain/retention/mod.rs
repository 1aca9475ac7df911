//! Retention: which messages are as old as their room keeps messages at hand, and move to the archive.

mod decide;
#[cfg(test)]
mod tests;

pub use decide::{Aged, Fate, Rule, apply, keeps_within, purged};
