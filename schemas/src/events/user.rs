//! Accounts: who exists, what they are called and what they may do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::family;
use crate::ids::{ErasureId, MediaId, UserId};
use crate::preferences::Preferences;
use crate::time::Timestamp;
use crate::values::{Bio, DisplayName, Email, Reason, Role, Username};

/// An account after an event on its lane.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UserState {
    /// The account's id, which never changes.
    pub id: UserId,
    /// The unique name.
    pub username: Username,
    /// The name shown to people.
    pub display_name: DisplayName,
    /// The unique address; personal data, seen only by its owner and admins.
    pub email: Email,
    /// Whether the owner has shown that they read mail sent there.
    pub email_verified: bool,
    /// What the account may do everywhere.
    pub role: Role,
    /// A suspended account cannot log in or act.
    pub suspended: bool,
    /// Whether a login asks for a second factor.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub second_factor: bool,
    /// Whether the account has a password. One that was made through a provider may have none.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub has_password: bool,
    /// What the person says about themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bio: Option<Bio>,
    /// The profile picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar_media_id: Option<MediaId>,
    /// Client settings, not interpreted by the server: [`crate::Settings`], whose limits held when they were set.
    #[serde(default)]
    pub settings: serde_json::Map<String, serde_json::Value>,
    /// What the user prefers; left out as long as it is the default.
    #[serde(default, skip_serializing_if = "Preferences::is_default")]
    pub preferences: Preferences,
    /// When the account was registered.
    pub created_at: Timestamp,
    /// The account was erased: this is what stands in its place. In no event; documents say it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
}

impl UserState {
    /// What is shown in the place of an erased account.
    #[must_use]
    pub fn erased(id: UserId, created_at: Timestamp) -> Self {
        Self {
            id,
            username: Username::deleted(),
            display_name: DisplayName::deleted(),
            email: Email::deleted(),
            email_verified: false,
            role: Role::User,
            suspended: false,
            second_factor: false,
            has_password: false,
            bio: None,
            avatar_media_id: None,
            settings: serde_json::Map::new(),
            preferences: Preferences::default(),
            created_at,
            deleted: true,
        }
    }
}

const fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_yes(value: &bool) -> bool {
    *value
}

/// An account was created.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UserRegistered {
    /// The account as it was created.
    pub user: UserState,
}

/// A user changed their profile, username, address or settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UserProfileChanged {
    /// The account after the change.
    pub user: UserState,
}

/// An admin changed an account's role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UserRoleChanged {
    /// The account after the change.
    pub user: UserState,
    /// Why, as the admin says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// An admin suspended an account or lifted the suspension (`user.suspended` says which).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UserSuspensionChanged {
    /// The account after the change.
    pub user: UserState,
    /// Why, as the admin says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// A user has shown that they read mail sent to the address of their account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UserEmailVerified {
    /// The account after it.
    pub user: UserState,
}

/// A user has another address, and has shown that they read mail sent there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UserEmailChanged {
    /// The account after the change.
    pub user: UserState,
    /// The address before, whose reader is told.
    pub former: Email,
}

/// A second factor is asked for from now on, or no longer (`user.second_factor` says which).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UserSecondFactorChanged {
    /// The account after the change.
    pub user: UserState,
    /// Why an admin has removed it; none when the user did something themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// An account that had no password has one from now on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UserPasswordSet {
    /// The account after it.
    pub user: UserState,
}

/// An account was closed and its person's data are erased from now on. From here on there is no such account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UserErased {
    /// The account.
    pub user_id: UserId,
    /// The erasure of its data.
    pub erasure_id: ErasureId,
    /// When the account was registered.
    pub created_at: Timestamp,
    /// When it was closed.
    pub erased_at: Timestamp,
}

family! {
    /// What happens to accounts.
    UserEvent {
        Registered(UserRegistered) = "user.registered.v1", |d| d.user.id;
        ProfileChanged(UserProfileChanged) = "user.profile_changed.v1", |d| d.user.id;
        RoleChanged(UserRoleChanged) = "user.role_changed.v1", |d| d.user.id;
        SuspensionChanged(UserSuspensionChanged) = "user.suspension_changed.v1", |d| d.user.id;
        EmailVerified(UserEmailVerified) = "user.email_verified.v1", |d| d.user.id;
        EmailChanged(UserEmailChanged) = "user.email_changed.v1", |d| d.user.id;
        SecondFactorChanged(UserSecondFactorChanged) = "user.second_factor_changed.v1", |d| d.user.id;
        PasswordSet(UserPasswordSet) = "user.password_set.v1", |d| d.user.id;
        Erased(UserErased) = "user.erased.v1", |d| d.user_id;
    }
}

impl UserEvent {
    /// The account as it is shown after it: what stands in its place once it is erased.
    #[must_use]
    pub fn shown(&self) -> UserState {
        match self {
            Self::Registered(UserRegistered { user })
            | Self::ProfileChanged(UserProfileChanged { user })
            | Self::RoleChanged(UserRoleChanged { user, .. })
            | Self::SuspensionChanged(UserSuspensionChanged { user, .. })
            | Self::EmailVerified(UserEmailVerified { user })
            | Self::EmailChanged(UserEmailChanged { user, .. })
            | Self::SecondFactorChanged(UserSecondFactorChanged { user, .. })
            | Self::PasswordSet(UserPasswordSet { user }) => user.clone(),
            Self::Erased(UserErased { user_id, created_at, .. }) => {
                UserState::erased(*user_id, *created_at)
            }
        }
    }

    /// The account it happened to.
    #[must_use]
    pub const fn user_id(&self) -> &UserId {
        match self {
            Self::Registered(UserRegistered { user })
            | Self::ProfileChanged(UserProfileChanged { user })
            | Self::RoleChanged(UserRoleChanged { user, .. })
            | Self::SuspensionChanged(UserSuspensionChanged { user, .. })
            | Self::EmailVerified(UserEmailVerified { user })
            | Self::EmailChanged(UserEmailChanged { user, .. })
            | Self::SecondFactorChanged(UserSecondFactorChanged { user, .. })
            | Self::PasswordSet(UserPasswordSet { user }) => &user.id,
            Self::Erased(UserErased { user_id, .. }) => user_id,
        }
    }

    /// The account after it; none once it is erased.
    #[must_use]
    pub const fn after(&self) -> Option<&UserState> {
        match self {
            Self::Registered(UserRegistered { user })
            | Self::ProfileChanged(UserProfileChanged { user })
            | Self::RoleChanged(UserRoleChanged { user, .. })
            | Self::SuspensionChanged(UserSuspensionChanged { user, .. })
            | Self::PasswordSet(UserPasswordSet { user })
            | Self::EmailVerified(UserEmailVerified { user })
            | Self::EmailChanged(UserEmailChanged { user, .. })
            | Self::SecondFactorChanged(UserSecondFactorChanged { user, .. }) => Some(user),
            Self::Erased(_) => None,
        }
    }
}
