//! What clients are told when something the gateway needs has failed. The cause is logged here, once,
//! and stays inside.

use bus::CallError;
use eventlog::{EventLog, LogError, SecretError};
use readmodel::StoreError;
use schemas::{Code, DecodeError, Rejection, Sequence};
use telemetry::error_chain;

/// Seconds after which asking again makes sense.
const SOON: u32 = 1;

/// The read model could not answer.
#[expect(clippy::needless_pass_by_value, reason = "used as `map_err(failure::store)`")]
pub(crate) fn store(error: StoreError) -> Rejection {
    if error.retryable() {
        tracing::warn!(error = %error_chain(&error), "the read model does not answer");
        return unavailable("the read model does not answer");
    }
    tracing::error!(error = %error_chain(&error), "the read model failed");
    Rejection::new(Code::Internal, "the read model failed")
}

/// The log could not answer.
#[expect(clippy::needless_pass_by_value, reason = "used as `map_err(failure::log)`")]
pub(crate) fn log(error: LogError) -> Rejection {
    tracing::warn!(error = %error_chain(&error), "the log does not answer");
    unavailable("the log does not answer")
}

/// An entity's newest event, in this log, cannot be read by this build. Nothing but that entity is affected.
pub(crate) fn unreadable(log: &EventLog, sequence: Sequence, error: &DecodeError) -> Rejection {
    log.note_unreadable(sequence, error);
    tracing::error!(event.seq = sequence, error = %error_chain(error), "an event cannot be read");
    unavailable("the newest state of this cannot be read at the moment")
}

/// The store of idempotency keys could not answer.
#[expect(clippy::needless_pass_by_value, reason = "used as `map_err(failure::secret)`")]
pub(crate) fn secret(error: SecretError) -> Rejection {
    tracing::warn!(error = %error_chain(&error), "the key-value store does not answer");
    unavailable("the store of idempotency keys does not answer")
}

/// A service did not answer a command.
#[expect(clippy::needless_pass_by_value, reason = "the error ends here")]
pub(crate) fn call(service: &'static str, command: &'static str, error: CallError) -> Rejection {
    match &error {
        CallError::Timeout | CallError::NoService => {
            tracing::warn!(service, command, error = %error_chain(&error), "no answer to a command");
        }
        CallError::Broken(_) => {
            tracing::error!(service, command, error = %error_chain(&error), "a command failed");
        }
    }
    match error {
        CallError::Timeout => unavailable(
            "the outcome is not known; the same request with the same Idempotency-Key or client_id may be sent again",
        ),
        CallError::NoService => {
            unavailable("no service takes this request at the moment; nothing was done")
        }
        CallError::Broken(_) => {
            Rejection::new(Code::Internal, "the request could not be carried out")
        }
    }
}

fn unavailable(detail: &str) -> Rejection {
    Rejection::new(Code::Unavailable, detail).retry_after(SOON)
}
