//! Erasures of people's data, and legal holds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AUTH, commands};
use crate::events::{Held, HoldState};
use crate::ids::{ErasureId, UserId};
use crate::values::{Reason, Secret};
use crate::views::Erasure;

commands! {
    /// Closes the caller's account and erases their data.
    AUTH / "delete_account": DeleteAccount -> ErasureId {
        /// The present password; none when the account has none.
        password: Option<Secret>,
        /// A code of the second factor, if the account has one.
        code: Option<Secret>,
        /// The id the erasure is to have, which a caller knows then who hears no answer; none: a new one.
        #[serde(default)]
        erasure_id: Option<ErasureId>,
    }
    /// Closes an account and erases its person's data; admins only.
    AUTH / "erase_user": EraseUser -> ErasureId {
        /// The user.
        user_id: UserId,
        /// The admin's reason, for the audit trail.
        #[serde(deserialize_with = "crate::text::strict")]
        reason: Reason,
        /// The id the erasure is to have, which a caller knows then who hears no answer; none: a new one.
        #[serde(default)]
        erasure_id: Option<ErasureId>,
    }
    /// Deletes what the service of accounts keeps of a person beside the log: passwords, second factors, codes,
    /// sessions, devices. For an erasure, which asks again until it is answered; refused unless the account is
    /// closed for good. A repeat finds nothing more, or what came in between.
    AUTH / "forget_secrets": ForgetSecrets -> () {
        /// The user whose account is closed.
        user_id: UserId,
    }
    /// How far an erasure is. Who knows its id may ask.
    AUTH / "get_erasure": GetErasure -> Erasure {
        /// The erasure.
        erasure_id: ErasureId,
    }
    /// Places a legal hold; admins only.
    AUTH / "place_hold": PlaceHold -> () {
        /// What is held.
        held: Held,
        /// The admin's reason, for the audit trail.
        #[serde(deserialize_with = "crate::text::strict")]
        reason: Reason,
    }
    /// Ends a legal hold; admins only.
    AUTH / "lift_hold": LiftHold -> () {
        /// What was held.
        held: Held,
        /// The admin's reason, for the audit trail.
        #[serde(deserialize_with = "crate::text::strict")]
        reason: Reason,
    }
    /// The legal holds that are in force, by the ids of what they hold; admins only.
    AUTH / "list_holds": ListHolds -> Vec<HoldState> {}
}
