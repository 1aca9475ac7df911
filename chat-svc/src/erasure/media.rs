//! The files of an erased person: their bytes go, whatever needs them, but for those that a legal hold keeps.

use std::collections::HashSet;
use std::sync::Arc;

use decider::{Failure, load, unavailable};
use schemas::media::MediaStatus;
use schemas::{Lane, MediaId, RoomId};

use super::{Eraser, PROJECTED_WITHIN, Work};
use crate::lanes::Media;

/// Media removed in one go.
const AT_ONCE: usize = 100;

impl Eraser {
    /// Removes the person's media with their bytes; the held rooms that keep some. May be begun again after a crash.
    pub(super) async fn erase_media(
        &mut self,
        work: &mut Work,
    ) -> Result<HashSet<RoomId>, Failure> {
        let (chat, mut held, mut after) = (Arc::clone(&self.chat), HashSet::new(), None);
        if !chat.index.wait_for(chat.log.head().await?, PROJECTED_WITHIN).await {
            return Err(unavailable("the read model is behind").into());
        }
        loop {
            let some = chat.index.media_of(&work.user, after.as_ref(), AT_ONCE).await?;
            let Some(last) = some.last() else { return Ok(held) };
            after = Some(*last);
            for id in &some {
                let keeps = self.keeps(id).await?;
                if keeps.is_empty() {
                    chat.erase_media(id).await?;
                    work.removed.media += 1;
                }
                held.extend(keeps);
            }
            self.lease.keep().await?;
        }
    }

    /// The held rooms that have a medium.
    async fn keeps(&self, id: &MediaId) -> Result<Vec<RoomId>, Failure> {
        let uses = load::<Media>(&self.chat.log, id).await?.state.map(|media| media.uses);
        let mut keeps = Vec::new();
        for used in uses.unwrap_or_default() {
            if self.is_held(&Lane::RoomHold(used.room_id)).await? {
                keeps.push(used.room_id);
            }
        }
        Ok(keeps)
    }

    /// Whether nothing is left of a medium. One that its user had removed before loses its name now.
    pub(super) async fn is_purged(&self, id: &MediaId) -> Result<bool, Failure> {
        let state = load::<Media>(&self.chat.log, id).await?.state;
        let Some(media) = state.filter(|media| media.status == MediaStatus::Purged) else {
            return Ok(false);
        };
        if !media.is_erased() {
            self.chat.erase_media(id).await?;
        }
        Ok(true)
    }
}
