//! Legal holds: rooms and users of which nothing may be purged or erased for now.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::family;
use crate::ids::{RoomId, UserId};
use crate::time::Timestamp;
use crate::values::Reason;

/// What is held.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// Everything in a room.
    Room(RoomId),
    /// Everything of a user.
    User(UserId),
}

impl Held {
    /// The id of the room or user.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Room(id) => id.as_str(),
            Self::User(id) => id.as_str(),
        }
    }
}

/// A hold after an event on its lane.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HoldState {
    /// What is held.
    pub held: Held,
    /// Why it was placed.
    pub reason: Reason,
    /// The admin who placed it.
    pub placed_by: UserId,
    /// When the hold began.
    pub placed_at: Timestamp,
}

/// A hold was placed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HoldPlaced {
    /// The hold.
    pub hold: HoldState,
}

/// A hold has ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HoldLifted {
    /// The hold as it was.
    pub hold: HoldState,
    /// The admin who ended it.
    pub lifted_by: UserId,
    /// The reason for ending the hold.
    pub reason: Reason,
    /// When the hold ended.
    pub lifted_at: Timestamp,
}

family! {
    /// What happens to legal holds.
    HoldEvent {
        Placed(HoldPlaced) = "hold.placed.v1", |d| d.hold.held.id();
        Lifted(HoldLifted) = "hold.lifted.v1", |d| d.hold.held.id();
    }
}

impl HoldEvent {
    /// The hold that is in force after it.
    #[must_use]
    pub const fn in_force(&self) -> Option<&HoldState> {
        match self {
            Self::Placed(HoldPlaced { hold }) => Some(hold),
            Self::Lifted(_) => None,
        }
    }
}
