//! Notifications: the entries of users' inboxes.
//!
//! An entry that was taken back stays as a tombstone (`removed`), so that resume can tell of it and the same message does
//! not make a second one. Whether an entry is read is settled when it is asked for: see [`NotificationDoc::read`].

use async_trait::async_trait;
use schemas::ids::{MessageId, NotificationId, RoomId, UserId};
use schemas::position::Sequence;
use schemas::time::Timestamp;
use schemas::values::NotificationKind;
use serde::{Deserialize, Serialize};

use crate::answers::{Answer, Changes, Slice};

/// An inbox entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NotificationDoc {
    /// The entry's id.
    pub id: NotificationId,
    /// The user in whose inbox it is.
    pub user_id: UserId,
    /// Why it exists.
    pub kind: NotificationKind,
    /// The heading of a message from an admin; other kinds are put into words when they are read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The text of a message from an admin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The user whose action led to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor_id: Option<UserId>,
    /// Of a welcome: whether it greets a login rather than a registration.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub login: bool,
    /// The room it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_id: Option<RoomId>,
    /// The message it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
    /// The thread its message belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_root_id: Option<MessageId>,
    /// The event that posted its message; 0 for none.
    pub posted: Sequence,
    /// The event that led to it; 0 for none.
    pub caused: Sequence,
    /// Whether it was taken back. Only [`NotificationReads::notification_about`] and changes show such an entry.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub removed: bool,
    /// Whether it was read. Queries answer with the truth; the stored document only knows of entries
    /// read one by one ([`InboxDoc::read_all`](super::InboxDoc::read_all) covers the others without a write to each).
    pub read: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// The event that made it.
    pub created: Sequence,
    /// The last event about this entry alone.
    pub updated: Sequence,
}

/// How far a user has read a room or a thread: which entries are read by it.
#[derive(Debug, Clone, Copy)]
pub struct Reached<'a> {
    /// The thread that was read; none for the main timeline.
    pub thread: Option<&'a MessageId>,
    /// The message read up to, if there is one.
    pub message: Option<&'a MessageId>,
    /// Where it was posted.
    pub posted: Sequence,
}

impl Reached<'_> {
    /// Whether an entry about a message lies before: the message is in what was read and not later, or it is the
    /// very message. The main timeline says nothing of a thread but of the answer itself.
    #[must_use]
    pub fn covers(
        &self,
        message: Option<&MessageId>,
        thread: Option<&MessageId>,
        posted: Sequence,
    ) -> bool {
        let before = self.thread == thread && posted <= self.posted;
        before || (message.is_some() && message == self.message)
    }
}

/// What can be asked about inbox entries.
#[async_trait]
pub trait NotificationReads: Send + Sync {
    /// One entry of a user's inbox; none when it is another user's or was taken back.
    async fn notification(
        &self,
        user: &UserId,
        id: &NotificationId,
    ) -> Answer<Option<NotificationDoc>>;
    /// A user's inbox, newest first; goes on before the `created` of the last entry seen.
    async fn notifications(
        &self,
        user: &UserId,
        unread_only: bool,
        before: Option<Sequence>,
        limit: usize,
    ) -> Answer<Slice<NotificationDoc>>;
    /// The entry a user got about a message, also one that was taken back.
    async fn notification_about(
        &self,
        user: &UserId,
        message: &MessageId,
    ) -> Answer<Option<NotificationDoc>>;
    /// The users who have an entry about a message; at most [`MAX_ITEMS`](crate::MAX_ITEMS).
    async fn people_told_of(&self, message: &MessageId) -> Answer<Vec<UserId>>;
    /// A user's unread entries about a room, oldest first; at most [`MAX_ITEMS`](crate::MAX_ITEMS).
    async fn unread_about_room(&self, user: &UserId, room: &RoomId)
    -> Answer<Vec<NotificationDoc>>;
    /// The rooms a user has unread entries about; at most [`MAX_MEMBERSHIPS`](crate::MAX_MEMBERSHIPS).
    async fn rooms_with_unread(&self, user: &UserId) -> Answer<Vec<RoomId>>;
    /// Entries that were made, read one by one, or taken back after a sequence. Reading all at once shows in
    /// [`InboxReads::inbox`](super::InboxReads::inbox) (`read_all` > the sequence), not here.
    async fn notification_changes(
        &self,
        user: &UserId,
        after: Sequence,
        limit: usize,
    ) -> Answer<Changes<NotificationDoc>>;
}
