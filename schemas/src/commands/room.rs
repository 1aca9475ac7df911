//! Rooms: creating, finding and changing them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CHAT, commands};
use crate::events::RoomState;
use crate::ids::RoomId;
use crate::values::{Patch, Posting, RoomKind, RoomName, Topic, UserRef, Visibility};

/// A room after a command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RoomOutcome {
    /// The room's state in the log.
    pub room: RoomState,
    /// Whether the command created it.
    pub created: bool,
}

commands! {
    /// Creates a group or channel.
    CHAT / "create_room": CreateRoom -> RoomOutcome {
        /// Group or channel.
        kind: RoomKind,
        /// Its name; unique among channels.
        #[serde(deserialize_with = "crate::text::strict")]
        name: RoomName,
        /// What the room is about.
        #[serde(default, deserialize_with = "crate::text::strict")]
        topic: Option<Topic>,
        /// Who may find and join it; private for groups and public for channels when absent.
        visibility: Option<Visibility>,
        /// The members added besides the caller; at most 500.
        members: Vec<UserRef>,
    }
    /// Finds or creates the direct room of the caller and some others.
    CHAT / "open_direct": OpenDirect -> RoomOutcome {
        /// The others; at most 19. Naming none, or the caller alone, opens the caller's notes.
        members: Vec<UserRef>,
    }
    /// Changes a room. A field that is absent (or `Keep`) stays; `Clear` empties an optional one.
    CHAT / "change_room": ChangeRoom -> RoomOutcome {
        /// The room.
        room_id: RoomId,
        /// Its name.
        #[serde(default, deserialize_with = "crate::text::strict")]
        name: Option<RoomName>,
        /// What the room is about.
        #[serde(default, deserialize_with = "crate::text::strict")]
        topic: Patch<Topic>,
        /// Who may find and join it.
        visibility: Option<Visibility>,
        /// Days after which messages move to the archive; 1 to 36,500.
        retention_days: Patch<u32>,
        /// Who may write in the main timeline.
        #[serde(default)]
        posting: Option<Posting>,
        /// Seconds between two messages of a member who is no admin; 0 to 21,600.
        #[serde(default)]
        slow_mode_seconds: Option<u32>,
        /// Read-only, or no longer.
        archived: Option<bool>,
    }
    /// Makes a room read-only.
    CHAT / "archive_room": ArchiveRoom -> RoomOutcome {
        /// The room.
        room_id: RoomId,
    }
}
