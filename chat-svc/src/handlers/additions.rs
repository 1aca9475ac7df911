//! Reactions and pins: what is decided by what is known of them, and how near a limit is.
//!
//! No lane holds them: a lane per message would cost memory for ever. Within this process commands about one thing wait
//! for each other; what two processes decide at the same time is settled by the log's order, which the projection and
//! every gateway go by: a repeat changes nothing, nor does what is beyond a limit.

use std::time::Duration;

use decider::Failure;
use schemas::Sequence;

use crate::addition::Addition;
use crate::chat::Chat;
use crate::domain::message::MessageRejection;
use crate::index::IndexedAddition;

/// How long the read model is waited for before a decision relies on it.
const CURRENT_WITHIN: Duration = Duration::from_millis(500);
/// How long it is waited for after one that may be one too many.
const JUDGED_WITHIN: Duration = Duration::from_secs(2);

/// How far from a limit there is no doubt: more decisions than this are never made at the same time.
const MARGIN: usize = 10;

/// What is known of an addition that is about to be made.
pub(super) struct Room {
    /// How many there are beside it, of those that the limit counts.
    pub(super) others: usize,
    /// Whether decisions of other processes at the same time may make it one too many.
    pub(super) near_limit: bool,
}

impl Chat {
    /// Whether something is there, or not there, already.
    pub(super) async fn is_already(
        &self,
        addition: &Addition,
        there: bool,
    ) -> Result<bool, Failure> {
        if let Some(known) = self.additions.is_there(addition) {
            return Ok(known == there);
        }
        if self.index.addition(addition).await?.there != there {
            return Ok(false);
        }
        // That nothing is to be done must not be said by a read model that is behind. An event that changes nothing does
        // no harm.
        let head = self.log.head().await?;
        if !self.index.wait_for(head, CURRENT_WITHIN).await {
            return Ok(false);
        }
        Ok(self.index.addition(addition).await?.there == there)
    }

    /// Finds out how many there are of what a limit counts.
    pub(super) async fn room_for(
        &self,
        addition: &Addition,
        limit: usize,
    ) -> Result<Room, Failure> {
        let near = limit - MARGIN;
        let head = self.log.head().await?;
        let projected = self.index.checkpoint(&self.log.epoch()).await?;
        let mut found = self.index.addition(addition).await?;
        // None of the events the read model has not seen may have added more than one.
        let unseen = usize::try_from(head.saturating_sub(projected)).unwrap_or(usize::MAX);
        let mut current = true;
        if !found.counted && found.count.saturating_add(unseen) >= near {
            current = self.index.wait_for(head, CURRENT_WITHIN).await;
            found = self.index.addition(addition).await?;
        }
        let IndexedAddition { counted, count, .. } = found;
        let others = count.saturating_sub(usize::from(counted));
        Ok(Room { others, near_limit: !current || count >= near })
    }

    /// Whether something that may have been one too many was; the read model knows, once it is there.
    pub(super) async fn must_have_fit(
        &self,
        addition: &Addition,
        at: Sequence,
        full: MessageRejection,
    ) -> Result<(), Failure> {
        if self.index.wait_for(at, JUDGED_WITHIN).await
            && !self.index.addition(addition).await?.there
        {
            return Err(full.into());
        }
        Ok(())
    }
}
