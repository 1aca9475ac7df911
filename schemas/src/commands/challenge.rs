//! One-time codes: asking for one, and entering it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AUTH, commands};
use crate::ids::{ChallengeId, UserId};
use crate::one_time::OneTimeCode;
use crate::time::Timestamp;
use crate::values::{Email, NewPassword, Secret};

/// A code is on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IssuedCode {
    /// The challenge, with which the code is entered.
    pub challenge_id: ChallengeId,
    /// Until when the code is good.
    pub expires_at: Timestamp,
}

commands! {
    /// Sends a code to the address of the caller's account, by which it is verified. A former one is good no more.
    AUTH / "request_verification": RequestVerification -> IssuedCode {}
    /// Enters a code that was sent to verify an address, the present one or a new one.
    AUTH / "confirm_verification": ConfirmVerification -> () {
        /// The challenge.
        verification_id: ChallengeId,
        /// What the user typed.
        code: OneTimeCode,
    }
    /// Sends a code to a new address. Entering it makes the address that of the caller's account.
    AUTH / "request_address_change": RequestAddressChange -> IssuedCode {
        /// The new address.
        email: Email,
        /// The present password; none when the account has none.
        password: Option<Secret>,
        /// A code of the second factor, if the account has one.
        second_factor: Option<Secret>,
    }
    /// Sends a code by which a user sets a new password. The answer is the same whether the address belongs to an
    /// account or not.
    AUTH / "request_password_reset": RequestPasswordReset -> ChallengeId {
        /// The address.
        email: Email,
    }
    /// Enters such a code, and sets a new password. Answers with the account, if its address had never been verified:
    /// what another person may have left in it goes.
    AUTH / "confirm_password_reset": ConfirmPasswordReset -> Option<UserId> {
        /// The challenge.
        reset_id: ChallengeId,
        /// What the user typed.
        code: OneTimeCode,
        /// The new password.
        new_password: NewPassword,
    }
}
