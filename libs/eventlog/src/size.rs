//! How much the log holds, and who is told how long appends take.

use std::time::Duration;

use schemas::Sequence;

/// How much a log holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogSize {
    /// Events that are there.
    pub events: u64,
    /// Bytes the server keeps them in, on each of its servers.
    pub bytes: u64,
    /// The sequence of the last event there was; 0 before the first.
    pub head: Sequence,
}

/// Is told how long an append took.
pub(crate) type Observer = Box<dyn Fn(Duration) + Send + Sync>;
