//! Messages with what belongs to them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Media;
use crate::ids::{MessageId, RoomId, UserId};
use crate::position::Position;
use crate::time::Timestamp;
use crate::values::{Format, RoomMention};

/// The author of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sender {
    /// The user.
    pub id: UserId,
    /// Their unique name.
    pub username: String,
    /// The name shown.
    pub display_name: String,
}

impl Sender {
    /// Whether their account was erased: no other account can have this name.
    #[must_use]
    pub fn is_erased(&self) -> bool {
        self.username == ERASED
    }
}

/// What an erased account is called ([`crate::values::Username::deleted`]).
const ERASED: &str = "deleted";

/// The reactions of one kind to a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reaction {
    /// The emoji.
    pub emoji: String,
    /// How many users reacted with it.
    pub count: u64,
    /// The first of them, at most 20.
    pub users: Vec<UserId>,
    /// Whether the reader is one of them. Reads only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub me: Option<bool>,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Message {
    /// The message's id.
    pub id: MessageId,
    /// The room.
    pub room_id: RoomId,
    /// Its place in the room, from 1 without holes. Null in the answer to a write and in live frames.
    pub number: Option<u64>,
    /// The author.
    pub sender: Sender,
    /// What the sender's client called it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The text; empty when deleted.
    pub body: String,
    /// How the text is to be read.
    pub format: Format,
    /// Attached files.
    pub attachments: Vec<Media>,
    /// Members named in it.
    pub mentions: Vec<UserId>,
    /// Whether it calls the whole room (`@room`) or the members who are connected (`@here`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mentions_room: Option<RoomMention>,
    /// The message that began its thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_root_id: Option<MessageId>,
    /// Answers in the thread it began. Null in a live frame that does not know (an edit).
    pub reply_count: Option<u64>,
    /// When the newest of them was posted. Left out where there is none, and in a live frame that does not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_reply_at: Option<Timestamp>,
    /// Reactions to it. Null in a live frame that does not know (an edit).
    pub reactions: Option<Vec<Reaction>>,
    /// Whether it is pinned in its room. Null in a live frame that does not know (an edit).
    pub pinned: Option<bool>,
    /// When it was posted.
    pub created_at: Timestamp,
    /// When it was last edited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<Timestamp>,
    /// When it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    /// Where it was posted in the log.
    pub position: Position,
}

/// A reaction that was added or taken back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReactionChange {
    /// The message.
    pub message_id: MessageId,
    /// The user whose reaction it is.
    pub user_id: UserId,
    /// The emoji, fully qualified.
    pub emoji: String,
}

/// A message that was pinned or unpinned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PinChange {
    /// The message.
    pub message_id: MessageId,
    /// The user who pinned or unpinned it.
    pub user_id: UserId,
}

/// A text that a message has or once had.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessageText {
    /// The text.
    pub body: String,
    /// When the message got this text: when it was posted, or edited.
    pub edited_at: Timestamp,
}
