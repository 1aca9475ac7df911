//! Why a decision about an account is "no".

use schemas::{Code, NotAdmitted, RefusalReason, Rejection};

/// A refusal, before it is turned into what travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AccountRejection {
    /// The username belongs to another account.
    UsernameTaken,
    /// The address belongs to another account.
    EmailTaken,
    /// Only an admin may give roles.
    RoleNotYours,
    /// The caller is not an admin.
    NotAdmin,
    /// Admins cannot suspend themselves.
    NotYourself,
    /// One admin always remains.
    LastAdmin,
    /// The account is suspended.
    Suspended,
    /// The account has another address than the code went to.
    AddressChanged,
    /// The installation does not let the user register.
    NotAdmitted(NotAdmitted),
    /// The installation has made no such invitation.
    NoSuchInvite,
    /// The invitation lets no one in any more.
    InviteOver,
}

impl From<NotAdmitted> for AccountRejection {
    fn from(refused: NotAdmitted) -> Self {
        Self::NotAdmitted(refused)
    }
}

impl From<AccountRejection> for Rejection {
    fn from(rejection: AccountRejection) -> Self {
        use AccountRejection as R;
        match rejection {
            R::UsernameTaken => Self::field(
                Code::AlreadyExists,
                "/username",
                "already_exists",
                "the username is taken",
            ),
            R::EmailTaken => {
                Self::field(Code::AlreadyExists, "/email", "already_exists", "the address is taken")
            }
            R::RoleNotYours => {
                Self::because(RefusalReason::NeedsAdmin, "only an admin may give roles")
            }
            R::NotAdmin => Self::because(RefusalReason::NeedsAdmin, "only an admin may do this"),
            R::NotYourself => {
                Self::because(RefusalReason::OwnAccount, "you cannot suspend your own account")
            }
            R::LastAdmin => {
                Self::because(RefusalReason::LastAdmin, "the last admin cannot lose the role")
            }
            R::Suspended => Self::new(Code::Suspended, "the account is suspended"),
            R::NotAdmitted(refused) => refused.into(),
            R::NoSuchInvite => {
                let detail = "there is no such invitation";
                let reason = RefusalReason::InvitationUnknown;
                Self::field_because(reason, "/invite", "unknown", detail)
            }
            R::InviteOver => {
                let detail = "the invitation is no longer valid";
                Self::field(Code::Gone, "/invite", "gone", detail)
            }
            R::AddressChanged => {
                Self::new(Code::Gone, "the account has another address than the code went to")
            }
        }
    }
}
