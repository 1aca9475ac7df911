//! The second factor: enrolling, confirming, removing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AUTH, commands};
use crate::ids::UserId;
use crate::one_time::OneTimeCode;
use crate::values::{Reason, Secret};

/// What an authenticator app is set up with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Enrolment {
    /// The shared secret in base 32.
    pub secret: Secret,
    /// The same as a link that apps read, usually as a QR code.
    pub otpauth_url: Secret,
}

commands! {
    /// Gives the caller a secret for an authenticator app. It asks for nothing until it is confirmed.
    AUTH / "enrol_second_factor": EnrolSecondFactor -> Enrolment {
        /// The present password; none when the account has none.
        password: Option<Secret>,
    }
    /// Shows that the app is set up; from now on codes are asked for. Answers with the recovery codes.
    AUTH / "confirm_second_factor": ConfirmSecondFactor -> Vec<Secret> {
        /// A code of the app.
        code: OneTimeCode,
    }
    /// Removes the caller's second factor.
    AUTH / "remove_second_factor": RemoveSecondFactor -> () {
        /// The present password; none when the account has none.
        password: Option<Secret>,
        /// A code of the app, or a recovery code.
        code: Option<Secret>,
    }
    /// Removes the second factor of a user who is locked out, whose sessions end; admins only.
    AUTH / "administer_second_factor": AdministerSecondFactor -> () {
        /// The user.
        user_id: UserId,
        /// The admin's reason, for the audit trail.
        #[serde(deserialize_with = "crate::text::strict")]
        reason: Reason,
    }
}
