//! Reports, as moderators see them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Message, User};
use crate::ids::{ReportId, UserId};
use crate::time::Timestamp;
use crate::values::ReportStatus;

/// A report of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// The report's id.
    pub id: ReportId,
    /// The message as it was when it was reported; as it is now once the report is handled.
    pub message: Message,
    /// The user who reported it.
    pub reporter: User,
    /// Why, in their words.
    pub reason: String,
    /// What became of it.
    pub status: ReportStatus,
    /// When it was reported.
    pub created_at: Timestamp,
    /// The moderator who handled it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handled_by: Option<UserId>,
    /// What the moderator noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}
