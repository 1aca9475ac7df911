//! How many one-time codes may be asked for.

use std::time::Duration;

/// How many codes of a kind an account, or an address, may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// So many...
    pub count: u32,
    /// ...within this time.
    pub per: Duration,
}
