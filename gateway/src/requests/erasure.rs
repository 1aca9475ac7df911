//! Erasures and legal holds.

use schemas::commands::{DeleteAccount, EraseUser, LiftHold, PlaceHold};
use schemas::events::Held;
use schemas::values::{Reason, Secret};
use schemas::{ErasureId, UserId};

use crate::http::shape;

shape! {
    /// What closing one's account takes.
    AccountDeletion {
        /// The current password. Left out by accounts without one.
        password: Option<Secret>,
        /// A code of the second factor, once the account has one.
        code: Option<Secret>,
    }
    /// Why an account is erased, or something is held or no longer.
    ErasureReason {
        /// 1 to 500 characters; part of the audit trail.
        reason: Reason,
    }
}

impl AccountDeletion {
    pub(crate) fn command(self, erasure_id: ErasureId) -> DeleteAccount {
        let Self { password, code } = self;
        DeleteAccount { password, code, erasure_id: Some(erasure_id) }
    }
}

impl ErasureReason {
    pub(crate) fn erase(self, user_id: UserId, erasure_id: ErasureId) -> EraseUser {
        EraseUser { user_id, reason: self.reason, erasure_id: Some(erasure_id) }
    }

    pub(crate) fn hold(self, held: Held) -> PlaceHold {
        PlaceHold { held, reason: self.reason }
    }

    pub(crate) fn lift(self, held: Held) -> LiftHold {
        LiftHold { held, reason: self.reason }
    }
}
