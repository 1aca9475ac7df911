//! Accounts, as everyone and as their owner sees them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::events::UserState;
use crate::ids::UserId;
use crate::preferences::Preferences;
use crate::time::Timestamp;
use crate::values::Role;

/// A user as everyone sees them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct User {
    /// The user.
    pub id: UserId,
    /// The unique name.
    pub username: String,
    /// The name shown.
    pub display_name: String,
    /// Where the profile picture is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<String>,
    /// What the user says about themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bio: Option<String>,
    /// What the account may do everywhere.
    pub role: Role,
    /// When the user registered.
    pub created_at: Timestamp,
    /// `true` while the account is suspended: its user cannot log in or act.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deactivated: Option<bool>,
    /// `true` once the account is erased. Clients that hold anything of this user blank it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<bool>,
}

impl From<&UserState> for User {
    fn from(user: &UserState) -> Self {
        Self {
            id: user.id,
            username: user.username.to_string(),
            display_name: user.display_name.to_string(),
            avatar_url: user.avatar_media_id.as_ref().map(|media| format!("/media/{media}/avatar")),
            bio: user.bio.as_ref().map(ToString::to_string),
            role: user.role,
            created_at: user.created_at,
            deactivated: user.suspended.then_some(true),
            deleted: user.deleted.then_some(true),
        }
    }
}

/// A user's account as they and admins see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Account {
    /// The public part.
    #[serde(flatten)]
    pub user: User,
    /// The address.
    pub email: String,
    /// Whether the user has shown that they read mail sent there.
    pub email_verified: bool,
    /// Whether the account is suspended: it cannot log in or act.
    pub suspended: bool,
    /// Whether the account has a password.
    pub has_password: bool,
    /// Whether a login asks for a second factor.
    pub second_factor: bool,
    /// What the user prefers.
    pub preferences: Preferences,
    /// Client settings.
    pub settings: serde_json::Map<String, serde_json::Value>,
}

impl From<&UserState> for Account {
    fn from(user: &UserState) -> Self {
        Self {
            user: User::from(user),
            email: user.email.to_string(),
            email_verified: user.email_verified,
            suspended: user.suspended,
            has_password: user.has_password,
            second_factor: user.second_factor,
            preferences: user.preferences.clone(),
            settings: user.settings.clone(),
        }
    }
}
