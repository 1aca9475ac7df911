//! Rooms and what is unread in them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Message;
use crate::ids::{MessageId, RoomId};
use crate::time::Timestamp;
use crate::values::{Notify, Posting, RoomKind, RoomRole, Visibility};

/// The reader's own membership of a room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Membership {
    /// What the member may do in the room.
    pub role: RoomRole,
    /// When the member joined.
    pub joined_at: Timestamp,
    /// Messages of the main timeline after the reader's read marker, by others, that were not deleted.
    pub unread_count: u64,
    /// Of those, the ones that mention the reader or the whole room.
    pub mention_count: u64,
    /// The last message read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_read_message_id: Option<MessageId>,
    /// Whether the reader may only read at the moment.
    pub muted: bool,
    /// The reader may only read until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub muted_until: Option<Timestamp>,
    /// Of which messages the reader wants to be notified.
    pub notify: Notify,
    /// Whether the room stands first in the reader's list.
    pub pinned: bool,
    /// Whether the room is not on the reader's list until the next message; direct rooms only.
    pub hidden: bool,
}

/// A room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Room {
    /// The room's id.
    pub id: RoomId,
    /// Whether it is a direct room, a group or a channel.
    pub kind: RoomKind,
    /// Its name; none for direct rooms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the room is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Who may find and join it.
    pub visibility: Visibility,
    /// When it was created.
    pub created_at: Timestamp,
    /// Members of it. Null in live frames, which do not know.
    pub member_count: Option<u64>,
    /// Messages ever posted in it. Null in live frames.
    pub message_count: Option<u64>,
    /// The newest message of the main timeline that was not deleted. Reads only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_message: Option<Message>,
    /// The reader's own membership, if they are a member. Reads only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub membership: Option<Membership>,
    /// Days after which messages move to the archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_days: Option<u32>,
    /// Who may write in the main timeline. Under `admins` other members answer in threads and react.
    pub posting: Posting,
    /// Seconds that must lie between two messages of a member who is no admin, thread answers included; 0 for no
    /// limit.
    pub slow_mode_seconds: u32,
    /// Whether it is read-only, until it is restored.
    pub archived: bool,
}

/// Everything unread of a user: the number on a client's badge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct UnreadSummary {
    /// Rooms with something unread.
    pub rooms: u64,
    /// Unread messages in them.
    pub unread_count: u64,
    /// Of those, the ones that mention the user or the whole room.
    pub mention_count: u64,
    /// Threads with something unread.
    pub threads: u64,
    /// Unread notifications.
    pub notifications: u64,
}
