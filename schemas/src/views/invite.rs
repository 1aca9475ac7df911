//! Invitations.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::RoomId;
use crate::time::Timestamp;
use crate::values::RoomKind;

/// An invitation, as its maker and the room's admins see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Invite {
    /// What lets people in. A user who has it may come in.
    pub code: String,
    /// Where to look at the invitation.
    pub url: String,
    /// How many people it has let in.
    pub uses: u32,
    /// How many people it lets in; absent for any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_uses: Option<u32>,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// A room, as an invitation shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InvitedTo {
    /// The room's id.
    pub id: RoomId,
    /// The name of the room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Group or channel.
    pub kind: RoomKind,
    /// How many members the room has.
    pub member_count: u64,
}

/// The maker of an invitation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Inviter {
    /// What they are called.
    pub display_name: String,
}

/// What an invitation shows to all who have its code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InvitePreview {
    /// The room it is to.
    pub room: InvitedTo,
    /// The user who created the invitation.
    pub inviter: Inviter,
}
