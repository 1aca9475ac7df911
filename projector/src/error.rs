//! Why the projection, a rebuild or a verification did not go on.

use std::sync::Arc;

use eventlog::LogError;
use readmodel::{CommitError, Group, StoreError};
use schemas::{DecodeError, Sequence};

/// Why an event cannot be projected. It is never skipped: the projection stops before it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Poison {
    /// Its bytes are no event this build can read.
    #[error("the event at {sequence} cannot be read")]
    Undecodable {
        /// The event's place in the log.
        sequence: Sequence,
        /// Why it cannot be read; shared by the groups that stop before it.
        #[source]
        source: Arc<DecodeError>,
    },
    /// A view failed on it.
    #[error("a view failed at {sequence}: {reason}")]
    View {
        /// The event's place in the log.
        sequence: Sequence,
        /// What the view said.
        reason: String,
    },
}

/// A group of the read model that stands before an event it cannot apply, while others go on.
#[derive(Debug, Clone)]
pub struct Stop {
    /// The group that has stopped.
    pub group: Group,
    /// The event it stands before, and why.
    pub poison: Poison,
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let reason = telemetry::error_chain(&self.poison);
        write!(f, "{} stopped: {reason}", self.group.as_str())
    }
}

impl Poison {
    /// The event's place in the log.
    #[must_use]
    pub const fn sequence(&self) -> Sequence {
        match self {
            Self::Undecodable { sequence, .. } | Self::View { sequence, .. } => *sequence,
        }
    }
}

/// Why the projector, a rebuild or a verification stopped.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// The log cannot be read.
    #[error("the log cannot be read")]
    Log(#[from] LogError),
    /// The read model cannot be read or written.
    #[error("the read model does not work")]
    Store(#[from] StoreError),
    /// An event cannot be projected.
    #[error("an event cannot be projected")]
    Poison(#[from] Poison),
    /// Another projector has moved the checkpoint.
    #[error("another projector is at work")]
    Fenced,
    /// The generation takes no more writes: a rebuild is replacing it.
    #[error("the generation is retired")]
    Retired,
    /// The generation was made from another log. A log that has lost its end is not another one: it is
    /// [`LogError::Ahead`], and nothing is rebuilt from less than there was.
    #[error("the generation was made from another log: {0}")]
    OtherLog(String),
    /// What was asked for makes no sense, such as a moment before the first event.
    #[error("{0}")]
    Refused(String),
}

impl From<CommitError> for ProjectError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Fenced => Self::Fenced,
            CommitError::Retired => Self::Retired,
            CommitError::Store(error) => Self::Store(error),
        }
    }
}
