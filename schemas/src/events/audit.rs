//! Reading the audit trail: where it shows the content of events, each read is an event itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::family;
use crate::event::Actor;
use crate::ids::UserId;
use crate::position::Sequence;
use crate::time::Timestamp;
use crate::values::{EventType, SubjectId};

/// Which events an admin asked for. All conditions that are given hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditQuery {
    /// Who caused them: a user, or `system`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub actor: Option<Actor>,
    /// Their type.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<EventType>,
    /// What they happened to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<SubjectId>,
    /// Not before this moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Before this moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// An admin has read a page of the audit trail with the content of its events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditRead {
    /// The admin.
    pub user_id: UserId,
    /// What they asked for.
    #[serde(deserialize_with = "crate::object::one")]
    pub query: AuditQuery,
    /// The page goes back from before this event; none: from the end of the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Sequence>,
}

family! {
    /// What admins read of the audit trail.
    AuditEvent {
        Read(AuditRead) = "audit.read.v1", |d| d.user_id;
    }
}
