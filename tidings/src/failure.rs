//! How a command ends when it does not end well.

use std::error::Error;
use std::fmt;

/// What to tell the caller, and the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    text: String,
}

impl Failure {
    /// The call itself was wrong: exit code 2.
    pub(crate) fn wrong_call(text: impl Into<String>) -> Self {
        Self { code: 2, text: text.into() }
    }

    /// Something did not work: exit code 1.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { code: 1, text: text.into() }
    }

    /// Something did not work, and why: exit code 1.
    pub(crate) fn because(what: &str, error: &dyn Error) -> Self {
        Self::new(format!("{what}: {}", telemetry::error_chain(error)))
    }

    /// The exit code: 1 or 2.
    pub(crate) const fn code(&self) -> u8 {
        self.code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
impl Error for Failure {}
