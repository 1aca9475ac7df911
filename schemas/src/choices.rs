//! Values that are one of a few: roles, kinds and the like.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an account may do everywhere.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// An ordinary person.
    User,
    /// May act on messages of rooms he is in.
    Moderator,
    /// May administer accounts.
    Admin,
}

/// What a member may do in one room; ordered by power.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RoomRole {
    /// Reads and writes.
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

/// How a body is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// As it stands.
    #[default]
    Plain,
    /// As Markdown.
    Markdown,
}

/// Why an inbox entry exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotificationKind {
    /// After registration, and "welcome back" after each login.
    Welcome,
    /// Somebody named the user in a message.
    Mention,
    /// Somebody wrote in a direct room.
    DirectMessage,
    /// Somebody invited the user to a room.
    Invite,
    /// From the operators.
    System,
}
