//! Rooms.

use schemas::RoomId;
use schemas::commands::{ChangeRoom, CreateRoom, OpenDirect};
use schemas::values::{Patch, Posting, RoomKind, RoomName, Topic, UserRef, Visibility};

use crate::http::{Kept, changes, shape};

shape! {
    /// A new group or channel.
    NewRoom {
        /// `group` or `channel`.
        kind: RoomKind,
        /// The room's name, 1 to 100 characters; unique among channels, ignoring case and compatible forms.
        name: RoomName,
        /// What the room is about; at most 1,000 characters. An empty text is as good as none.
        topic: Option<Topic>,
        /// Defaults to private for groups and public for channels.
        visibility: Option<Visibility>,
        /// The first members: user ids or `@username`; at most 500.
        members: Option<Vec<UserRef>>,
    }
    /// A direct conversation.
    NewDirect {
        /// The other users: user ids or `@username`; at most 19. An empty list opens the caller's own notes.
        members: Vec<UserRef>,
    }
}

changes! {
    /// Changes to a room. Absent fields stay as they are; null clears an optional field, and makes the rules for writing
    /// those of a new room.
    RoomChanges {
        /// The room's name. Null is refused: a room keeps one.
        name: Kept<RoomName>,
        /// What the room is about. Null or an empty text clears it.
        #[schemars(with = "Option<Topic>")]
        topic: Patch<Topic>,
        /// Who may find and join it. Owners only.
        visibility: Kept<Visibility>,
        /// Days after which messages move to the archive, 1 to 36,500, and no more than the installation's; null for the
        /// installation's. An archived message is read, found, answered and deleted as before, and not edited any more.
        /// Owners only.
        #[schemars(with = "Option<u32>", range(min = 1, max = 36_500))]
        retention_days: Patch<u32>,
        /// Who may write in the main timeline: `everyone` or `admins`. Under `admins` other members answer in threads
        /// and react.
        #[schemars(with = "Option<Posting>")]
        posting: Patch<Posting>,
        /// Seconds that must lie between two messages of a member who is no admin, thread answers included: 0 to
        /// 21,600; 0 or null for no limit.
        #[schemars(with = "Option<u32>", range(min = 0, max = 21_600))]
        slow_mode_seconds: Patch<u32>,
        /// `true` makes the room read-only, `false` restores it. Restoring answers 409 when another channel has taken
        /// its name, so a new name may be given at the same time.
        archived: Kept<bool>,
    }
}

impl NewRoom {
    pub(crate) fn command(self) -> CreateRoom {
        let Self { kind, name, topic, visibility, members } = self;
        CreateRoom { kind, name, topic, visibility, members: members.unwrap_or_default() }
    }
}

impl NewDirect {
    pub(crate) fn command(self) -> OpenDirect {
        OpenDirect { members: self.members }
    }
}

impl RoomChanges {
    pub(crate) fn command(self, room_id: RoomId) -> ChangeRoom {
        let Self { name, topic, visibility, retention_days, posting, slow_mode_seconds, archived } =
            self;
        ChangeRoom {
            room_id,
            name: name.0,
            topic,
            visibility: visibility.0,
            retention_days,
            posting: posting.or_default(),
            slow_mode_seconds: slow_mode_seconds.or_default(),
            archived: archived.0,
        }
    }
}
