//! One-time codes.

use schemas::commands::{
    ConfirmPasswordReset, ConfirmVerification, RequestAddressChange, RequestPasswordReset,
};
use schemas::values::{Email, NewPassword, Secret, VerificationKind};
use schemas::{ChallengeId, OneTimeCode};

use crate::http::shape;

shape! {
    /// What the caller wants to verify.
    NewVerification {
        /// What is verified.
        kind: VerificationKind,
    }
    /// A code that was mailed.
    CodeEntry {
        /// The six digits of the mail.
        #[schemars(with = "String", regex(pattern = r"^[0-9]{6}$"))]
        code: OneTimeCode,
    }
    /// A new address for the caller's account.
    AddressChange {
        /// The new address. A code goes there.
        email: Email,
        /// The current password. Left out by accounts without one.
        password: Option<Secret>,
        /// A code of the second factor, once the account has one.
        code: Option<Secret>,
    }
    /// The address of an account whose password is forgotten.
    NewReset {
        /// The address.
        email: Email,
    }
    /// A code that was mailed, and a new password.
    ResetEntry {
        /// The six digits of the mail.
        #[schemars(with = "String", regex(pattern = r"^[0-9]{6}$"))]
        code: OneTimeCode,
        /// 8 to 72 bytes; none of the commonest passwords.
        #[schemars(with = "String")]
        new_password: NewPassword,
    }
}

impl CodeEntry {
    pub(crate) fn command(self, verification_id: ChallengeId) -> ConfirmVerification {
        ConfirmVerification { verification_id, code: self.code }
    }
}

impl AddressChange {
    pub(crate) fn command(self) -> RequestAddressChange {
        let Self { email, password, code } = self;
        RequestAddressChange { email, password, second_factor: code }
    }
}

impl NewReset {
    pub(crate) fn command(self) -> RequestPasswordReset {
        RequestPasswordReset { email: self.email }
    }
}

impl ResetEntry {
    pub(crate) fn command(self, reset_id: ChallengeId) -> ConfirmPasswordReset {
        let Self { code, new_password } = self;
        ConfirmPasswordReset { reset_id, code, new_password }
    }
}
