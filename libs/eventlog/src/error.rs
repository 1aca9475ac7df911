//! Why the log did not do what it was asked.

use schemas::{EncodeError, Sequence};

/// Any cause, kept for the chain that is logged at the boundary.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why an operation on the log failed.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// No NATS server accepted the connection in time, or it refused the credentials.
    #[error("cannot connect to NATS")]
    Connect(#[source] BoxError),
    /// The server does not answer. Nothing is known to be wrong with the request; try again.
    #[error("the log does not answer")]
    Unavailable(#[source] BoxError),
    /// There is no such stream; `ensure_topology` makes it.
    #[error("the stream {0} does not exist")]
    NoStream(String),
    /// A stream of our name exists which Tidings did not make, or whose settings would break a promise.
    #[error("the stream {stream} is not one Tidings can use: {why}")]
    Foreign {
        /// The stream's name.
        stream: String,
        /// The setting that differs.
        why: String,
    },
    /// The stream was made anew while this process ran; its positions mean nothing any more. Restart.
    #[error("the log was replaced by another one while this process ran")]
    Replaced,
    /// Neither `ensure_topology` nor `attach` has succeeded yet.
    #[error("the log is not attached to a stream")]
    NotAttached,
    /// A reader asked to go on after a place the log does not have: the log has lost its end, for
    /// instance by a power failure without `sync_interval: always`, or is another one.
    #[error("the log ends at {head}, before {after}")]
    Ahead {
        /// Where the reader wanted to go on.
        after: Sequence,
        /// The last sequence there is.
        head: Sequence,
    },
    /// Events that were in the log are not there any more, or are not what was written. Nothing is written
    /// to such a log. An operator restores a backup or accepts the loss (`docs/OPERATING.md`).
    #[error("the log is damaged: {0}")]
    Damaged(String),
    /// The server refused the request.
    #[error("the server refused: {description} (error {code})")]
    Refused {
        /// JetStream's error code.
        code: u64,
        /// The server's words.
        description: String,
    },
    /// The server answered something that cannot be read.
    #[error("the server's answer cannot be read")]
    BadAnswer(#[source] BoxError),
}

impl LogError {
    /// Whether nothing is known to be wrong but that the log did not answer in time: asked again it may.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

/// Why events were not appended, or not known to be.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// An expectation did not hold; nothing was written. Load again, decide again, authorize again.
    #[error("the log changed since it was read")]
    Conflict,
    /// A batch was not written because one of its message ids is already in the log: the same command
    /// was carried out before. Load the result instead.
    #[error("the same writes are already in the log")]
    AlreadyCommitted,
    /// The store is full; nothing was written.
    #[error("the store of the log is full")]
    StorageFull,
    /// An event is larger than the server takes, or a batch has more than 1,000 events; nothing was written.
    #[error("the event or the batch is too large")]
    TooLarge,
    /// An event would not be read back as what it was meant to say; nothing was written. The same command will
    /// always fail so: what went into it is at fault.
    #[error("the event cannot be stored")]
    Unreadable(#[source] EncodeError),
    /// The writes were sent and, in spite of retries under the same ids, no answer came. Repeating
    /// the call with the same `DedupId`s within the duplicate window is safe.
    #[error("it is not known whether the events were written")]
    Unknown,
    /// The log could not be reached; nothing was written.
    #[error("the log cannot be reached")]
    Unavailable,
    /// Anything else; nothing was written.
    #[error("the append failed")]
    Log(#[from] LogError),
}

impl AppendError {
    /// Whether nothing is known to be wrong but that the log did not answer in time. What was to be written may be in it:
    /// look before it is written again.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        match self {
            Self::Unknown | Self::Unavailable => true,
            Self::Log(error) => error.may_pass(),
            Self::Conflict
            | Self::AlreadyCommitted
            | Self::StorageFull
            | Self::TooLarge
            | Self::Unreadable(_) => false,
        }
    }
}
