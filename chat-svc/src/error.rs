//! Why the service could not start.

use bus::BusError;
use eventlog::{AppendError, LogError};

/// Why the service could not start.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The log cannot be read.
    #[error("chat-svc cannot read the log")]
    Log(#[from] LogError),
    /// The room every user belongs to cannot be created.
    #[error("chat-svc cannot create the room every user belongs to")]
    Append(#[from] AppendError),
    /// Commands cannot be served.
    #[error("chat-svc cannot serve commands")]
    Bus(#[from] BusError),
}
