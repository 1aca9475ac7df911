//! Invitations: making, finding, accepting and revoking them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CHAT, RoomOutcome, commands};
use crate::events::InviteState;
use crate::ids::{RoomId, UserId};

/// An invitation with the code by which people come in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InviteOutcome {
    /// The code.
    pub code: String,
    /// The invitation.
    pub invite: InviteState,
}

commands! {
    /// The caller makes an invitation to a room.
    CHAT / "create_invite": CreateInvite -> InviteOutcome {
        /// The room.
        room_id: RoomId,
        /// Seconds after which it ends: 1 to 31,536,000; 7 days when absent.
        expires_in: Option<u32>,
        /// How many people it lets in: 1 to 1,000; any number when absent.
        max_uses: Option<u32>,
    }
    /// Lists a room's open invitations: the caller's, or for an admin all.
    CHAT / "list_invites": ListInvites -> Vec<InviteOutcome> {
        /// The room.
        room_id: RoomId,
    }
    /// The caller takes an invitation back.
    CHAT / "revoke_invite": RevokeInvite -> () {
        /// The room.
        room_id: RoomId,
        /// The invitation's code.
        code: String,
    }
    /// Says what an invitation is to, if it can be accepted.
    CHAT / "judge_invite": JudgeInvite -> InviteState {
        /// Its code.
        code: String,
    }
    /// A user who was registered with an invitation comes into its room: a place is kept for them.
    CHAT / "admit_registered": AdmitRegistered -> RoomOutcome {
        /// Its code.
        code: String,
        /// The user.
        user_id: UserId,
    }
    /// The caller comes into a room by an invitation.
    CHAT / "accept_invite": AcceptInvite -> RoomOutcome {
        /// Its code.
        code: String,
    }
}
