//! What members have set about their own membership of a room. No other user is told.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::family;
use crate::ids::{RoomId, UserId};
use crate::values::Notify;

/// A member's own settings of a room after an event on their lane.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PrefsState {
    /// The room.
    pub room_id: RoomId,
    /// The member whose settings they are.
    pub user_id: UserId,
    /// Of which messages they want to be notified.
    #[serde(default)]
    pub notify: Notify,
    /// Whether the room stands first in their list.
    #[serde(default)]
    pub pinned: bool,
    /// Whether the room is not on their list until the next message, counted from this event on; for direct rooms,
    /// which cannot be left.
    #[serde(default)]
    pub hidden: bool,
}

/// A member changed their own settings of a room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PrefsChanged {
    /// The settings after the change.
    pub prefs: PrefsState,
}

family! {
    /// What happens to members' own settings.
    PrefsEvent {
        Changed(PrefsChanged) = "prefs.changed.v1", |d| d.prefs.user_id;
    }
}

impl PrefsEvent {
    /// The settings after it.
    #[must_use]
    pub const fn after(&self) -> &PrefsState {
        match self {
            Self::Changed(PrefsChanged { prefs }) => prefs,
        }
    }
}
