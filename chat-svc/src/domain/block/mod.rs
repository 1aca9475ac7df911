//! Blocks: whom a user does not want to hear from.

mod decide;
mod rejection;
#[cfg(test)]
mod tests;

pub use decide::{MAX_BLOCKS, Two, set_block};
pub use rejection::BlockRejection;
