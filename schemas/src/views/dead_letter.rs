//! Dead letters, as admins see them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::position::Position;
use crate::time::Timestamp;

/// An event that a worker gave up on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeadLetter {
    /// The letter's id.
    pub id: String,
    /// The event it is about; null when that is no longer known.
    pub position: Option<Position>,
    /// The event's type; null when the event was erased since, or is damaged.
    pub event_type: Option<String>,
    /// Who gave up: `inbox`, `mail` or `digests`.
    pub subscriber: String,
    /// Why handling the event failed.
    pub reason: String,
    /// How often it was tried.
    pub attempts: u64,
    /// When it was given up.
    pub created_at: Timestamp,
}
