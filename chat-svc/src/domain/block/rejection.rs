//! Why a decision about a block is refused.

use schemas::{Code, RefusalReason, Rejection};

use crate::domain::access::Denied;

/// Why a decision about a block is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BlockRejection {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// A user cannot block themselves.
    #[error("you cannot block yourself")]
    Oneself,
    /// There is no such person.
    #[error("there is no such user")]
    NoSuchUser,
    /// The list is full.
    #[error("at most 1,000 users can be blocked")]
    TooMany,
}

impl From<BlockRejection> for Rejection {
    fn from(rejection: BlockRejection) -> Self {
        let text = rejection.to_string();
        match rejection {
            BlockRejection::Denied(denied) => denied.into(),
            BlockRejection::Oneself => {
                Self::field(Code::ValidationFailed, "/user_id", "not_allowed", text)
            }
            BlockRejection::NoSuchUser => Self::not_found(),
            BlockRejection::TooMany => Self::because(RefusalReason::TooManyBlocks, text),
        }
    }
}
