//! Why a decision about an invitation is refused.

use schemas::{Code, RefusalReason, Rejection};

use crate::domain::access::Denied;

/// Open invitations of a room at most.
pub const MAX_OPEN: usize = 100;

/// Why a decision about an invitation is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InviteRejection {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The caller's address is not verified.
    #[error("verify your e-mail address before you invite people")]
    NotVerified,
    /// It would end at once, or not for more than a year.
    #[error("expires_in must be between 1 and 31,536,000 seconds")]
    Expiry,
    /// It would let no user in, or more than a thousand.
    #[error("max_uses must be between 1 and 1,000")]
    Uses,
    /// The room has enough of them.
    #[error("a room has at most {MAX_OPEN} open invitations")]
    TooMany,
    /// There is no such invitation, or the caller may not know of it.
    #[error("there is no such invitation")]
    NoSuchInvite,
    /// It lets no one in any more.
    #[error("the invitation is no longer valid")]
    Over,
}

impl From<InviteRejection> for Rejection {
    fn from(rejection: InviteRejection) -> Self {
        let text = rejection.to_string();
        let invalid = |pointer: &str| {
            Self::field(Code::ValidationFailed, pointer, "out_of_range", text.clone())
        };
        match rejection {
            InviteRejection::Denied(denied) => denied.into(),
            InviteRejection::NotVerified => Self::new(Code::NotVerified, text),
            InviteRejection::Expiry => invalid("/expires_in"),
            InviteRejection::Uses => invalid("/max_uses"),
            InviteRejection::TooMany => Self::because(RefusalReason::TooManyInvites, text),
            InviteRejection::NoSuchInvite => Self::new(Code::NotFound, text),
            InviteRejection::Over => Self::new(Code::Gone, text),
        }
    }
}
