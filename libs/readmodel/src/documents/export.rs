//! Exports: the copy of their data that each user asked for last. What is in one is in the blob store.

use async_trait::async_trait;
use schemas::events::{ExportStage, ExportState};
use schemas::ids::{ExportId, UserId};
use schemas::position::Sequence;
use schemas::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::answers::Answer;

/// A user's newest export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportDoc {
    /// The user.
    pub user_id: UserId,
    /// What its last event said of it.
    pub state: ExportState,
    /// The last event of its lane.
    pub updated: Sequence,
}

impl ExportDoc {
    /// From when on there is something to be done with it that no user asks for: to make it, or to remove its file. None
    /// for one that is over.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        match self.state.stage {
            ExportStage::Running | ExportStage::Withdrawn => Some(self.state.requested_at),
            ExportStage::Ready => Some(self.state.expires_at.unwrap_or(self.state.requested_at)),
            ExportStage::Expired => None,
        }
    }
}

/// What can be asked about exports.
#[async_trait]
pub trait ExportReads: Send + Sync {
    /// An export; none when its user has asked for another one since.
    async fn export(&self, id: &ExportId) -> Answer<Option<ExportDoc>>;
    /// Those that are to be made, and those whose files are to be removed, at a time; the longest due first.
    async fn exports_due(&self, now: Timestamp, limit: usize) -> Answer<Vec<ExportDoc>>;
}
