//! Why a benchmark could not run.

use std::io;

/// Why a benchmark could not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    /// A file, process or socket.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A server's answer was not the expected one.
    #[error("{0}")]
    Unexpected(String),
}

impl From<io::Error> for BenchError {
    fn from(source: io::Error) -> Self {
        Self::Io { what: "input or output failed".into(), source }
    }
}

/// Turns any error into [`BenchError::Unexpected`] with the error's text.
pub(crate) fn unexpected(error: impl std::fmt::Display) -> BenchError {
    BenchError::Unexpected(error.to_string())
}

/// The benchmarks' result type.
pub(crate) type Outcome<T> = Result<T, BenchError>;
