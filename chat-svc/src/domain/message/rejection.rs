//! Why a decision about a message is refused.

use schemas::{Code, RefusalReason, Rejection};

use crate::domain::access::Denied;

/// Why a decision about a message is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MessageRejection {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is no such message in the room, or the caller may not see it.
    #[error("there is no such message, or you may not see it")]
    NoSuchMessage,
    /// It has neither a text nor files.
    #[error("body must not be empty where no files are attached")]
    NothingToSee,
    /// The message that began the thread is not one of the room.
    #[error("the thread's first message is not a message of this room")]
    NoSuchThread,
    /// An answer in a thread does not begin another.
    #[error("the message is itself an answer in a thread; answer in that thread")]
    NestedThread,
    /// An answer begins no thread: nothing can be followed or read there.
    #[error("the message is an answer in a thread and begins none")]
    NotARoot,
    /// Only the author edits their message.
    #[error("only its author may edit a message")]
    NotTheAuthor,
    /// Only the author, the room's admins and moderators take a message back.
    #[error("only its author, an admin of the room or a moderator may delete a message")]
    NotYours,
    /// It was taken back.
    #[error("the message was deleted")]
    Deleted,
    /// It is older than its room keeps messages at all.
    #[error("the message was purged: nothing of it is left")]
    Purged,
    /// It is older than its room keeps messages at hand.
    #[error("the message is in the archive: it can be answered and deleted, and not edited")]
    Archived,
    /// The message has as many kinds of reactions as it may have.
    #[error("the message has 50 kinds of reactions, and no more are possible")]
    TooManyKinds,
    /// The room has as many pins as it may have.
    #[error("the room has 100 pins, and no more are possible")]
    TooManyPins,
    /// The room is in slow mode, and the author's last message is too recent.
    #[error("the room is in slow mode; write again in {0} s")]
    TooSoon(u32),
    /// The client id was used for another message.
    #[error("this client_id was used for a message with another body")]
    OtherBody,
}

impl From<MessageRejection> for Rejection {
    fn from(rejection: MessageRejection) -> Self {
        let text = rejection.to_string();
        let because = |reason| Self::because(reason, text.clone());
        let invalid = |pointer: &str, reason: &str| {
            Self::field(Code::ValidationFailed, pointer, reason, text.clone())
        };
        match rejection {
            MessageRejection::Denied(denied) => denied.into(),
            // The same words as for a room that is not seen: which of the two it is, the caller must not learn.
            MessageRejection::NoSuchMessage => Self::not_found(),
            MessageRejection::TooSoon(wait) => because(RefusalReason::SlowMode).retry_after(wait),
            MessageRejection::NothingToSee => invalid("/body", "too_short"),
            MessageRejection::NoSuchThread => invalid("/thread_root_id", "not_found"),
            MessageRejection::NestedThread => invalid("/thread_root_id", "not_a_root"),
            MessageRejection::NotTheAuthor => because(RefusalReason::NotTheAuthor),
            MessageRejection::NotYours => because(RefusalReason::MessageOfAnother),
            MessageRejection::Purged => Self::new(Code::Gone, text),
            MessageRejection::Deleted => because(RefusalReason::MessageDeleted),
            MessageRejection::Archived => because(RefusalReason::MessageArchived),
            MessageRejection::NotARoot => because(RefusalReason::NotAThread),
            MessageRejection::TooManyKinds => because(RefusalReason::TooManyReactions),
            MessageRejection::TooManyPins => because(RefusalReason::TooManyPins),
            MessageRejection::OtherBody => {
                Self::field(Code::IdempotencyMismatch, "/client_id", "other_body", text)
            }
        }
    }
}
