//! Events that leave the log because of their words are listed in it first, and noted in the ledger of holes.
//!
//! What is listed and not noted stays as it is: so a hold that stands in the log before the list keeps it (`holds.rs`).

use std::collections::BTreeSet;

use decider::{Call, Expect, Fact, Failure, record};
use schemas::Lane;
use schemas::commands::CallContext;
use schemas::events::TextsRemoved;
use schemas::ids::{RoomId, UserId};

use crate::chat::Chat;
use crate::holds::are_held;

/// Events that one event lists.
pub(crate) const LISTED: usize = 100;

impl Chat {
    /// Lists events that are to be deleted next, and notes that; false, and they stay as they are, when a hold of one of
    /// these was placed before they were listed.
    pub(crate) async fn list_texts(
        &self,
        removed: TextsRemoved,
        rooms: &BTreeSet<RoomId>,
        users: &BTreeSet<UserId>,
    ) -> Result<bool, Failure> {
        let sequences = removed.sequences();
        let lane = Lane::Retention(removed.room_id);
        let call = Call::new("remove_texts", CallContext::default());
        let listed = record(&self.log, &call, Fact::expecting(Expect::Any, lane, removed)).await?;
        if are_held(&self.log, rooms.iter().copied(), users.iter().copied()).await? {
            return Ok(false);
        }
        self.log.note_erased(listed.position.sequence, &sequences).await?;
        Ok(true)
    }
}
