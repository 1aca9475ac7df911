//! Reports: what members ask moderators to look at.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::family;
use crate::ids::{MessageId, ReportId, RoomId, UserId};
use crate::time::Timestamp;
use crate::values::{Reason, ReportStatus};

/// A report after an event on its lane. It does not hold what was reported: that is in the log once, as the message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReportState {
    /// The report's id, made of the message and the reporter: one user has one report of a message.
    pub id: ReportId,
    /// The message that was reported.
    pub message_id: MessageId,
    /// The room it was posted in.
    pub room_id: RoomId,
    /// The user who reported it.
    pub reporter_id: UserId,
    /// Why, in their words.
    pub reason: Reason,
    /// What became of it.
    pub status: ReportStatus,
    /// When it was reported.
    pub created_at: Timestamp,
    /// The moderator who handled it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handled_by: Option<UserId>,
    /// What the moderator noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Reason>,
    /// When it was handled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handled_at: Option<Timestamp>,
}

/// A message was reported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReportCreated {
    /// The report after it.
    pub report: ReportState,
}

/// A report was handled by a moderator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReportHandled {
    /// The report after it.
    pub report: ReportState,
}

family! {
    /// What happens to reports.
    ReportEvent {
        Created(ReportCreated) = "report.created.v1", |d| d.report.id;
        Handled(ReportHandled) = "report.handled.v1", |d| d.report.id;
    }
}

impl ReportEvent {
    /// The report after it.
    #[must_use]
    pub const fn after(&self) -> &ReportState {
        match self {
            Self::Created(ReportCreated { report }) | Self::Handled(ReportHandled { report }) => {
                report
            }
        }
    }
}
