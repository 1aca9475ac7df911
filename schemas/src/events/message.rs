//! Messages: what is written in rooms.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{MediaFile, family};
use crate::ids::{MediaId, MessageId, RoomId, UserId};
use crate::position::Sequence;
use crate::time::Timestamp;
use crate::values::{Body, ClientId, Format, Reason, RoomMention};

/// A message's content after it was posted or edited.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessageState {
    /// The message's id, which never changes.
    pub id: MessageId,
    /// The room it was posted in.
    pub room_id: RoomId,
    /// The author.
    pub sender_id: UserId,
    /// What the sender's client called it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// The text.
    pub body: Body,
    /// How the text is to be read.
    #[serde(default)]
    pub format: Format,
    /// Attached files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<MediaId>,
    /// The same files as clients are told of them: what is stored of a medium never changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<MediaFile>,
    /// Members named in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<UserId>,
    /// Whether it calls the whole room (`@room`, written as `true`) or the members who are connected (`"here"`).
    #[serde(default, with = "crate::choices::called", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::choices::called::schema")]
    pub mentions_room: Option<RoomMention>,
    /// The message that began the thread this one belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_root_id: Option<MessageId>,
    /// When it was posted.
    pub created_at: Timestamp,
}

/// A message was posted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessagePosted {
    /// The message as it was posted.
    pub message: MessageState,
    /// Its author did not want others to see how far they have read then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub private: bool,
}

/// A message's text was changed by its author.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessageEdited {
    /// The message after the edit.
    pub message: MessageState,
    /// Where it was posted.
    pub posted: Sequence,
    /// When it was edited.
    pub edited_at: Timestamp,
}

/// A message was deleted; its number stays, its body is gone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessageDeleted {
    /// The message that was deleted.
    pub message_id: MessageId,
    /// The room it was posted in.
    pub room_id: RoomId,
    /// Its author.
    pub sender_id: UserId,
    /// Where it was posted.
    pub posted: Sequence,
    /// The thread it belonged to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_root_id: Option<MessageId>,
    /// When it was posted.
    pub created_at: Timestamp,
    /// When it was deleted.
    pub deleted_at: Timestamp,
    /// Why a moderator deleted it: for the audit trail, told to no member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

family! {
    /// What happens to messages.
    MessageEvent {
        Posted(MessagePosted) = "message.posted.v1", |d| d.message.id;
        Edited(MessageEdited) = "message.edited.v1", |d| d.message.id;
        Deleted(MessageDeleted) = "message.deleted.v1", |d| d.message_id;
    }
}
