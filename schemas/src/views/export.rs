//! Exports, as their owners are told of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::events::{ExportStage, ExportState};
use crate::ids::ExportId;
use crate::time::Timestamp;

/// Where an export stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExportStatus {
    /// It is being made.
    Running,
    /// It can be downloaded.
    Ready,
    /// It can be downloaded no more; another one may be asked for.
    Expired,
}

/// A copy of the caller's data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Export {
    /// The export's id.
    pub id: ExportId,
    /// How far it has come.
    pub status: ExportStatus,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// Where its zip file is, while it is ready: signed anew each time, and good for five minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Bytes of that file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Until when it can be downloaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl Export {
    /// An export at a time, without its URL.
    #[must_use]
    pub fn of(state: &ExportState, now: Timestamp) -> Self {
        let status = match state.stage {
            ExportStage::Running => ExportStatus::Running,
            ExportStage::Ready if state.is_ready(now) => ExportStatus::Ready,
            ExportStage::Ready | ExportStage::Withdrawn | ExportStage::Expired => {
                ExportStatus::Expired
            }
        };
        let ready = status == ExportStatus::Ready;
        Self {
            id: state.id,
            status,
            requested_at: state.requested_at,
            url: None,
            size: state.size.filter(|_| ready),
            expires_at: state.expires_at.filter(|_| ready),
        }
    }
}
