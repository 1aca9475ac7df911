//! What goes wrong on the way to an answer, and how it is answered.

use eventlog::{AppendError, LogError, SecretError};
use schemas::{Code, DecodeError, Rejection};
use telemetry::error_chain;

use crate::domain::account::AccountRejection;

/// Why a try did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command is refused.
    Refused(Rejection),
    /// The log has changed since it was read: load and decide again.
    Conflict,
    /// The same command was carried out before.
    Repeat,
}

/// The answer to a command that could not be carried out for no fault of its own.
pub(crate) fn unavailable(detail: &str) -> Rejection {
    Rejection::new(Code::Unavailable, detail).retry_after(1)
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        Self::Refused(rejection)
    }
}

impl From<AccountRejection> for Failure {
    fn from(rejection: AccountRejection) -> Self {
        Self::Refused(rejection.into())
    }
}

impl From<AppendError> for Failure {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Conflict => return Self::Conflict,
            AppendError::AlreadyCommitted => return Self::Repeat,
            _ => {}
        }
        tracing::warn!(error = %error_chain(&error), "an append failed");
        Self::Refused(match error {
            AppendError::Unreadable(_) => Rejection::unstorable(),
            AppendError::TooLarge => {
                Rejection::new(Code::PayloadTooLarge, "the event is too large to be stored")
            }
            AppendError::Unknown => {
                unavailable("it is not known whether this was written; send the same again")
            }
            AppendError::StorageFull => unavailable("the store is full; nothing was written"),
            _ => unavailable("the log cannot be written; nothing was"),
        })
    }
}

impl From<LogError> for Failure {
    fn from(error: LogError) -> Self {
        tracing::warn!(error = %error_chain(&error), "the log could not be read");
        Self::Refused(unavailable("the log cannot be read"))
    }
}

impl From<DecodeError> for Failure {
    fn from(error: DecodeError) -> Self {
        if let DecodeError::UnknownType(kind) = &error {
            // Another copy, of a newer build, can judge by it: whoever asks again may meet that one.
            tracing::error!(event.kind = kind, "an event of a newer build; upgrade this process");
            return Self::Refused(unavailable("the newest state was written by a newer build"));
        }
        tracing::error!(error = %error_chain(&error), "an event cannot be read");
        Self::Refused(unavailable("the newest state of this cannot be read at the moment"))
    }
}

impl From<SecretError> for Failure {
    fn from(error: SecretError) -> Self {
        if matches!(error, SecretError::Conflict) {
            return Self::Conflict;
        }
        tracing::warn!(error = %error_chain(&error), "the secret store failed");
        Self::Refused(match error {
            SecretError::Unknown => {
                unavailable("it is not known whether this was written; send the same again")
            }
            _ => unavailable("the secret store does not answer"),
        })
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        tracing::error!(%error, "a stored secret cannot be read");
        Self::Refused(Rejection::new(Code::Internal, "a stored record cannot be read"))
    }
}
