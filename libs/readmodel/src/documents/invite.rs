//! Invitations to rooms. Their codes are in no document.

use async_trait::async_trait;
use schemas::events::InviteState;
use schemas::ids::RoomId;
use schemas::position::Sequence;
use schemas::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::answers::Answer;

/// An invitation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InviteDoc {
    /// What its last event said of it.
    pub state: InviteState,
    /// The last event of its lane.
    pub updated: Sequence,
}

impl InviteDoc {
    /// Until when it lets people in, in milliseconds since 1970; none for one that is revoked or used up.
    pub(crate) fn open_until(&self) -> Option<i64> {
        let state = &self.state;
        let open = !state.revoked && state.max_uses.is_none_or(|max| state.uses < max);
        open.then(|| state.expires_at.millis())
    }
}

/// What can be asked about invitations.
#[async_trait]
pub trait InviteReads: Send + Sync {
    /// The invitations to a room that are open at a time, oldest first.
    async fn open_invites(
        &self,
        room: &RoomId,
        now: Timestamp,
        limit: usize,
    ) -> Answer<Vec<InviteDoc>>;
}
