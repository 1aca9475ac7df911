//! Reports, and what moderators do.

use schemas::commands::{
    EndSessionsOf, HandleReport, ModerateMessage, ModerateRoom, ReportMessage,
};
use schemas::values::{Reason, ReportStatus};
use schemas::{MessageId, ReportId, RoomId, UserId};

use crate::http::shape;

shape! {
    /// Why moderators should look at a message.
    NewReport {
        /// 1 to 500 characters, at least one of them visible.
        reason: Reason,
    }
    /// What became of a report.
    ReportChange {
        /// `dismissed` or `actioned`. A report that was handled stays so.
        status: ReportStatus,
        /// What the moderator noted: 1 to 500 characters.
        note: Option<Reason>,
    }
    /// Why a moderator archives a room, or an admin ends a user's sessions.
    OptionalReason {
        /// 1 to 500 characters, for the audit trail. No member is told.
        reason: Option<Reason>,
    }
    /// Why a moderator deletes a message.
    Moderation {
        /// 1 to 500 characters, for the audit trail. No member is told.
        reason: Reason,
    }
}

impl NewReport {
    pub(crate) fn command(self, message_id: MessageId) -> ReportMessage {
        ReportMessage { message_id, reason: self.reason }
    }
}

impl ReportChange {
    pub(crate) fn command(self, report_id: ReportId) -> HandleReport {
        HandleReport { report_id, status: self.status, note: self.note }
    }
}

impl OptionalReason {
    pub(crate) fn archiving(self, room_id: RoomId) -> ModerateRoom {
        ModerateRoom { room_id, reason: self.reason }
    }

    pub(crate) fn ending_sessions(self, user_id: UserId) -> EndSessionsOf {
        EndSessionsOf { user_id, reason: self.reason }
    }
}

impl Moderation {
    pub(crate) fn command(self, message_id: MessageId) -> ModerateMessage {
        ModerateMessage { message_id, reason: self.reason }
    }
}
