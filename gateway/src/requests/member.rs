//! Members of rooms.

use schemas::commands::{AddMember, BanMember, ChangeMember, ChangePrefs};
use schemas::values::{Notify, Patch, Reason, RoomRole, UserRef};
use schemas::{RoomId, Timestamp, UserId};

use crate::http::{Kept, changes, shape};

shape! {
    /// A user to add to a room.
    NewMember {
        /// A user id or `@username`.
        user: UserRef,
        /// The user's role in the room. Defaults to `member`.
        role: Option<RoomRole>,
    }
    /// A ban.
    NewBan {
        /// Why; at most 500 characters. Only the room's admins see it.
        reason: Option<Reason>,
        /// When the ban ends by itself. Without it an admin has to lift it.
        until: Option<Timestamp>,
    }
}

changes! {
    /// Changes to a membership. Absent fields stay as they are; null lifts a mute.
    MemberChanges {
        /// What the member may do in the room.
        role: Kept<RoomRole>,
        /// Until then the member may only read.
        #[schemars(with = "Option<Timestamp>")]
        muted_until: Patch<Timestamp>,
    }
    /// The caller's own settings of a room. Absent fields stay as they are. Other members are not told.
    OwnSettings {
        /// Of which messages the caller is notified: `all`, `mentions`, or `none`, which also keeps mentions out of the
        /// inbox.
        notify: Kept<Notify>,
        /// Whether the room stands first in the caller's list.
        pinned: Kept<bool>,
    }
}

impl OwnSettings {
    pub(crate) fn command(self, room_id: RoomId) -> ChangePrefs {
        let Self { notify, pinned } = self;
        ChangePrefs { room_id, notify: notify.0, pinned: pinned.0 }
    }
}

impl NewBan {
    pub(crate) fn command(self, room_id: RoomId, user_id: UserId) -> BanMember {
        let Self { reason, until } = self;
        BanMember { room_id, user_id, reason, until }
    }
}

impl NewMember {
    pub(crate) fn command(self, room_id: RoomId) -> AddMember {
        let Self { user, role } = self;
        AddMember { room_id, user, role }
    }
}

impl MemberChanges {
    pub(crate) fn command(self, room_id: RoomId, user_id: UserId) -> ChangeMember {
        let Self { role, muted_until } = self;
        ChangeMember { room_id, user_id, role: role.0, muted_until }
    }
}
