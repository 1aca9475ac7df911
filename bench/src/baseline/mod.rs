//! What the machine can do without Tidings: raw loops over the same servers.
//!
//! Owns the drivers it measures with, past the crates of Tidings. It must not know what a scenario compares it with.

pub(crate) mod hashing;
pub(crate) mod publish;
pub(crate) mod replay;
pub(crate) mod sockets;
