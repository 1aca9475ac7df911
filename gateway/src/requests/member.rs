//! Members of rooms.

use schemas::commands::{AddMember, ChangeMember};
use schemas::values::{Patch, RoomRole, UserRef};
use schemas::{RoomId, Timestamp, UserId};

use crate::http::shape;

shape! {
    /// A user to add to a room.
    NewMember {
        /// A user id or `@username`.
        user: UserRef,
        /// The user's role in the room. Defaults to `member`.
        role: Option<RoomRole>,
    }
    /// Changes to a membership. Absent fields stay as they are; null lifts a mute.
    MemberChanges {
        /// What the member may do in the room.
        role: Option<RoomRole>,
        /// Until then the member may only read.
        #[schemars(with = "Option<Timestamp>")]
        muted_until: Patch<Timestamp>,
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
        ChangeMember { room_id, user_id, role, muted_until }
    }
}
