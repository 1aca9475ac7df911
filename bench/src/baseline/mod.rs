//! What the machine can do without Tidings: raw loops over the same servers.

pub(crate) mod publish;
pub(crate) mod replay;
pub(crate) mod sockets;
