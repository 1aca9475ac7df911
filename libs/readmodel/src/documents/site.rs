//! The site: what is true of the installation as a whole. There is one such document.
//!
//! Only the projector reads it, and a gateway once at its start; so it has no read trait.

use schemas::ids::RoomId;
use schemas::position::Sequence;
use serde::{Deserialize, Serialize};

/// What is true of the installation as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SiteDoc {
    /// Rooms to which every registered user belongs, in the order of their creation.
    pub everyone_rooms: Vec<RoomId>,
    /// Bytes of all media that may be uploaded or are stored.
    #[serde(default)]
    pub media_bytes: u64,
    /// The last event that changed this.
    pub updated: Sequence,
}
