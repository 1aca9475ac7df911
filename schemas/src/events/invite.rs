//! Invitations to rooms. The code of an invitation follows from its id and a key of the installation
//! ([`crate::NameKey::invite_code`]), so that the log holds nothing by which anyone could come in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::family;
use crate::ids::{InviteId, RoomId, UserId};
use crate::time::Timestamp;

/// Places that are kept for accounts on their way in.
const MAX_RESERVED: usize = 1_000;

/// An invitation after an event on its lane.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InviteState {
    /// The invitation's id.
    pub id: InviteId,
    /// The room it lets people into.
    pub room_id: RoomId,
    /// The member who made it, by whose rights it is judged.
    pub created_by: UserId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// How many people it lets in; none: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_uses: Option<u32>,
    /// How many people it has let in.
    #[serde(default)]
    pub uses: u32,
    /// Whether it was taken back.
    #[serde(default)]
    pub revoked: bool,
    /// Accounts that were registered with it and have not come in yet: each has a place, which `uses` counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reserved: Vec<UserId>,
}

impl InviteState {
    /// Whether it still lets people in at a time, as far as it says itself.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        !self.revoked && self.expires_at > now && self.max_uses.is_none_or(|max| self.uses < max)
    }

    /// The invitation with a place for an account that is registered with it; none when it has none left.
    #[must_use]
    pub fn reserved_for(&self, user: &UserId, now: Timestamp) -> Option<Self> {
        if !self.is_open(now) {
            return None;
        }
        let mut after = self.clone();
        after.uses = after.uses.saturating_add(1);
        // One without a limit gives places without end: who is forgotten comes in by any other.
        if after.reserved.len() >= MAX_RESERVED {
            after.reserved.remove(0);
        }
        after.reserved.push(*user);
        Some(after)
    }
}

/// An invitation was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InviteCreated {
    /// The invitation.
    pub invite: InviteState,
}

/// An invitation has let a user in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InviteAccepted {
    /// The invitation after it.
    pub invite: InviteState,
    /// The user who came in by it.
    pub user_id: UserId,
}

/// An account was registered with the invitation, and has a place by it: auth-svc writes this in the batch of the
/// registration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InviteReserved {
    /// The invitation after it.
    pub invite: InviteState,
    /// The new account.
    pub user_id: UserId,
}

/// An invitation was taken back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InviteRevoked {
    /// The invitation after it.
    pub invite: InviteState,
}

family! {
    /// What happens to invitations.
    InviteEvent {
        Created(InviteCreated) = "invite.created.v1", |d| d.invite.id;
        Accepted(InviteAccepted) = "invite.accepted.v1", |d| d.invite.id;
        Reserved(InviteReserved) = "invite.reserved.v1", |d| d.invite.id;
        Revoked(InviteRevoked) = "invite.revoked.v1", |d| d.invite.id;
    }
}

impl InviteEvent {
    /// The invitation after it.
    #[must_use]
    pub const fn after(&self) -> &InviteState {
        match self {
            Self::Created(InviteCreated { invite })
            | Self::Accepted(InviteAccepted { invite, .. })
            | Self::Reserved(InviteReserved { invite, .. })
            | Self::Revoked(InviteRevoked { invite }) => invite,
        }
    }
}
