//! Threads: following them and reading them. What a user does here is their own: no other member is told.

mod decide;
#[cfg(test)]
mod tests;

pub use decide::{Follows, follow, mark_read, unfollow};
