//! Erasures and legal holds, as they are shown.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::events::{Held, HoldState, Removed};
use crate::ids::{RoomId, UserId};
use crate::time::Timestamp;

/// Where an erasure stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErasureStatus {
    /// The account is closed; not everything is removed yet.
    Running,
    /// Nothing of the person is left.
    Done,
}

/// An erasure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Erasure {
    /// How far it has come.
    pub status: ErasureStatus,
    /// What it has removed so far.
    pub removed: Removed,
}

/// What is under a legal hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HoldKind {
    /// Everything in a room.
    Room,
    /// Everything of a user.
    User,
}

/// A legal hold: retention, purging and erasure pass over what it holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Hold {
    /// What is held.
    pub kind: HoldKind,
    /// The room; none for a user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_id: Option<RoomId>,
    /// The user; none for a room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// Why it was placed.
    pub reason: String,
    /// The admin who placed it.
    pub placed_by: UserId,
    /// When it was placed.
    pub placed_at: Timestamp,
}

impl From<&HoldState> for Hold {
    fn from(hold: &HoldState) -> Self {
        let (kind, room_id, user_id) = match &hold.held {
            Held::Room(id) => (HoldKind::Room, Some(*id), None),
            Held::User(id) => (HoldKind::User, None, Some(*id)),
        };
        Self {
            kind,
            room_id,
            user_id,
            reason: hold.reason.to_string(),
            placed_by: hold.placed_by,
            placed_at: hold.placed_at,
        }
    }
}
