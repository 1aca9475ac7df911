//! Members of rooms.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::User;
use crate::ids::UserId;
use crate::time::Timestamp;
use crate::values::RoomRole;

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
