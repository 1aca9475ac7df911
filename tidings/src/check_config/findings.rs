//! What a check of the configuration has found.

use serde::Serialize;

/// What was found.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Findings {
    /// The process would not start, or not do what was meant.
    pub(crate) errors: Vec<String>,
    /// It would start; an operator should know.
    pub(crate) warnings: Vec<String>,
}
