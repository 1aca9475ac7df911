//! Why a person whom a provider knows does not come in.

use schemas::{Code, RefusalReason, Rejection};

/// A refusal, before it is turned into what travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IdentityRejection {
    /// The account is suspended.
    Suspended,
    /// The provider does not say that an address is the person's.
    NotVerified,
    /// The address belongs to an account that is not linked to it.
    AddressTaken,
    /// The account has as many identities as one may have.
    TooMany,
    /// The account has no such identity.
    NoSuchIdentity,
    /// Without it there would be no way to log in to the account.
    LastWay,
}

impl From<IdentityRejection> for Rejection {
    fn from(rejection: IdentityRejection) -> Self {
        use IdentityRejection as R;
        match rejection {
            R::Suspended => Self::new(Code::Suspended, "the account is suspended"),
            R::NotVerified => {
                let detail = "the provider has not verified an address of yours";
                Self::new(Code::NotVerified, detail)
            }
            R::AddressTaken => {
                let detail =
                    "an account with this address exists already; log in to it as you did before";
                Self::new(Code::AlreadyExists, detail)
            }
            R::TooMany => Self::because(
                RefusalReason::TooManyIdentities,
                "the account is linked too often already",
            ),
            R::NoSuchIdentity => Self::not_found(),
            R::LastWay => {
                let detail = "this is the only way to log in to the account; set a password first";
                Self::because(RefusalReason::LastWayIn, detail)
            }
        }
    }
}
