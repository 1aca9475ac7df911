//! Notifications: what waits in inboxes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::family;
use crate::ids::{MessageId, NotificationId, RoomId, UserId};
use crate::position::Sequence;
use crate::time::Timestamp;
use crate::values::NotificationKind;

/// An entry was added to an inbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NotificationCreated {
    /// The entry's id.
    pub notification_id: NotificationId,
    /// The user whose inbox it is in.
    pub user_id: UserId,
    /// What it is about.
    pub kind: NotificationKind,
    /// One line, of what an admin wrote. Other kinds say only who caused it and what it is about: names are put
    /// in when it is read, so that an inbox holds no name of another user.
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
    /// When it was created.
    pub created_at: Timestamp,
    /// The user who caused it: who wrote, mentioned or invited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor_id: Option<UserId>,
    /// The thread its message belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_root_id: Option<MessageId>,
    /// Where its message was posted; 0 for none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub posted: Sequence,
    /// Where the event is that led to it: the post, or the edit that mentioned the user; 0 for none.
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

/// An inbox entry was removed: its message was deleted, or does not mention the user any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NotificationRemoved {
    /// The user whose inbox it was in.
    pub user_id: UserId,
    /// The entry that was removed.
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
    /// The user whose inbox it is.
    pub user_id: UserId,
    /// The entry that was read; none means every entry created before this event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification_id: Option<NotificationId>,
}

family! {
    /// What happens to notifications.
    NotificationEvent {
        Created(NotificationCreated) = "notification.created.v1", |d| d.notification_id;
        Read(NotificationsRead) = "notification.read.v1", |d| d.user_id;
        Removed(NotificationRemoved) = "notification.removed.v1", |d| d.notification_id;
    }
}
