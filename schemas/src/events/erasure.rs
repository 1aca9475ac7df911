//! Erasures: what is removed of a person's data, and what stands in the place of what others' data depend on.
//!
//! The events that hold a person's words and data are securely deleted from the log. Before that they are listed, so
//! that a later replay finds a reason for every hole, and knows the shape of what was there: that a message stood there
//! and whom it named, but not what it said.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::family;
use crate::event::Actor;
use crate::ids::{ErasureId, InviteId, MessageId, NotificationId, ReportId, RoomId, UserId};
use crate::position::Sequence;
use crate::subjects::Digest;
use crate::time::Timestamp;
use crate::values::{EventType, Reason, RoomMention};

/// What an erasure has removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Removed {
    /// Events that were securely deleted from the log.
    pub events: u64,
    /// Messages whose content is gone; those the user had deleted themselves included.
    pub messages: u64,
    /// Reactions that were taken back.
    #[serde(default)]
    pub reactions: u64,
    /// Uploaded files.
    #[serde(default)]
    pub media: u64,
}

/// The data of a person are erased from now on. Their account was closed in the same batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ErasureBegun {
    /// The erasure's id; who knows it may ask how far it is.
    pub erasure_id: ErasureId,
    /// Whose data.
    pub user_id: UserId,
    /// When the person registered: nothing of theirs is older.
    pub registered_at: Timestamp,
    /// When it was asked for.
    pub begun_at: Timestamp,
    /// Why an admin or the operator has asked for it; none when the person has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// An event that goes: that it was, without what it said. The audit trail still finds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Gone {
    /// Its place.
    pub sequence: Sequence,
    /// Its type.
    pub kind: EventType,
    /// The id of what it happened to.
    pub subject: String,
    /// Who caused it.
    #[schemars(with = "String")]
    pub actor: Actor,
    /// When it happened.
    pub time: Timestamp,
}

/// What stands in the place of an event that is gone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Blank {
    /// The place.
    pub sequence: Sequence,
    /// When the server had stored it.
    pub stored_at: Timestamp,
    /// What it was.
    pub was: BlankEvent,
}

/// An event without a person's words and data: as much of it as other people's data depend on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BlankEvent {
    /// The account was registered then.
    Registered {
        /// When the account was registered.
        created_at: Timestamp,
    },
    /// A message was posted.
    Posted(BlankMessage),
    /// A message was edited.
    Edited {
        /// Its shape after the edit.
        message: BlankMessage,
        /// Where it was posted.
        posted: Sequence,
        /// When it was edited.
        edited_at: Timestamp,
    },
}

/// A message without its text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BlankMessage {
    /// The message's id.
    pub id: MessageId,
    /// The room it was posted in.
    pub room_id: RoomId,
    /// What the sender's client called it, as a keyed hash: a repeated post is still recognised as one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<Digest>,
    /// Members named in it, who may follow its thread since.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<UserId>,
    /// Whether it called the whole room or the members who were connected.
    #[serde(default, with = "crate::choices::called", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::choices::called::schema")]
    pub mentions_room: Option<RoomMention>,
    /// The message that began the thread it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_root_id: Option<MessageId>,
    /// When it was posted.
    pub created_at: Timestamp,
    /// Whether its author did not want others to see how far they have read then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub private: bool,
}

/// A piece of a person's events: they are securely deleted from the log next. At most some hundreds at a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ErasureListed {
    /// The erasure.
    pub erasure_id: ErasureId,
    /// Whose events they are.
    pub user_id: UserId,
    /// When they were listed.
    pub listed_at: Timestamp,
    /// Everything up to here was looked at, in this round over the log.
    pub through: Sequence,
    /// The events that go, in the order of the log.
    pub gone: Vec<Gone>,
    /// What stands in their places; for most of them nothing.
    #[serde(
        default,
        deserialize_with = "crate::object::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub blanks: Vec<Blank>,
    /// The threads that the person had followed, left or read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub threads: Vec<MessageId>,
    /// The rooms for which they had settings of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prefs: Vec<RoomId>,
    /// Their notifications.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notifications: Vec<NotificationId>,
    /// The invitations they had made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub invites: Vec<InviteId>,
    /// The reports they had made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reports: Vec<ReportId>,
    /// Reports of their messages by others, each of which kept a copy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reported: Vec<ReportId>,
    /// What the erasure has removed so far, these included.
    #[serde(deserialize_with = "crate::object::one")]
    pub removed: Removed,
}

/// Nothing of the person is left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ErasureCompleted {
    /// The erasure.
    pub erasure_id: ErasureId,
    /// Whose data it removed.
    pub user_id: UserId,
    /// What it removed.
    #[serde(deserialize_with = "crate::object::one")]
    pub removed: Removed,
    /// When it was done.
    pub completed_at: Timestamp,
}

family! {
    /// What happens to erasures.
    ErasureEvent {
        Begun(ErasureBegun) = "erasure.begun.v1", |d| d.erasure_id;
        Listed(ErasureListed) = "erasure.listed.v1", |d| d.erasure_id;
        Completed(ErasureCompleted) = "erasure.completed.v1", |d| d.erasure_id;
    }
}

impl ErasureListed {
    /// The places of the events that go.
    #[must_use]
    pub fn sequences(&self) -> Vec<Sequence> {
        self.gone.iter().map(|gone| gone.sequence).collect()
    }
}
