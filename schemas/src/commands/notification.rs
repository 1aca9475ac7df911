//! Notifications.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{NOTIFY, commands};
use crate::ids::NotificationId;
use crate::values::{Notice, Title, UserRef};

commands! {
    /// Marks notifications of the caller as read.
    NOTIFY / "mark_notifications_read": MarkNotificationsRead -> () {
        /// The notification; every one when absent.
        notification_id: Option<NotificationId>,
    }
    /// An admin writes to inboxes. With `everyone` the answer names no entries: there may be very many.
    NOTIFY / "send_notification": SendNotification -> Vec<NotificationId> {
        /// The users who get it; at most 100. None with `everyone`.
        users: Vec<UserRef>,
        /// Whether every account gets it. A gateway of before says nothing of it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        everyone: bool,
        /// One line; at most 200 characters.
        #[serde(deserialize_with = "crate::text::strict")]
        title: Title,
        /// The text; at most 4,000 characters.
        #[serde(deserialize_with = "crate::text::strict")]
        body: Notice,
    }
}
