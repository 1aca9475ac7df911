//! Exports: copies of a person's data that they ask for. What is in one never passes the log.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{EventData, family};
use crate::ids::{ExportId, UserId};
use crate::time::Timestamp;

/// How far an export has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExportStage {
    /// It is being made.
    Running,
    /// Its file can be downloaded.
    Ready,
    /// The account was taken back from a stranger: its file is being removed before its time.
    Withdrawn,
    /// Its file is gone.
    Expired,
}

/// A person's newest export after an event on their lane.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExportState {
    /// The export's id.
    pub id: ExportId,
    /// The person whose data it holds, who alone may download it.
    pub user_id: UserId,
    /// How far it has come.
    pub stage: ExportStage,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// Bytes of its file, once that was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// When its file was ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_at: Option<Timestamp>,
    /// From when on its file can be downloaded no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// A person has asked for a copy of their data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExportRequested {
    /// The export.
    pub export: ExportState,
}

/// The file of an export can be downloaded. Its person is told by mail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExportReady {
    /// The export after it.
    pub export: ExportState,
}

/// An export is no more, as the account was taken back by a password reset of an address that was never verified.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExportWithdrawn {
    /// The export after it.
    pub export: ExportState,
}

/// The file of an export is gone from the store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExportExpired {
    /// The export as it ended.
    pub export: ExportState,
}

family! {
    /// What happens to exports.
    ExportEvent {
        Requested(ExportRequested) = "export.requested.v1", |d| d.export.id;
        Ready(ExportReady) = "export.ready.v1", |d| d.export.id;
        Withdrawn(ExportWithdrawn) = "export.withdrawn.v1", |d| d.export.id;
        Expired(ExportExpired) = "export.expired.v1", |d| d.export.id;
    }
}

impl ExportEvent {
    /// The export after it.
    #[must_use]
    pub const fn after(&self) -> &ExportState {
        match self {
            Self::Requested(ExportRequested { export })
            | Self::Ready(ExportReady { export })
            | Self::Withdrawn(ExportWithdrawn { export })
            | Self::Expired(ExportExpired { export }) => export,
        }
    }
}

impl EventData {
    /// A person's newest export after an event of its lane; none for the events of other families.
    #[must_use]
    pub const fn export(&self) -> Option<&ExportState> {
        let Self::Export(event) = self else { return None };
        Some(event.after())
    }
}

impl ExportState {
    /// Whether its file can be downloaded at a time.
    #[must_use]
    pub fn is_ready(&self, now: Timestamp) -> bool {
        self.stage == ExportStage::Ready && self.expires_at.is_some_and(|until| now < until)
    }

    /// Whether it is being made, or can be downloaded at a time: no other can be asked for meanwhile.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.stage == ExportStage::Running || self.is_ready(now)
    }
}
