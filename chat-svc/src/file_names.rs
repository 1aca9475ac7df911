//! What the files of a message were called leaves the log when the texts of the message do.
//!
//! Every event of a medium carries the name of its file. A medium that nothing needs any more gets a last event without it,
//! which is all that rebuilds must know; the events before that may be listed and deleted then. A medium that another
//! message has, or that is a profile picture, keeps its name.

use decider::{Failure, load};
use eventlog::Stored;
use schemas::{Lane, MediaId, Sequence, Timestamp};

use crate::chat::Chat;
use crate::domain::media;
use crate::lanes::Media;

/// Tries, where the bytes of the medium are removed by the keeper of media at the same time.
const TRIES: usize = 5;

impl Chat {
    /// The events of a medium that say what its file was called; none while something needs the medium. May be called
    /// again after a crash.
    pub(crate) async fn events_with_name(&self, id: &MediaId) -> Result<Vec<Stored>, Failure> {
        let Some(last) = self.without_name(id).await? else { return Ok(Vec::new()) };
        let mut events = self.log.all_of(&Lane::Media(id.clone())).await?;
        events.retain(|stored| stored.sequence < last);
        Ok(events)
    }

    /// Where a medium that nothing needs has its last event, which does not say what it was called.
    async fn without_name(&self, id: &MediaId) -> Result<Option<Sequence>, Failure> {
        for _ in 0..TRIES {
            let found = load::<Media>(&self.log, id).await?;
            let Some(state) = found.state.filter(media::is_over) else { return Ok(None) };
            if state.is_unnamed() {
                return Ok(Some(found.at));
            }
            self.remove_bytes(id).await?;
            match self.write_media(media::unnamed(&state, Timestamp::now()), found.at).await {
                Ok(at) => return Ok(Some(at)),
                Err(Failure::Conflict) => {}
                Err(failure) => return Err(failure),
            }
        }
        Err(Failure::Conflict)
    }
}
