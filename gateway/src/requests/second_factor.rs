//! The second factor.

use schemas::commands::{
    AdministerSecondFactor, ConfirmSecondFactor, EnrolSecondFactor, RemoveSecondFactor,
};
use schemas::values::{Reason, Secret};
use schemas::{OneTimeCode, UserId};

use crate::http::shape;

shape! {
    /// The password of an account that is to have a second factor.
    NewFactor {
        /// The current password. Left out by accounts without one.
        password: Option<Secret>,
    }
    /// A code of an authenticator app.
    FactorEntry {
        /// The six digits the app shows.
        #[schemars(with = "String", regex(pattern = r"^[0-9]{6}$"))]
        code: OneTimeCode,
    }
    /// What removing a second factor takes.
    FactorRemoval {
        /// The current password. Left out by accounts without one.
        password: Option<Secret>,
        /// A code of the app, or a recovery code.
        code: Option<Secret>,
    }
    /// Why an admin does something.
    AdminReason {
        /// 1 to 500 characters; part of the audit trail.
        reason: Reason,
    }
}

impl NewFactor {
    pub(crate) fn command(self) -> EnrolSecondFactor {
        EnrolSecondFactor { password: self.password }
    }
}

impl FactorEntry {
    pub(crate) fn command(self) -> ConfirmSecondFactor {
        ConfirmSecondFactor { code: self.code }
    }
}

impl FactorRemoval {
    pub(crate) fn command(self) -> RemoveSecondFactor {
        let Self { password, code } = self;
        RemoveSecondFactor { password, code }
    }
}

impl AdminReason {
    pub(crate) fn command(self, user_id: UserId) -> AdministerSecondFactor {
        AdministerSecondFactor { user_id, reason: self.reason }
    }
}
