//! Accounts.

use schemas::commands::{AdministerUser, ChangePassword, ChangeProfile, CreateUser, Register};
use schemas::values::{
    Bio, DisplayName, Email, NewPassword, Patch, Reason, Role, Secret, Username,
};
use schemas::{MediaId, PreferencesPatch, Settings, UserId};
use serde_json::{Map, Value};

use crate::http::{Kept, changes, shape};

shape! {
    /// A new account.
    NewAccount {
        /// `[a-z0-9]([a-z0-9._-]{1,30}[a-z0-9])`. Upper case is folded; reserved names are refused.
        username: Username,
        /// The address of the account; unique.
        email: Email,
        /// 8 to 72 bytes; none of the commonest passwords.
        #[schemars(with = "String")]
        password: NewPassword,
        /// The name shown to other users. Defaults to the username.
        display_name: Option<DisplayName>,
        /// The code of an invitation to a room, which the account comes into. Required where registration is by
        /// invitation.
        invite: Option<String>,
    }
    /// A new account that an admin makes.
    NewUser {
        /// `[a-z0-9]([a-z0-9._-]{1,30}[a-z0-9])`. Upper case is folded; reserved names are refused.
        username: Username,
        /// The address of the account; unique.
        email: Email,
        /// 8 to 72 bytes; none of the commonest passwords. Without one, a code to choose it is mailed to the address.
        #[schemars(with = "Option<String>")]
        password: Option<NewPassword>,
        /// The name shown to other users. Defaults to the username.
        display_name: Option<DisplayName>,
        /// What the user may do everywhere. Defaults to `user`.
        role: Option<Role>,
    }
    /// A new password.
    PasswordChange {
        /// The current password. Left out by accounts without one.
        current_password: Option<Secret>,
        /// 8 to 72 bytes; none of the commonest passwords.
        #[schemars(with = "String")]
        new_password: NewPassword,
        /// A code of the second factor, once the account has one.
        code: Option<Secret>,
    }
}

changes! {
    /// Changes to the caller's own account. Absent fields stay as they are; null clears an optional field.
    ProfileChanges {
        /// The name shown to other users. Null makes it the username.
        #[schemars(with = "Option<DisplayName>")]
        display_name: Patch<DisplayName>,
        /// The profile picture.
        #[schemars(with = "Option<MediaId>")]
        avatar_media_id: Patch<MediaId>,
        /// What the user says about themselves. Null or an empty text clears it.
        #[schemars(with = "Option<Bio>")]
        bio: Patch<Bio>,
        /// The unique name. Null is refused.
        username: Kept<Username>,
        /// Client settings, replaced as a whole: an object of at most 16 KiB of JSON and 16 levels. Null empties it.
        #[schemars(with = "Option<Map<String, Value>>")]
        settings: Patch<Settings>,
        /// What the server obeys of what the user prefers. Absent fields of it stay as they are.
        preferences: Kept<PreferencesPatch>,
    }
    /// Changes to an account by an admin. Absent fields stay as they are.
    UserChanges {
        /// What the user may do everywhere.
        role: Kept<Role>,
        /// Whether the account is kept from logging in and acting.
        suspended: Kept<bool>,
        /// Why, for the audit trail: 1 to 500 characters.
        #[schemars(with = "Option<Reason>")]
        reason: Patch<Reason>,
    }
}

impl NewAccount {
    /// `loopback`: the gateway listens on a loopback address only, so the request comes from this machine;
    /// `invite_over`: the invitation holds no more, so that only a repeat of the request has a result.
    pub(crate) fn command(self, loopback: bool, invite_over: bool) -> Register {
        let Self { username, email, password, display_name, invite } = self;
        Register { username, email, password, display_name, loopback, invite, invite_over }
    }
}

impl NewUser {
    pub(crate) fn command(self) -> CreateUser {
        let Self { username, email, password, display_name, role } = self;
        CreateUser { username, email, password, display_name, role }
    }
}

impl ProfileChanges {
    pub(crate) fn command(self) -> ChangeProfile {
        let Self { display_name, avatar_media_id, bio, username, settings, preferences } = self;
        ChangeProfile {
            display_name,
            bio,
            avatar_media_id,
            username: username.0,
            settings: settings.or_default(),
            preferences: preferences.0,
        }
    }
}

impl PasswordChange {
    pub(crate) fn command(self) -> ChangePassword {
        let Self { current_password, new_password, code } = self;
        ChangePassword { current_password, new_password, code }
    }
}

impl UserChanges {
    pub(crate) fn command(self, user_id: UserId) -> AdministerUser {
        let Self { role, suspended, reason } = self;
        AdministerUser { user_id, role: role.0, suspended: suspended.0, reason: reason.apply(None) }
    }
}
