//! Why a decision about an account is "no".

use schemas::{Code, Rejection};

/// A refusal, before it is turned into what travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AccountRejection {
    /// The username is somebody else's.
    UsernameTaken,
    /// The address is somebody else's.
    EmailTaken,
    /// Only an admin may give roles.
    RoleNotYours,
    /// The caller is not an admin.
    NotAdmin,
    /// Nobody suspends himself.
    NotYourself,
    /// One admin always remains.
    LastAdmin,
    /// The account is suspended.
    Suspended,
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
            R::RoleNotYours => Self::new(Code::Forbidden, "only an admin may give roles"),
            R::NotAdmin => Self::new(Code::Forbidden, "only an admin may do this"),
            R::NotYourself => Self::new(Code::Conflict, "nobody can suspend himself"),
            R::LastAdmin => Self::new(Code::Conflict, "the last admin cannot lose the role"),
            R::Suspended => Self::new(Code::Forbidden, "the account is suspended"),
        }
    }
}
