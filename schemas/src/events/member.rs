//! Memberships: who belongs to a room and what they may do there.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::family;
use crate::ids::{RoomId, UserId};
use crate::time::Timestamp;
use crate::values::{Reason, RoomRole};

/// Why and for how long a user is kept out of a room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ban {
    /// The user who banned them.
    pub by: UserId,
    /// Why, in words that only the room's admins see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// When it ends by itself; none: when it is lifted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// When it began.
    pub created_at: Timestamp,
}

/// A membership after an event on its lane.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MemberState {
    /// The room.
    pub room_id: RoomId,
    /// The user it is the membership of.
    pub user_id: UserId,
    /// What they may do in the room.
    pub role: RoomRole,
    /// Whether they belong to the room now; a lane's last event may say that they have left.
    pub present: bool,
    /// May read but not write until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub muted_until: Option<Timestamp>,
    /// May not come back until the ban is lifted or has run out ([`MemberState::is_banned`]); not present then.
    #[serde(default)]
    pub banned: bool,
    /// The ban; none for who is not banned, and for bans of builds that wrote no more than `banned`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ban: Option<Ban>,
    /// When the present stay began.
    pub joined_at: Timestamp,
    /// In a direct room of two: the member blocks the other. Set before there is a room, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub blocks: bool,
    /// In a direct room of two: the other blocks the member.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub blocked: bool,
}

impl MemberState {
    /// Whether the user may not come in at a time.
    #[must_use]
    pub fn is_banned(&self, now: Timestamp) -> bool {
        let until = self.ban.as_ref().and_then(|ban| ban.until);
        self.banned && until.is_none_or(|until| until > now)
    }
}

/// A user joined a room themselves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MemberJoined {
    /// The membership after it.
    pub member: MemberState,
}

/// A user was added to a room by another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MemberAdded {
    /// The membership after it.
    pub member: MemberState,
}

/// A member left a room themselves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MemberLeft {
    /// The membership after it.
    pub member: MemberState,
}

/// A member was removed from a room by another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MemberRemoved {
    /// The membership after it.
    pub member: MemberState,
}

/// A member's role, mute or ban changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MemberChanged {
    /// The membership after it.
    pub member: MemberState,
}

/// In a direct room of two one of the members blocked the other or no longer does: the fence of what they write. Only
/// [`MemberState::blocks`] and [`MemberState::blocked`] changed. The room may not have been opened yet; then the member
/// is not present.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MemberBlockChanged {
    /// The membership after it.
    pub member: MemberState,
}

family! {
    /// What happens to memberships.
    MemberEvent {
        Joined(MemberJoined) = "member.joined.v1", |d| d.member.user_id;
        Added(MemberAdded) = "member.added.v1", |d| d.member.user_id;
        Left(MemberLeft) = "member.left.v1", |d| d.member.user_id;
        Removed(MemberRemoved) = "member.removed.v1", |d| d.member.user_id;
        Changed(MemberChanged) = "member.changed.v1", |d| d.member.user_id;
        BlockChanged(MemberBlockChanged) = "member.block_changed.v1", |d| d.member.user_id;
    }
}

impl MemberEvent {
    /// The membership after it.
    #[must_use]
    pub const fn after(&self) -> &MemberState {
        match self {
            Self::Joined(MemberJoined { member })
            | Self::Added(MemberAdded { member })
            | Self::Left(MemberLeft { member })
            | Self::Removed(MemberRemoved { member })
            | Self::Changed(MemberChanged { member })
            | Self::BlockChanged(MemberBlockChanged { member }) => member,
        }
    }
}
