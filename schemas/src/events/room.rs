//! Rooms: what they are called, who may find them and who owns them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::family;
use crate::ids::{RoomId, UserId};
use crate::time::Timestamp;
use crate::values::{Posting, Reason, RoomKind, RoomName, Topic, Visibility};

/// A room after an event on its lane.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RoomState {
    /// The room's id, which never changes.
    pub id: RoomId,
    /// Whether it is a direct room, a group or a channel.
    pub kind: RoomKind,
    /// Its name; none for direct rooms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<RoomName>,
    /// What the room is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<Topic>,
    /// Who may find and join it.
    pub visibility: Visibility,
    /// Every registered user belongs to it without an event of their own (the `general` room).
    #[serde(default)]
    pub everyone: bool,
    /// Read-only, until it is restored.
    #[serde(default)]
    pub archived: bool,
    /// Owners, so that "the last owner stays" is decided by one lane.
    #[serde(default)]
    pub owners: Vec<UserId>,
    /// The fixed members of a direct room; empty for the other kinds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub direct_members: Vec<UserId>,
    /// Days after which messages move to the archive; none keeps them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_days: Option<u32>,
    /// Who may write in the main timeline.
    #[serde(default, skip_serializing_if = "Posting::is_everyone")]
    pub posting: Posting,
    /// Seconds that must lie between two messages of a member who is no admin; 0: no limit.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub slow_mode_seconds: u32,
    /// The user who created it; none for rooms the system created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<UserId>,
    /// When it was created.
    pub created_at: Timestamp,
}

impl RoomState {
    /// A room as it is made: private, without a name or owners, where everyone in it may write.
    #[must_use]
    pub const fn begun(id: RoomId, kind: RoomKind, created_at: Timestamp) -> Self {
        Self {
            id,
            kind,
            name: None,
            topic: None,
            visibility: Visibility::Private,
            everyone: false,
            archived: false,
            owners: Vec::new(),
            direct_members: Vec::new(),
            retention_days: None,
            posting: Posting::Everyone,
            slow_mode_seconds: 0,
            created_by: None,
            created_at,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// A room was created.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RoomCreated {
    /// The room as it was created.
    pub room: RoomState,
}

/// A room's name, topic, visibility or retention changed, or who owns it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RoomChanged {
    /// The room after the change.
    pub room: RoomState,
}

/// A room became read-only, until it is restored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RoomArchived {
    /// The room after the change.
    pub room: RoomState,
    /// Why, in the words of the moderator who archived it: for the audit trail. At most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// An archived room takes writes again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RoomRestored {
    /// The room after the change.
    pub room: RoomState,
}

family! {
    /// What happens to rooms.
    RoomEvent {
        Created(RoomCreated) = "room.created.v1", |d| d.room.id;
        Changed(RoomChanged) = "room.changed.v1", |d| d.room.id;
        Archived(RoomArchived) = "room.archived.v1", |d| d.room.id;
        Restored(RoomRestored) = "room.restored.v1", |d| d.room.id;
    }
}

impl RoomEvent {
    /// The room after it.
    #[must_use]
    pub const fn after(&self) -> &RoomState {
        match self {
            Self::Created(RoomCreated { room })
            | Self::Changed(RoomChanged { room })
            | Self::Archived(RoomArchived { room, .. })
            | Self::Restored(RoomRestored { room }) => room,
        }
    }
}
