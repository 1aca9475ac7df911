//! Accounts: registering, profiles, passwords, administration.

use serde::{Deserialize, Serialize};

use super::{AUTH, commands};
use crate::ids::{MediaId, UserId};
use crate::preferences::PreferencesPatch;
use crate::settings::Settings;
use crate::values::{Bio, DisplayName, Email, NewPassword, Patch, Role, Secret, Username};
use crate::views::Account;

commands! {
    /// loopback address.
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
        /// The role; only an admin may give another than `user`.
        role: Option<Role>,
        /// Whether the gateway listens on a loopback address only, so that the caller is on its machine.
        loopback: bool,
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
    }
}
