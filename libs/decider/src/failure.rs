//! Why a try to carry out a command did not succeed, and how that is answered.

use eventlog::{AppendError, LogError, SecretError};
use schemas::{Code, DecodeError, Rejection};
use telemetry::error_chain;

/// Why a try did not succeed.
#[derive(Debug)]
pub enum Failure {
    /// The log has changed since it was read: load, authorize and decide again.
    Conflict,
    /// The caller may not, by what is known of them; where that came from a cache, the log may say otherwise.
    Denied(Rejection),
    /// The command is refused, and another try would be, too.
    Rejected(Rejection),
}

/// The answer to a command that could not be carried out through no fault of its own: 503, to be tried again
/// after a second.
#[must_use]
pub fn unavailable(detail: &str) -> Rejection {
    Rejection::new(Code::Unavailable, detail).retry_after(1)
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<AppendError> for Failure {
    fn from(error: AppendError) -> Self {
        if matches!(error, AppendError::Conflict) {
            return Self::Conflict;
        }
        tracing::warn!(error = error_chain(&error), "an append failed");
        Self::Rejected(match error {
            AppendError::Unreadable(_) => Rejection::unstorable(),
            AppendError::TooLarge => {
                Rejection::new(Code::PayloadTooLarge, "the event is too large to be stored")
            }
            AppendError::StorageFull => unavailable("the store is full; nothing was written"),
            AppendError::Unknown => {
                unavailable("it is not known whether this was written; send the same request again")
            }
            AppendError::Conflict
            | AppendError::AlreadyCommitted
            | AppendError::Unavailable
            | AppendError::Log(_) => unavailable("the log cannot be written; nothing was written"),
        })
    }
}

impl From<LogError> for Failure {
    fn from(error: LogError) -> Self {
        tracing::warn!(error = error_chain(&error), "the log could not be read");
        Self::Rejected(unavailable("the log cannot be read"))
    }
}

impl From<DecodeError> for Failure {
    fn from(error: DecodeError) -> Self {
        if let DecodeError::UnknownType(kind) = &error {
            // Another copy, of a newer build, can judge by it, and may be the one that takes the next try.
            tracing::error!(event.kind = kind, "an event of a newer build; upgrade this process");
            return Self::Rejected(unavailable("the newest state was written by a newer build"));
        }
        tracing::error!(error = error_chain(&error), "an event cannot be read");
        Self::Rejected(unavailable("the newest state of this cannot be read at the moment"))
    }
}

impl From<SecretError> for Failure {
    fn from(error: SecretError) -> Self {
        if matches!(error, SecretError::Conflict) {
            return Self::Conflict;
        }
        tracing::warn!(error = error_chain(&error), "the secret store failed");
        Self::Rejected(match error {
            SecretError::Unknown => {
                unavailable("it is not known whether this was written; send the same request again")
            }
            _ => unavailable("the secret store does not answer"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn code(error: impl Into<Failure>) -> Option<Code> {
        match error.into() {
            Failure::Conflict => None,
            Failure::Denied(rejection) | Failure::Rejected(rejection) => Some(rejection.code),
        }
    }

    #[test]
    fn every_service_answers_the_same_failure_with_the_same_code() {
        assert_eq!(code(AppendError::Conflict), None);
        assert_eq!(code(SecretError::Conflict), None);
        assert_eq!(code(AppendError::TooLarge), Some(Code::PayloadTooLarge));
        for error in [AppendError::StorageFull, AppendError::Unknown, AppendError::Unavailable] {
            assert_eq!(code(error), Some(Code::Unavailable));
        }
        assert_eq!(code(LogError::NotAttached), Some(Code::Unavailable));
        assert_eq!(code(DecodeError::Corrupt), Some(Code::Unavailable));
        assert_eq!(code(DecodeError::UnknownType("x.v9".into())), Some(Code::Unavailable));
    }
}
