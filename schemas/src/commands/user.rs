//! Accounts: registering, profiles, passwords, administration.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AUTH, commands};
use crate::ids::{MediaId, UserId};
use crate::preferences::PreferencesPatch;
use crate::settings::Settings;
use crate::values::{Bio, DisplayName, Email, NewPassword, Patch, Reason, Role, Secret, Username};
use crate::views::Account;

commands! {
    /// Makes an account for the user who asks, as far as registration is open to them. The very first one is an
    /// admin's when it comes from this machine.
    AUTH / "register": Register -> Account {
        /// The unique name.
        #[serde(deserialize_with = "crate::text::strict")]
        username: Username,
        /// The unique address.
        email: Email,
        /// The password.
        password: NewPassword,
        /// The name shown; the username when absent.
        #[serde(default, deserialize_with = "crate::text::strict")]
        display_name: Option<DisplayName>,
        /// Whether the gateway listens on a loopback address only, so that the caller is on its machine.
        loopback: bool,
        /// The code of an invitation to a room, in which a place is kept for the account.
        #[serde(default)]
        invite: Option<String>,
        /// Whether that invitation holds no more: then only the account that an earlier try of this request has made is
        /// answered.
        #[serde(default)]
        invite_over: bool,
    }
    /// Makes an account for another user; admins only. Without a password a code to choose one is mailed.
    AUTH / "create_user": CreateUser -> Account {
        /// The unique name.
        #[serde(deserialize_with = "crate::text::strict")]
        username: Username,
        /// The unique address.
        email: Email,
        /// The password, if the admin chooses it.
        password: Option<NewPassword>,
        /// The name shown; the username when absent.
        #[serde(default, deserialize_with = "crate::text::strict")]
        display_name: Option<DisplayName>,
        /// What the user may do everywhere; what users may when absent.
        role: Option<Role>,
    }
    /// Changes the caller's profile. A field that is absent (or `Keep`) stays; `Clear` empties an optional one.
    AUTH / "change_profile": ChangeProfile -> Account {
        /// The name shown; `Clear` makes it the username.
        #[serde(default, deserialize_with = "crate::text::strict")]
        display_name: Patch<DisplayName>,
        /// What the user says about themselves.
        #[serde(default, deserialize_with = "crate::text::strict")]
        bio: Patch<Bio>,
        /// The picture.
        avatar_media_id: Patch<MediaId>,
        /// The unique name.
        #[serde(default, deserialize_with = "crate::text::strict")]
        username: Option<Username>,
        /// Client settings, replaced as a whole.
        settings: Option<Settings>,
        /// What the user prefers; merged into what they preferred.
        #[serde(default)]
        #[schemars(schema_with = "crate::preferences::carried")]
        preferences: Option<PreferencesPatch>,
    }
    /// Changes the caller's password; their other sessions end.
    AUTH / "change_password": ChangePassword -> () {
        /// The present one, as typed; none when the account has none.
        current_password: Option<Secret>,
        /// The new one.
        new_password: NewPassword,
        /// A code of the second factor, if the account has one.
        #[serde(default)]
        code: Option<Secret>,
    }
    /// Changes an account; admins only.
    AUTH / "administer_user": AdministerUser -> Account {
        /// The user.
        user_id: UserId,
        /// The new role.
        role: Option<Role>,
        /// Whether the account is to be suspended.
        suspended: Option<bool>,
        /// Why, for the audit trail.
        #[serde(default, deserialize_with = "crate::text::strict")]
        reason: Option<Reason>,
    }
}
