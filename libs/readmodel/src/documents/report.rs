//! Reports of messages, for moderators.
//!
//! An open report keeps the message as it was when it was reported, whatever becomes of it: an edit or a deletion must
//! not take away what is to be judged. With the report handled the copy goes.

use async_trait::async_trait;
use schemas::events::ReportState;
use schemas::ids::{MessageId, ReportId, UserId};
use schemas::position::Sequence;
use schemas::values::ReportStatus;
use serde::{Deserialize, Serialize};

use super::message::MessageDoc;
use crate::answers::{Answer, Slice};

/// A report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReportDoc {
    /// What its last event says.
    pub state: ReportState,
    /// The message as it was reported; none once the report is handled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Box<MessageDoc>>,
    /// The event that reported it: reports are listed by it.
    pub created: Sequence,
    /// The last event about it.
    pub updated: Sequence,
}

/// What can be asked about reports.
#[async_trait]
pub trait ReportReads: Send + Sync {
    /// One report.
    async fn report(&self, id: &ReportId) -> Answer<Option<ReportDoc>>;
    /// Reports, all or those of a status, newest first; goes on before the `created` of the last one seen.
    async fn reports(
        &self,
        status: Option<ReportStatus>,
        before: Option<Sequence>,
        limit: usize,
    ) -> Answer<Slice<ReportDoc>>;
    /// How many open reports a user has made.
    async fn open_reports(&self, reporter: &UserId) -> Answer<u64>;
    /// How many reports of a message are open.
    async fn open_reports_of(&self, message: &MessageId) -> Answer<u64>;
}
