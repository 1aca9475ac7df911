//! Why the bus did not do what it was asked.

use eventlog::BoxError;

/// Why an operation on the bus failed.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// No NATS server accepted the connection in time, or it refused the credentials.
    #[error("cannot connect to NATS")]
    Connect(#[source] BoxError),
    /// The server does not answer; try again.
    #[error("the bus does not answer")]
    Unavailable(#[source] BoxError),
    /// A value could not be written as JSON.
    #[error("a message cannot be encoded")]
    Encode(#[source] serde_json::Error),
}
