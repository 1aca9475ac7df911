//! Why a decision about a membership is refused.

use schemas::{Code, RefusalReason, Rejection};

use crate::domain::access::Denied;

/// Why a decision about a membership is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MemberRejection {
    /// The caller may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// There is no such person.
    #[error("there is no such user")]
    NoSuchUser,
    /// The person is not in the room.
    #[error("the user is not a member of this room")]
    NoSuchMember,
    /// The person may not come in.
    #[error("the user is banned from this room")]
    TargetBanned,
    /// The person is in the room already, with another role.
    #[error("the user is already a member, with another role")]
    AlreadyMember,
    /// A room always has an owner.
    #[error("the last owner must hand the room over first")]
    LastOwner,
    /// The person cannot act, so cannot be brought in or given a role.
    #[error("the user is suspended")]
    TargetSuspended,
    /// Only an admin of the installation may do that.
    #[error("this needs the role admin of the installation")]
    NotAnAdmin,
    /// A ban that would be over at once.
    #[error("until must lie in the future")]
    BanOver,
    /// Only a member above the person may do that.
    #[error("the user's role in the room is not below yours")]
    NotBelow,
}

impl From<MemberRejection> for Rejection {
    fn from(rejection: MemberRejection) -> Self {
        let text = rejection.to_string();
        let because = |reason| Self::because(reason, text.clone());
        match rejection {
            MemberRejection::Denied(denied) => denied.into(),
            MemberRejection::NoSuchUser => Self::field(Code::NotFound, "/user", "not_found", text),
            MemberRejection::NoSuchMember => Self::new(Code::NotFound, text),
            MemberRejection::BanOver => {
                Self::field(Code::ValidationFailed, "/until", "out_of_range", text)
            }
            MemberRejection::TargetSuspended => because(RefusalReason::UserSuspended),
            MemberRejection::AlreadyMember => because(RefusalReason::AlreadyMember),
            MemberRejection::LastOwner => because(RefusalReason::LastOwner),
            MemberRejection::TargetBanned => because(RefusalReason::UserBanned),
            MemberRejection::NotAnAdmin => because(RefusalReason::NeedsAdmin),
            MemberRejection::NotBelow => because(RefusalReason::RoleNotBelow),
        }
    }
}
