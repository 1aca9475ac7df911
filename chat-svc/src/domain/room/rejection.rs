//! Why a decision about a room is refused.

use schemas::{Code, RefusalReason, Rejection};

use super::{MAX_DIRECT_OTHERS, MAX_FIRST_MEMBERS};
use crate::domain::access::Denied;

/// Why a decision about a room is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RoomRejection {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Direct rooms are opened, not created.
    #[error("a direct room is opened with its members, not created")]
    KindDirect,
    /// Another channel has that name.
    #[error("another channel has that name")]
    NameTaken,
    /// Too many people at once.
    #[error("at most {MAX_FIRST_MEMBERS} members can be brought in at once")]
    TooManyMembers,
    /// A direct room has at most 19 others.
    #[error("a direct room takes at most {MAX_DIRECT_OTHERS} others")]
    DirectSize,
    /// Zero days, or more than a century.
    #[error("retention_days must be between 1 and 36,500")]
    Retention,
    /// Longer than the installation keeps messages at hand.
    #[error(
        "retention_days must be at most {0}: no room keeps messages longer than the installation"
    )]
    RetentionTooLong(u32),
    /// More than six hours.
    #[error("slow_mode_seconds must be between 0 and 21,600")]
    SlowMode,
    /// The name and the visibility of a room of everybody are fixed, and it is never archived.
    #[error("this room is part of the installation: its name, visibility and existence are fixed")]
    Fixed,
}

impl From<RoomRejection> for Rejection {
    fn from(rejection: RoomRejection) -> Self {
        let text = rejection.to_string();
        let invalid = |pointer: &str, reason: &str| {
            Self::field(Code::ValidationFailed, pointer, reason, text.clone())
        };
        match rejection {
            RoomRejection::Denied(denied) => denied.into(),
            RoomRejection::KindDirect => invalid("/kind", "not_allowed"),
            RoomRejection::NameTaken => {
                Self::field(Code::AlreadyExists, "/name", "already_exists", text)
            }
            RoomRejection::TooManyMembers => invalid("/members", "too_many"),
            RoomRejection::DirectSize => invalid("/members", "out_of_range"),
            RoomRejection::Retention | RoomRejection::RetentionTooLong(_) => {
                invalid("/retention_days", "out_of_range")
            }
            RoomRejection::SlowMode => invalid("/slow_mode_seconds", "out_of_range"),
            RoomRejection::Fixed => Self::because(RefusalReason::RoomFixed, text),
        }
    }
}
