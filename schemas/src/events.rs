//! What happened: one struct per event type, in the past tense.
//!
//! Events on small lanes (user, room, member, names) carry the entity's whole small state after them,
//! so that the last message of a lane is all a decision needs. Secrets are never in an event.
//! A struct here is a wire format that is kept for ever: fields may be added with `#[serde(default)]`,
//! anything else is a new version with its own golden file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{MediaId, MessageId, NotificationId, RoomId, SessionId, UserId};
use crate::position::Sequence;
use crate::time::Timestamp;
use crate::values::{
    Bio, Body, ClientId, DisplayName, Email, Format, NotificationKind, Role, RoomKind, RoomMention,
    RoomName, RoomRole, Topic, Username, Visibility,
};

/// An account after an event on its lane.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UserState {
    /// Who.
    pub id: UserId,
    /// The unique name.
    pub username: Username,
    /// The name shown to people.
    pub display_name: DisplayName,
    /// The unique address; personal data, seen only by its owner and admins.
    pub email: Email,
    /// Whether the owner has shown that he reads mail sent there.
    pub email_verified: bool,
    /// What the account may do everywhere.
    pub role: Role,
    /// A suspended account cannot log in or act.
    pub suspended: bool,
    /// What the person says of himself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bio: Option<Bio>,
    /// The picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar_media_id: Option<MediaId>,
    /// Client settings, not interpreted by the server: [`crate::Settings`], whose limits held when they were set.
    #[serde(default)]
    pub settings: serde_json::Map<String, serde_json::Value>,
    /// When the account was registered.
    pub created_at: Timestamp,
}

/// A room after an event on its lane.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RoomState {
    /// Which.
    pub id: RoomId,
    /// Its kind.
    pub kind: RoomKind,
    /// Its name; none for direct rooms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<RoomName>,
    /// Its topic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<Topic>,
    /// Who may find and join it.
    pub visibility: Visibility,
    /// Every registered user belongs to it without an event of his own (the `general` room).
    #[serde(default)]
    pub everyone: bool,
    /// Read-only, until it is restored.
    #[serde(default)]
    pub archived: bool,
    /// Owners, so that "the last owner stays" is decided by one lane.
    #[serde(default)]
    pub owners: Vec<UserId>,
    /// The fixed members of a direct room; empty for the other kinds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub direct_members: Vec<UserId>,
    /// Days after which messages move to the archive; none keeps them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_days: Option<u32>,
    /// Who made it; none for rooms the system made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<UserId>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A membership after an event on its lane.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MemberState {
    /// Where.
    pub room_id: RoomId,
    /// Who.
    pub user_id: UserId,
    /// What he may do there.
    pub role: RoomRole,
    /// Whether he belongs to the room now; a lane's last event may say that he has gone.
    pub present: bool,
    /// May read but not write until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub muted_until: Option<Timestamp>,
    /// May not come back until unbanned.
    #[serde(default)]
    pub banned: bool,
    /// When the present stay began.
    pub joined_at: Timestamp,
}

/// A message's content after it was posted or edited.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessageState {
    /// Which.
    pub id: MessageId,
    /// Where.
    pub room_id: RoomId,
    /// Who wrote it.
    pub sender_id: UserId,
    /// What the sender's client called it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// The text.
    pub body: Body,
    /// How to read it.
    #[serde(default)]
    pub format: Format,
    /// Attached files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<MediaId>,
    /// Members named in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<UserId>,
    /// Whether it calls the whole room (`@room`, written as `true`) or who is there (`"here"`).
    #[serde(default, with = "crate::choices::called", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::choices::called::schema")]
    pub mentions_room: Option<RoomMention>,
    /// The message that began the thread this one belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_root_id: Option<MessageId>,
    /// When it was posted.
    pub created_at: Timestamp,
}

/// An account came to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UserRegistered {
    /// The account.
    pub user: UserState,
}

/// A person changed his profile, username, address or settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UserProfileChanged {
    /// The account after it.
    pub user: UserState,
}

/// An admin changed an account's role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UserRoleChanged {
    /// The account after it.
    pub user: UserState,
}

/// An admin suspended an account or lifted the suspension (`user.suspended` says which).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UserSuspensionChanged {
    /// The account after it.
    pub user: UserState,
}

/// A login.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionStarted {
    /// Which session.
    pub session_id: SessionId,
    /// Whose.
    pub user_id: UserId,
}

/// A session got new tokens. Written at most once an hour a session: it says "still used", not more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionRefreshed {
    /// Which session.
    pub session_id: SessionId,
    /// Whose.
    pub user_id: UserId,
}

/// Why sessions ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionEnd {
    /// The person logged out or revoked the session.
    Logout,
    /// A used refresh token came again: somebody else has it.
    TokenReuse,
    /// The account was suspended.
    Suspended,
    /// The password changed.
    PasswordChanged,
    /// The account was deleted.
    AccountDeleted,
}

/// Sessions came to an end; their sockets close.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionsEnded {
    /// Whose.
    pub user_id: UserId,
    /// Which.
    pub session_ids: Vec<SessionId>,
    /// Why.
    pub reason: SessionEnd,
}

/// A unique name (username, address, channel name, set of people) now belongs to somebody or something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NameClaimed {
    /// The id of the user or room it belongs to.
    pub owner: String,
}

/// A unique name is free again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NameReleased {
    /// The id of the user or room it belonged to.
    pub owner: String,
}

/// A room came to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RoomCreated {
    /// The room.
    pub room: RoomState,
}

/// A room's name, topic, visibility or retention changed, or who owns it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RoomChanged {
    /// The room after it.
    pub room: RoomState,
}

/// A room became read-only, until it is restored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RoomArchived {
    /// The room after it.
    pub room: RoomState,
}

/// An archived room takes writes again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RoomRestored {
    /// The room after it.
    pub room: RoomState,
}

/// Somebody came in by himself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MemberJoined {
    /// The membership after it.
    pub member: MemberState,
}

/// Somebody was brought in by another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MemberAdded {
    /// The membership after it.
    pub member: MemberState,
}

/// Somebody left by himself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MemberLeft {
    /// The membership after it.
    pub member: MemberState,
}

/// Somebody was put out by another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MemberRemoved {
    /// The membership after it.
    pub member: MemberState,
}

/// A member's role, mute or ban changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MemberChanged {
    /// The membership after it.
    pub member: MemberState,
}

/// A message was said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessagePosted {
    /// The message.
    pub message: MessageState,
}

/// A message's text was changed by its author.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessageEdited {
    /// The message after it.
    pub message: MessageState,
    /// Where it was posted.
    pub posted: Sequence,
    /// When it was edited.
    pub edited_at: Timestamp,
}

/// A message was taken back; its number stays, its body is gone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessageDeleted {
    /// Which.
    pub message_id: MessageId,
    /// Where it was said.
    pub room_id: RoomId,
    /// Who had said it.
    pub sender_id: UserId,
    /// Where it was posted.
    pub posted: Sequence,
    /// The thread it belonged to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_root_id: Option<MessageId>,
    /// When it had been posted.
    pub created_at: Timestamp,
    /// When it was taken back.
    pub deleted_at: Timestamp,
}

/// A person has read a room up to a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReadMoved {
    /// Where.
    pub room_id: RoomId,
    /// Who.
    pub user_id: UserId,
    /// The last message read.
    pub message_id: MessageId,
    /// Where that message was posted.
    pub posted: Sequence,
}

/// An entry came into an inbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NotificationCreated {
    /// Which.
    pub notification_id: NotificationId,
    /// Whose.
    pub user_id: UserId,
    /// Why.
    pub kind: NotificationKind,
    /// One line, of what an admin wrote. Other kinds say only whose doing it was and what it is about: names are put
    /// in when it is read, so that an inbox holds no name of another person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The text, of what an admin wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The room it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_id: Option<RoomId>,
    /// The message it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
    /// When.
    pub created_at: Timestamp,
    /// Whose doing it was: who wrote, named or invited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor_id: Option<UserId>,
    /// The thread its message belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_root_id: Option<MessageId>,
    /// Where its message was posted; 0 for none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub posted: Sequence,
    /// Where the event is that led to it: the post, or the edit that named the person; 0 for none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub caused: Sequence,
    /// Of a welcome: it greets a login, not the registration.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub login: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_zero(sequence: &Sequence) -> bool {
    *sequence == 0
}

/// An inbox entry was taken back: its message was deleted, or names the person no more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NotificationRemoved {
    /// Whose.
    pub user_id: UserId,
    /// Which.
    pub notification_id: NotificationId,
    /// The room it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_id: Option<RoomId>,
    /// The message it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
}

/// Inbox entries were read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NotificationsRead {
    /// Whose.
    pub user_id: UserId,
    /// Which; none means every entry created before this event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification_id: Option<NotificationId>,
}
