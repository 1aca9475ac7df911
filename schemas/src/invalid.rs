//! Why a value is refused.

/// Why a value was refused: a stable code and a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct InvalidValue {
    /// Stable machine-readable reason: `too_short`, `too_long`, `invalid_format` or `reserved`.
    pub code: &'static str,
    /// What is wrong, in words.
    pub detail: String,
}

pub(crate) fn invalid(code: &'static str, detail: impl Into<String>) -> InvalidValue {
    InvalidValue { code, detail: detail.into() }
}
