//! Reading the audit trail.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AUTH, commands};
use crate::events::AuditQuery;
use crate::position::Sequence;

commands! {
    /// Notes that the caller, an admin, is about to read the audit trail with the content of events.
    AUTH / "note_audit_read": NoteAuditRead -> () {
        /// What they ask for.
        query: AuditQuery,
        /// The page goes back from before this event; none: from the end of the log.
        #[serde(default)]
        before: Option<Sequence>,
    }
}
