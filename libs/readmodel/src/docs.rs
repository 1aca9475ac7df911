//! The documents of the read model: one type per collection, the same in every backend.
//!
//! A document is a function of the log up to a position. `updated` is the sequence of the last event
//! that changed anything in it; where clients need to know when the thing itself changed (and not a
//! count beside it), `changed` says so. Documents name people and rooms by id; names are resolved by
//! whoever shows them.

use std::sync::Arc;

use schemas::events::{RoomState, UserState};
use schemas::ids::{MediaId, MessageId, NotificationId, RoomId, UserId};
use schemas::position::Sequence;
use schemas::time::Timestamp;
use schemas::values::{ClientId, Format, NotificationKind, RoomMention, RoomRole};
use serde::{Deserialize, Serialize};

/// A person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UserDoc {
    /// The account after its last event. Holds the e-mail address: show it only to its owner and admins.
    pub state: UserState,
    /// Where the account came into the log.
    pub registered: Sequence,
    /// The last event that changed the account.
    pub updated: Sequence,
}

/// A room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoomDoc {
    /// The room after its last event.
    pub state: RoomState,
    /// Whether the room's creation has been projected. False only while events about it have come
    /// first (inside one atomic batch); such a room is found by nobody.
    pub created: bool,
    /// People in it; for a room of everyone: registered people.
    pub member_count: u64,
    /// The number of the newest message, which is also how many were ever posted; 0 for none.
    pub last_number: u64,
    /// How many messages were ever posted in the main timeline, that is, not as thread answers.
    pub main_number: u64,
    /// The newest message of the main timeline, which may have been deleted since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_message_id: Option<MessageId>,
    /// The number of that message among all messages of the room; 0 for none.
    pub last_message_number: u64,
    /// The newest message of the main timeline, or the room's creation: what room lists are ordered by.
    pub last_activity: Sequence,
    /// No message of the main timeline after this main number was ever deleted. Spares counting.
    pub deleted_up_to: u64,
    /// No message of the main timeline after this main number ever named a member or the room. Spares
    /// counting.
    pub named_up_to: u64,
    /// The last event of the room's own lane (created, changed, archived).
    pub changed: Sequence,
    /// The last event that changed anything here, counts included.
    pub updated: Sequence,
}

impl RoomDoc {
    /// How many messages were ever posted in the room.
    #[must_use]
    pub const fn message_count(&self) -> u64 {
        self.last_number
    }
}

/// A person's relation to a room. It stays, as a tombstone with `present` false, when he goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MembershipDoc {
    /// Where.
    pub room_id: RoomId,
    /// Who.
    pub user_id: UserId,
    /// What he may do there.
    pub role: RoomRole,
    /// Whether he is in the room.
    pub present: bool,
    /// May not come back until unbanned.
    #[serde(default)]
    pub banned: bool,
    /// May only read until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub muted_until: Option<Timestamp>,
    /// When the present stay began.
    pub joined_at: Timestamp,
    /// The event with which the present stay began (for a tombstone: the last one).
    pub joined: Sequence,
    /// There was an earlier stay, or a ban, before the present one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub returned: bool,
    /// The number of the last message read. Posting in the main timeline moves it too: who writes has
    /// read.
    pub marker_number: u64,
    /// The main number of that message: what comes after it in the main timeline is unread.
    pub marker_main: u64,
    /// Whether the marker was moved in the present stay. Until then it stands where the stay began, which
    /// says nothing about what the person has read.
    pub marker_moved: bool,
    /// The last message read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marker_message_id: Option<MessageId>,
    /// The last event that moved the marker in the present stay, a post of the person's included; 0 for none.
    pub marker_at: Sequence,
    /// The last `read.moved` that moved the marker; 0 for none.
    pub marker_updated: Sequence,
    /// The last event about the membership itself (joined, left, role, mute, ban).
    pub changed: Sequence,
    /// The last event that changed anything here, the marker included.
    pub updated: Sequence,
}

/// A message. A deleted one keeps its place and number and loses its content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MessageDoc {
    /// Which.
    pub id: MessageId,
    /// Where.
    pub room_id: RoomId,
    /// Its place in the room: 1, 2, 3 and so on, in log order, without holes.
    pub number: u64,
    /// Its place in the main timeline, counted in the same way. For a thread answer: the place of the message of
    /// the main timeline that was the newest then, 0 for none.
    pub main_number: u64,
    /// Who wrote it.
    pub sender_id: UserId,
    /// What the sender's client called it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// The text; empty when deleted.
    pub body: String,
    /// How to read it.
    pub format: Format,
    /// Attached files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<MediaId>,
    /// Members named in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<UserId>,
    /// Whether it calls the whole room, which counts for each member, or who is there, which does not.
    #[serde(default, with = "schemas::values::called", skip_serializing_if = "Option::is_none")]
    pub mentions_room: Option<RoomMention>,
    /// The message that began its thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_root_id: Option<MessageId>,
    /// Answers in the thread it began that were not deleted.
    #[serde(default)]
    pub reply_count: u64,
    /// When it was posted.
    pub created_at: Timestamp,
    /// When it was last edited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<Timestamp>,
    /// When it was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    /// Where it was posted in the log.
    pub posted: Sequence,
    /// The last event about the message itself (posted, edited, deleted).
    pub changed: Sequence,
    /// The last event that changed what stands beside the message (its count of replies); 0 for none.
    #[serde(default)]
    pub beside: Sequence,
    /// The last event that changed anything here, the count of replies included.
    pub updated: Sequence,
}

/// An inbox entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NotificationDoc {
    /// Which.
    pub id: NotificationId,
    /// Whose.
    pub user_id: UserId,
    /// Why it exists.
    pub kind: NotificationKind,
    /// One line, of what an admin wrote; other kinds are put into words when they are read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The text, of what an admin wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Whose doing it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor_id: Option<UserId>,
    /// Of a welcome: it greets a login.
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
    /// Where its message was posted; 0 for none.
    pub posted: Sequence,
    /// Where the event is that led to it; 0 for none.
    pub caused: Sequence,
    /// Whether it was taken back. It stays as a tombstone that only [`crate::ReadStore::notification_about`] and
    /// changes show.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub removed: bool,
    /// Whether it was read. Queries answer with the truth; the stored document only knows of entries
    /// read one by one ([`InboxDoc::read_all`] covers the others without a write to each).
    pub read: bool,
    /// When it came.
    pub created_at: Timestamp,
    /// Where it came into the log.
    pub created: Sequence,
    /// The last event that changed it by itself.
    pub updated: Sequence,
}

/// What is true of a person's inbox as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InboxDoc {
    /// Whose.
    pub user_id: UserId,
    /// Everything created up to here was read at one stroke, by the event at this sequence; 0 for never.
    pub read_all: Sequence,
    /// Entries not read.
    pub unread_count: u64,
    /// The last event that changed the inbox.
    pub updated: Sequence,
}

impl InboxDoc {
    /// The inbox of somebody who never got anything.
    #[must_use]
    pub const fn empty(user_id: UserId) -> Self {
        Self { user_id, read_all: 0, unread_count: 0, updated: 0 }
    }
}

/// What is true of the installation as a whole; there is one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SiteDoc {
    /// Rooms to which every registered person belongs, in the order of their creation.
    pub everyone_rooms: Vec<RoomId>,
    /// The last event that changed this.
    pub updated: Sequence,
}

/// Where a document is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each holds the document of the same name")]
pub enum Collection {
    Users,
    Rooms,
    Memberships,
    Messages,
    Notifications,
    Inboxes,
    Site,
}

impl Collection {
    /// Every collection, in the order `verify` walks them.
    pub const ALL: [Self; 7] = [
        Self::Users,
        Self::Rooms,
        Self::Memberships,
        Self::Messages,
        Self::Notifications,
        Self::Inboxes,
        Self::Site,
    ];

    /// Its name in a database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Rooms => "rooms",
            Self::Memberships => "memberships",
            Self::Messages => "messages",
            Self::Notifications => "notifications",
            Self::Inboxes => "inboxes",
            Self::Site => "site",
        }
    }
}

/// Names one document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each names the document of the same name")]
pub enum Key {
    User(UserId),
    Room(RoomId),
    Membership(RoomId, UserId),
    Message(MessageId),
    Notification(NotificationId),
    Inbox(UserId),
    Site,
}

impl Key {
    /// Where the document is kept.
    #[must_use]
    pub const fn collection(&self) -> Collection {
        match self {
            Self::User(_) => Collection::Users,
            Self::Room(_) => Collection::Rooms,
            Self::Membership(..) => Collection::Memberships,
            Self::Message(_) => Collection::Messages,
            Self::Notification(_) => Collection::Notifications,
            Self::Inbox(_) => Collection::Inboxes,
            Self::Site => Collection::Site,
        }
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User(id) | Self::Inbox(id) => id.fmt(f),
            Self::Room(id) => id.fmt(f),
            Self::Membership(room, user) => write!(f, "{room}:{user}"),
            Self::Message(id) => id.fmt(f),
            Self::Notification(id) => id.fmt(f),
            Self::Site => f.write_str("site"),
        }
    }
}

/// Any document; shared, as it may be written while its successor is made.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "each holds the document of the same name")]
pub enum Doc {
    User(Arc<UserDoc>),
    Room(Arc<RoomDoc>),
    Membership(Arc<MembershipDoc>),
    Message(Arc<MessageDoc>),
    Notification(Arc<NotificationDoc>),
    Inbox(Arc<InboxDoc>),
    Site(Arc<SiteDoc>),
}

impl Doc {
    /// The document's name.
    #[must_use]
    pub fn key(&self) -> Key {
        match self {
            Self::User(doc) => Key::User(doc.state.id.clone()),
            Self::Room(doc) => Key::Room(doc.state.id.clone()),
            Self::Membership(doc) => Key::Membership(doc.room_id.clone(), doc.user_id.clone()),
            Self::Message(doc) => Key::Message(doc.id.clone()),
            Self::Notification(doc) => Key::Notification(doc.id.clone()),
            Self::Inbox(doc) => Key::Inbox(doc.user_id.clone()),
            Self::Site(_) => Key::Site,
        }
    }

    /// The document as JSON, as `verify` shows and compares it.
    ///
    /// # Errors
    /// When it cannot be written as JSON, which no document can cause.
    pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        match self {
            Self::User(doc) => serde_json::to_vec(doc.as_ref()),
            Self::Room(doc) => serde_json::to_vec(doc.as_ref()),
            Self::Membership(doc) => serde_json::to_vec(doc.as_ref()),
            Self::Message(doc) => serde_json::to_vec(doc.as_ref()),
            Self::Notification(doc) => serde_json::to_vec(doc.as_ref()),
            Self::Inbox(doc) => serde_json::to_vec(doc.as_ref()),
            Self::Site(doc) => serde_json::to_vec(doc.as_ref()),
        }
    }

    /// Reads a document of a collection back from its JSON.
    ///
    /// # Errors
    /// When the JSON is not a document of that collection.
    pub fn from_json(collection: Collection, json: &[u8]) -> serde_json::Result<Self> {
        Ok(match collection {
            Collection::Users => Self::User(Arc::new(serde_json::from_slice(json)?)),
            Collection::Rooms => Self::Room(Arc::new(serde_json::from_slice(json)?)),
            Collection::Memberships => Self::Membership(Arc::new(serde_json::from_slice(json)?)),
            Collection::Messages => Self::Message(Arc::new(serde_json::from_slice(json)?)),
            Collection::Notifications => {
                Self::Notification(Arc::new(serde_json::from_slice(json)?))
            }
            Collection::Inboxes => Self::Inbox(Arc::new(serde_json::from_slice(json)?)),
            Collection::Site => Self::Site(Arc::new(serde_json::from_slice(json)?)),
        })
    }
}
