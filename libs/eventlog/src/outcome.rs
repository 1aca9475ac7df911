//! What the server said about an append, as a type.

use async_nats::Message;
use schemas::Sequence;
use serde::Deserialize;

use crate::api::{ApiError, NO_LEADER};
use crate::error::{AppendError, LogError};

/// Error codes of nats-server (`server/errors.json`).
mod code {
    /// An expected last sequence did not match.
    pub(super) const WRONG_LAST_SEQUENCE: u64 = 10_071;
    /// The same inside an atomic batch; outside one, in a cluster, another write to the lane in question
    /// is still being agreed on.
    pub(super) const WRONG_LAST_SEQUENCE_CONSTANT: u64 = 10_164;
    /// In a cluster: a message with this id is still being agreed on.
    pub(super) const DUPLICATE_IN_PROGRESS: u64 = 10_158;
    /// A message id of the batch is in the log already.
    pub(super) const BATCH_DUPLICATE: u64 = 10_201;
    /// The batch was dropped before its commit, or parts of it never arrived.
    pub(super) const BATCH_INCOMPLETE: u64 = 10_176;
    /// 50 batches are open on the stream.
    pub(super) const TOO_MANY_BATCHES: u64 = 10_210;
    /// More than 1,000 messages in a batch.
    pub(super) const BATCH_TOO_LARGE: u64 = 10_199;
    /// A message over the stream's limit.
    pub(super) const MESSAGE_TOO_LARGE: u64 = 10_054;
    /// The store could not take it: a limit of the stream, or the disk.
    pub(super) const STORE_FAILED: u64 = 10_077;
    /// Limits of the account or the server.
    pub(super) const NO_RESOURCES: [u64; 4] = [10_002, 10_023, 10_028, 10_047];
}

/// The server's answer to one try.
pub(crate) enum Outcome {
    /// Stored; for a batch the sequence of its last message.
    Stored { sequence: Sequence, duplicate: bool },
    /// Not stored, and trying again may help.
    Later,
    /// Not stored: the expectation did not hold, or could not be judged while another write was under way.
    Contended,
    /// Not stored, for the reason given.
    Refused(AppendError),
}

#[derive(Deserialize)]
struct Ack {
    #[serde(default)]
    seq: Sequence,
    #[serde(default)]
    duplicate: bool,
    error: Option<ApiError>,
}

impl Outcome {
    pub(crate) fn read(message: &Message) -> Self {
        match serde_json::from_slice::<Ack>(&message.payload) {
            Ok(Ack { error: Some(error), .. }) => Self::of_error(error),
            Ok(Ack { seq, duplicate, .. }) if seq > 0 => Self::Stored { sequence: seq, duplicate },
            Ok(_) => Self::Refused(LogError::BadAnswer("an ack without a sequence".into()).into()),
            Err(error) => Self::Refused(LogError::BadAnswer(error.into()).into()),
        }
    }

    fn of_error(error: ApiError) -> Self {
        match error.err_code {
            code::WRONG_LAST_SEQUENCE => Self::Refused(AppendError::Conflict),
            code::WRONG_LAST_SEQUENCE_CONSTANT => Self::Contended,
            code::BATCH_DUPLICATE => Self::Refused(AppendError::AlreadyCommitted),
            code::BATCH_TOO_LARGE | code::MESSAGE_TOO_LARGE => Self::Refused(AppendError::TooLarge),
            code::STORE_FAILED => Self::Refused(AppendError::StorageFull),
            other if code::NO_RESOURCES.contains(&other) => Self::Refused(AppendError::StorageFull),
            code::BATCH_INCOMPLETE | code::TOO_MANY_BATCHES | code::DUPLICATE_IN_PROGRESS => {
                Self::Later
            }
            // 503: no leader, starting up, overloaded.
            _ if error.code == NO_LEADER => Self::Later,
            _ => Self::Refused(LogError::from(error).into()),
        }
    }
}
