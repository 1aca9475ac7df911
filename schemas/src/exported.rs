//! What is in the zip file of an export: the documents of its JSON files, each of which is published as a JSON Schema
//! under `export.<name>`. They are API: fields may be added, nothing else.
//!
//! `index.json` lists the others. Lists are in files of a bounded size, `<name>-0001.json` and so on, each an
//! [`ExportPart`]. The person's own media are in the folder `media`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{ExportId, MediaId, MessageId, NotificationId, RoomId, UserId};
use crate::media::{ContentType, Filename};
use crate::position::{Position, Sequence};
use crate::time::Timestamp;
use crate::values::{
    Emoji, Format, NotificationKind, Notify, RoomKind, RoomMention, RoomRole, Visibility,
};

/// `index.json`: what the file holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExportIndex {
    /// The export.
    pub export_id: ExportId,
    /// The person whose data it holds.
    pub user_id: UserId,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When it began to be made.
    pub made_at: Timestamp,
    /// The place of the log that it was made at: what happened later may be missing.
    pub position: Position,
    /// The JSON files.
    pub files: Vec<ExportedList>,
    /// Events that could not be read, as they are damaged or of a newer build; what they say is missing.
    pub unreadable: u64,
}

/// A JSON file of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExportedList {
    /// Its path.
    pub path: String,
    /// The name of its JSON Schema, which is at `/schemas/<name>.json`.
    pub schema: String,
    /// How many items are in it.
    pub items: u64,
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExportPart<T> {
    /// What is in it.
    pub items: Vec<T>,
}

/// A room that the person is in, or was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExportedRoom {
    /// The room's id.
    pub id: RoomId,
    /// What kind of room it is.
    pub kind: RoomKind,
    /// Its present name, where the person may know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is about, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Who may find it.
    pub visibility: Visibility,
    /// The members of a direct room.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub direct_members: Vec<ExportedPerson>,
    /// Whether the person is in it now.
    pub present: bool,
    /// Their role, or the one they had.
    pub role: RoomRole,
    /// When their stay began, or their last one.
    pub joined_at: Timestamp,
    /// Until when they may not post.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub muted_until: Option<Timestamp>,
    /// Whether they are banned from it.
    pub banned: bool,
    /// Of which messages they want to be notified.
    pub notify: Notify,
    /// Whether it stands first in their list.
    pub pinned: bool,
    /// The last message they have read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_up_to: Option<MessageId>,
}

/// Another user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExportedPerson {
    /// The user.
    pub id: UserId,
    /// Their unique name.
    pub username: String,
}

/// A message that the person wrote and did not delete.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExportedMessage {
    /// The message's id.
    pub id: MessageId,
    /// The room it was posted in.
    pub room_id: RoomId,
    /// The message that began its thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_root_id: Option<MessageId>,
    /// The text.
    pub body: String,
    /// How clients render the text.
    pub format: Format,
    /// The media attached to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<MediaId>,
    /// Members named in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<UserId>,
    /// Whether it calls the whole room, or those who are connected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mentions_room: Option<RoomMention>,
    /// When it was posted.
    pub created_at: Timestamp,
    /// When it was last edited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<Timestamp>,
    /// The texts it had before, as far as they are kept, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former: Vec<ExportedText>,
}

/// A text that a message had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExportedText {
    /// The text.
    pub body: String,
    /// Since when it had it.
    pub since: Timestamp,
}

/// A reaction of the person that stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExportedReaction {
    /// The message.
    pub message_id: MessageId,
    /// Its room.
    pub room_id: RoomId,
    /// The emoji.
    pub emoji: Emoji,
    /// When the person reacted.
    pub reacted_at: Timestamp,
}

/// An entry of the person's inbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExportedNotification {
    /// The entry's id.
    pub id: NotificationId,
    /// Why it exists.
    pub kind: NotificationKind,
    /// The heading of a message from an admin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The text of a message from an admin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The user whose action led to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor_id: Option<UserId>,
    /// The room it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_id: Option<RoomId>,
    /// The message it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
    /// Whether it was read.
    pub read: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A file that the person uploaded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExportedMedia {
    /// The medium's id.
    pub id: MediaId,
    /// What it is called.
    pub filename: Filename,
    /// Its media type.
    pub content_type: ContentType,
    /// Bytes.
    pub size: u64,
    /// When its upload was asked for.
    pub created_at: Timestamp,
    /// Whether it is the person's profile picture.
    pub avatar: bool,
    /// The messages it is attached to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<MessageId>,
    /// Where it is in this file; none for one whose upload was not completed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// Something that happened to the person's account and to what is theirs alone: logins, changes of the profile, codes,
/// blocks, settings of rooms, threads they follow, invitations, reports, files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExportedEvent {
    /// Its place in the log.
    pub position: Sequence,
    /// When it happened.
    pub time: Timestamp,
    /// What happened, like `session.started.v1`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it says: as in the JSON Schema `event.<type>`, without what is another person's.
    pub data: serde_json::Value,
}

/// A request that was made with one of the person's sessions and is still logged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExportedRequest {
    /// When it was answered.
    pub time: Timestamp,
    /// The HTTP method.
    pub method: String,
    /// The template of the path.
    pub path: String,
    /// The HTTP status.
    pub status: u16,
    /// The address it came from.
    pub ip: String,
}
