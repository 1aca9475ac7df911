//! The names of what sockets are told, in one table: for what is told when it happens and for what is told in a resume.

use serde::{Serialize, Serializer};

/// `Name = "as it is on the wire";`
macro_rules! frame_names {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// The name of an event as clients are told of it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub(crate) enum FrameName {
            $($(#[$doc])* $name,)*
        }

        impl FrameName {
            /// Every name.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The name on the wire.
            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

frame_names! {
    MessagePosted = "message.posted";
    MessageEdited = "message.edited";
    MessageDeleted = "message.deleted";
    /// In a resume only: a message as it is now, whole.
    MessageChanged = "message.changed";
    ReactionAdded = "reaction.added";
    ReactionRemoved = "reaction.removed";
    MessagePinned = "message.pinned";
    MessageUnpinned = "message.unpinned";
    ReadMoved = "read.moved";
    ThreadRead = "thread.read";
    ThreadFollowed = "thread.followed";
    ThreadUnfollowed = "thread.unfollowed";
    MemberJoined = "member.joined";
    MemberLeft = "member.left";
    MemberChanged = "member.changed";
    RoomCreated = "room.created";
    RoomChanged = "room.changed";
    RoomArchived = "room.archived";
    RoomRestored = "room.restored";
    NotificationCreated = "notification.created";
    NotificationRead = "notification.read";
    NotificationRemoved = "notification.removed";
    UserChanged = "user.changed";
    /// To its owner alone: a file is stored, or removed.
    MediaChanged = "media.changed";
    /// To the member alone: their own settings of a room.
    MembershipChanged = "membership.changed";
    /// No event: what a client holds of a room may have holes.
    Reload = "reload";
    /// No event: what a client holds may have holes anywhere.
    Reset = "reset";
}

impl Serialize for FrameName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
