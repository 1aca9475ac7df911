//! Blocks: whom a user does not want to hear from.
//!
//! Owns how many users one may block. It must not know what a block hides: `handlers/reach.rs` and the gateway do.

mod decide;
mod rejection;
#[cfg(test)]
mod tests;

pub use decide::{MAX_BLOCKS, Two, set_block};
pub use rejection::BlockRejection;
