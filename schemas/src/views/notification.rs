//! Notifications.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::User;
use crate::ids::{MessageId, NotificationId, RoomId};
use crate::time::Timestamp;
use crate::values::NotificationKind;

/// An inbox entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Notification {
    /// The notification's id.
    pub id: NotificationId,
    /// What it is about.
    pub kind: NotificationKind,
    /// One line of text.
    pub title: String,
    /// The text.
    pub body: String,
    /// The user who caused it: the author of the message, or who mentioned the reader.
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
    /// When it was created.
    pub created_at: Timestamp,
}
