//! Values that are one of a few: roles, kinds and the like.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an account may do everywhere.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// An ordinary user.
    User,
    /// May act on messages of rooms they are in.
    Moderator,
    /// May administer accounts.
    Admin,
}

impl Role {
    /// Its name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Moderator => "moderator",
            Self::Admin => "admin",
        }
    }
}

/// What of an account can be verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerificationKind {
    /// The e-mail address.
    Email,
}

/// What accounts may do whose address is not verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unverified {
    /// All that others may.
    Everything,
    /// All but inviting people.
    #[default]
    NoInvites,
    /// Nothing but reading, and what concerns their own account.
    ReadOnly,
}

/// What a member may do in one room; ordered by power.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RoomRole {
    /// An ordinary member, who reads and writes.
    Member,
    /// Also adds and removes members and changes the room.
    Admin,
    /// Also makes admins and owners and archives the room. A room always has one.
    Owner,
}

/// How a room came about and who may be in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoomKind {
    /// A fixed set of people; no name, no joining or leaving.
    Direct,
    /// Invited people; the name need not be unique.
    Group,
    /// A named place; its name is unique.
    Channel,
}

/// Who may find and join a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Only members know of it.
    Private,
    /// Anyone may find and join it.
    Public,
}

/// Who may write in a room's main timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Posting {
    /// Every member.
    #[default]
    Everyone,
    /// The room's admins; other members answer in threads and react.
    Admins,
}

impl Posting {
    /// Whether every member may write, which is not written down.
    #[must_use]
    pub const fn is_everyone(&self) -> bool {
        matches!(self, Self::Everyone)
    }
}

/// Of which messages of a room its member wants to be notified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Notify {
    /// Of every message: the client makes a sound for each.
    All,
    /// Of messages that name the member.
    #[default]
    Mentions,
    /// Of none, not even when named; mentions are still counted.
    None,
}

/// What a user says they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PresenceStatus {
    /// There.
    Online,
    /// Not at this device at the moment.
    Away,
    /// Not to be disturbed.
    Dnd,
    /// There, and shown to others as offline.
    Invisible,
}

/// How a user appears to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ShownStatus {
    /// There, with a device in use.
    Online,
    /// There, with no device in use.
    Away,
    /// Not to be disturbed.
    Dnd,
    /// Not there, or not to be seen.
    Offline,
}

/// How a body is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Plain text, shown as it was written.
    #[default]
    Plain,
    /// Markdown (CommonMark).
    Markdown,
}

/// Why an inbox entry exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotificationKind {
    /// After registration, and "welcome back" after each login.
    Welcome,
    /// The user was mentioned in a message.
    Mention,
    /// A message was posted in a direct room.
    DirectMessage,
    /// A thread that the user follows was answered.
    ThreadReply,
    /// The user was added to a room.
    Invite,
    /// From the operators.
    System,
}

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReportStatus {
    /// No moderator has handled it.
    Open,
    /// A moderator found nothing to act on.
    Dismissed,
    /// A moderator acted on it.
    Actioned,
}

/// What a message that is searched for must have besides words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MessageHas {
    /// Attached files.
    File,
    /// A link to a web page (`http` or `https`) in its text.
    Link,
}

impl MessageHas {
    /// Its name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Link => "link",
        }
    }
}

/// Whom a message calls besides the members it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoomMention {
    /// `@room`: every member; it counts as a mention for each of them.
    Room,
    /// `@here`: the members who are connected. It is shown and never counted.
    Here,
}

/// How events and documents write [`RoomMention`]: `true` for the whole room, as builds did that knew no
/// `@here`, and `"here"`; left out for neither.
pub mod called {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    use super::RoomMention;

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Whole(bool),
        Word(String),
    }

    /// Writes it.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(
        called: &Option<RoomMention>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match called {
            None => serializer.serialize_bool(false),
            Some(RoomMention::Room) => serializer.serialize_bool(true),
            Some(RoomMention::Here) => serializer.serialize_str("here"),
        }
    }

    /// Reads it.
    ///
    /// # Errors
    /// For anything but `true`, `false`, null and `"here"`.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<RoomMention>, D::Error> {
        match Option::<Written>::deserialize(deserializer)? {
            None | Some(Written::Whole(false)) => Ok(None),
            Some(Written::Whole(true)) => Ok(Some(RoomMention::Room)),
            Some(Written::Word(word)) if word == "here" => Ok(Some(RoomMention::Here)),
            Some(Written::Word(_)) => Err(D::Error::custom("must be true, false or \"here\"")),
        }
    }

    /// The JSON Schema of what is written.
    pub fn schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "oneOf": [{ "type": "boolean" }, { "const": "here" }] })
    }
}
