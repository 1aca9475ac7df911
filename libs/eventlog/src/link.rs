//! How a connection to NATS is doing.

/// How a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LinkState {
    /// Whether there is a connection now.
    pub connected: bool,
    /// How many times a connection was made; 1 is the first.
    pub generation: u64,
    /// How many times a subscription lost messages because it was read too slowly.
    pub lagged: u64,
}
