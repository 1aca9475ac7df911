//! Members of rooms.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::User;
use crate::ids::UserId;
use crate::time::Timestamp;
use crate::values::RoomRole;

/// A user who may not come into a room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BannedUser {
    /// The user.
    pub user: User,
    /// The id of the user who banned them; null for a ban that an older version recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<UserId>,
    /// Why the user was banned, if a reason was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When the ban ends by itself; absent for one that is lifted by an admin only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// When the ban began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
}

/// A member of a room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Member {
    /// The user.
    pub user_id: UserId,
    /// The same user with their names.
    pub user: User,
    /// What the member may do in the room.
    pub role: RoomRole,
    /// When the member joined.
    pub joined_at: Timestamp,
    /// May only read until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub muted_until: Option<Timestamp>,
}
