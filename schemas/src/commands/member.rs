//! Memberships: joining, leaving, adding, removing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CHAT, RoomOutcome, commands};
use crate::events::MemberState;
use crate::ids::{RoomId, UserId};
use crate::time::Timestamp;
use crate::values::{Notify, Patch, Reason, RoomRole, UserRef};

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
    /// The caller changes their own settings of a room.
    CHAT / "change_prefs": ChangePrefs -> RoomOutcome {
        /// The room.
        room_id: RoomId,
        /// Of which messages they want to be notified.
        notify: Option<Notify>,
        /// Whether the room stands first in their list.
        pinned: Option<bool>,
    }
    /// The caller puts a user out of a room and keeps them out.
    CHAT / "ban_member": BanMember -> () {
        /// The room.
        room_id: RoomId,
        /// The user, who need not be a member.
        user_id: UserId,
        /// The reason for the ban.
        #[serde(default, deserialize_with = "crate::text::strict")]
        reason: Option<Reason>,
        /// When it ends by itself.
        until: Option<Timestamp>,
    }
    /// The caller lifts a ban.
    CHAT / "lift_ban": LiftBan -> () {
        /// The room.
        room_id: RoomId,
        /// The user.
        user_id: UserId,
    }
    /// An admin of the installation makes a member an owner, beside those there are.
    CHAT / "appoint_owner": AppointOwner -> MemberState {
        /// The room.
        room_id: RoomId,
        /// The user.
        user_id: UserId,
    }
}
