//! Reports of messages, and what moderators do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::room::RoomOutcome;
use super::{CHAT, commands};
use crate::events::ReportState;
use crate::ids::{MessageId, ReportId, RoomId};
use crate::values::{Reason, ReportStatus};

commands! {
    /// Asks moderators to look at a message.
    CHAT / "report_message": ReportMessage -> ReportState {
        /// The message.
        message_id: MessageId,
        /// Why; at most 500 characters.
        #[serde(deserialize_with = "crate::text::strict")]
        reason: Reason,
    }
    /// A moderator says what became of a report.
    CHAT / "handle_report": HandleReport -> ReportState {
        /// The report.
        report_id: ReportId,
        /// Not `open`.
        status: ReportStatus,
        /// At most 500 characters.
        #[serde(default, deserialize_with = "crate::text::strict")]
        note: Option<Reason>,
    }
    /// A moderator deletes a message of any room.
    CHAT / "moderate_message": ModerateMessage -> () {
        /// The message.
        message_id: MessageId,
        /// Why; for the audit trail. At most 500 characters.
        #[serde(deserialize_with = "crate::text::strict")]
        reason: Reason,
    }
    /// A moderator archives any room.
    CHAT / "moderate_room": ModerateRoom -> RoomOutcome {
        /// The room.
        room_id: RoomId,
        /// Why; for the audit trail. At most 500 characters.
        #[serde(
            default,
            deserialize_with = "crate::text::strict",
            skip_serializing_if = "Option::is_none"
        )]
        reason: Option<Reason>,
    }
}
