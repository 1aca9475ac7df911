//! Memberships: joining, leaving, adding, removing.

use serde::{Deserialize, Serialize};

use super::{CHAT, RoomOutcome, commands};
use crate::events::MemberState;
use crate::ids::{RoomId, UserId};
use crate::time::Timestamp;
use crate::values::{Patch, RoomRole, UserRef};

commands! {
    /// The caller joins a public room.
    CHAT / "join_room": JoinRoom -> RoomOutcome {
        /// The room.
        room_id: RoomId,
    }
    /// The caller leaves a room.
    CHAT / "leave_room": LeaveRoom -> () {
        /// The room.
        room_id: RoomId,
    }
    /// The caller adds a member.
    CHAT / "add_member": AddMember -> MemberState {
        /// The room.
        room_id: RoomId,
        /// The user to add.
        user: UserRef,
        /// Their role in the room; `member` when absent.
        role: Option<RoomRole>,
    }
    /// The caller removes a member.
    CHAT / "remove_member": RemoveMember -> () {
        /// The room.
        room_id: RoomId,
        /// The user.
        user_id: UserId,
    }
    /// The caller changes what a member may do.
    CHAT / "change_member": ChangeMember -> MemberState {
        /// The room.
        room_id: RoomId,
        /// The user.
        user_id: UserId,
        /// The new role.
        role: Option<RoomRole>,
        /// Read-only until then; `Clear` lifts it.
        muted_until: Patch<Timestamp>,
    }
    /// An admin of the installation makes a member an owner, beside those there are.
    CHAT / "appoint_owner": AppointOwner -> MemberState {
        /// The room.
        room_id: RoomId,
        /// The user.
        user_id: UserId,
    }
}
