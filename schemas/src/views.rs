//! The documents clients are given. What they contain is fixed by the API contract; fields may be added.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{MediaId, MessageId, NotificationId, RoomId, SessionId, UserId};
use crate::position::Position;
use crate::time::Timestamp;
use crate::values::{
    Format, NotificationKind, Role, RoomKind, RoomMention, RoomRole, Secret, Visibility,
};

/// A person as everybody sees him.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct User {
    /// Who.
    pub id: UserId,
    /// The unique name.
    pub username: String,
    /// The name shown.
    pub display_name: String,
    /// Where the picture is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<String>,
    /// What he says of himself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bio: Option<String>,
    /// What he may do everywhere.
    pub role: Role,
    /// When he registered.
    pub created_at: Timestamp,
}

/// A person as he sees himself, and as admins see him.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Account {
    /// The public part.
    #[serde(flatten)]
    pub user: User,
    /// The address.
    pub email: String,
    /// Whether he has shown that he reads mail sent there.
    pub email_verified: bool,
    /// Whether he is kept from logging in.
    pub suspended: bool,
    /// Client settings.
    pub settings: serde_json::Map<String, serde_json::Value>,
}

/// What a login or a refresh gives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionTokens {
    /// The session.
    pub session_id: SessionId,
    /// For the `Authorization` header, for a short time.
    pub access_token: Secret,
    /// Always `Bearer`.
    pub token_type: String,
    /// Seconds the access token is good for.
    pub expires_in: u32,
    /// For one refresh.
    pub refresh_token: Secret,
    /// Who logged in.
    pub user: Account,
}

/// One of the caller's logins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Session {
    /// Which.
    pub session_id: SessionId,
    /// When it began.
    pub created_at: Timestamp,
    /// When it last got tokens.
    pub last_used_at: Timestamp,
    /// What the client called itself at login.
    pub user_agent: Option<String>,
    /// Where the login came from.
    pub ip: Option<String>,
    /// Whether it is the one asking.
    pub current: bool,
}

/// Who sent a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sender {
    /// Who.
    pub id: UserId,
    /// His unique name.
    pub username: String,
    /// The name shown.
    pub display_name: String,
}

/// The reactions of one kind to a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reaction {
    /// Which.
    pub emoji: String,
    /// How many people.
    pub count: u64,
    /// Who, at most 20.
    pub users: Vec<UserId>,
    /// Whether the reader is one of them; reads only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub me: Option<bool>,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Message {
    /// Which.
    pub id: MessageId,
    /// Where.
    pub room_id: RoomId,
    /// Its place in the room, from 1 without holes. Null in the answer to a write and in live frames.
    pub number: Option<u64>,
    /// Who wrote it.
    pub sender: Sender,
    /// What the sender's client called it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The text; empty when deleted.
    pub body: String,
    /// How to read it.
    pub format: Format,
    /// Attached files.
    pub attachments: Vec<MediaId>,
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
    /// Reactions to it. Null in a live frame that does not know (an edit).
    pub reactions: Option<Vec<Reaction>>,
    /// Whether it is pinned in its room. Null in a live frame that does not know (an edit).
    pub pinned: Option<bool>,
    /// When it was posted.
    pub created_at: Timestamp,
    /// When it was last edited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<Timestamp>,
    /// When it was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    /// Where it was posted in the log.
    pub position: Position,
}

/// The reader's own relation to a room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Membership {
    /// What he may do there.
    pub role: RoomRole,
    /// Since when.
    pub joined_at: Timestamp,
    /// Messages of the main timeline after their read marker, by others, that were not deleted.
    pub unread_count: u64,
    /// Of those, the ones that name them or the whole room.
    pub mention_count: u64,
    /// How far he has read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_read_message_id: Option<MessageId>,
    /// Whether he may only read at the moment.
    pub muted: bool,
    /// Until when they may only read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub muted_until: Option<Timestamp>,
}

/// A room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Room {
    /// Which.
    pub id: RoomId,
    /// Its kind.
    pub kind: RoomKind,
    /// Its name; none for direct rooms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its topic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Who may find and join it.
    pub visibility: Visibility,
    /// When it was made.
    pub created_at: Timestamp,
    /// People in it. Null in live frames, which do not know.
    pub member_count: Option<u64>,
    /// Messages ever posted in it. Null in live frames.
    pub message_count: Option<u64>,
    /// The newest message of the main timeline that was not deleted. Reads only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_message: Option<Message>,
    /// The reader's own relation to it, when he is in it. Reads only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub membership: Option<Membership>,
    /// Days after which messages move to the archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_days: Option<u32>,
    /// Whether it is read-only for ever.
    pub archived: bool,
}

/// A person in a room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Member {
    /// Who.
    pub user_id: UserId,
    /// The same with his name.
    pub user: User,
    /// What he may do there.
    pub role: RoomRole,
    /// Since when.
    pub joined_at: Timestamp,
    /// May only read until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub muted_until: Option<Timestamp>,
}

/// A read marker: who has read a room how far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReadMarker {
    /// Who.
    pub user_id: UserId,
    /// The last message read.
    pub message_id: MessageId,
}

/// An inbox entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Notification {
    /// Which.
    pub id: NotificationId,
    /// Why it exists.
    pub kind: NotificationKind,
    /// One line.
    pub title: String,
    /// The text.
    pub body: String,
    /// Whose doing it was: who wrote or named the reader.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<User>,
    /// The room it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_id: Option<RoomId>,
    /// The message it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
    /// Whether it was read.
    pub read: bool,
    /// When it came.
    pub created_at: Timestamp,
}

/// What waits for a person altogether: the number on a client's badge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct UnreadSummary {
    /// Rooms with something unread.
    pub rooms: u64,
    /// Unread messages in them.
    pub unread_count: u64,
    /// Of those, the ones that name the person or the whole room.
    pub mention_count: u64,
    /// Threads with something unread.
    pub threads: u64,
    /// Unread notifications.
    pub notifications: u64,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Page<T> {
    /// What is on the page.
    pub items: Vec<T>,
    /// Hand this back as `cursor` for the next page; null on the last one.
    pub next_cursor: Option<String>,
}
