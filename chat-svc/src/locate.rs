//! Finding a message by its id, and judging by what the log says of it.

use std::time::Duration;

use decider::{Failure, unavailable};
use schemas::events::MessagePosted;
use schemas::ids::MessageId;
use schemas::{EventData, Sequence};

use crate::chat::Chat;
use crate::domain::message::{self, Message};
use crate::index::Indexed;
use crate::recent::MessageLocation;

/// How long the read model is waited for when it does not know a message yet.
const PATIENCE: Duration = Duration::from_secs(2);

impl Chat {
    /// A message as it was posted, with what is known of its deletion; none when there is no such one.
    ///
    /// Where it is comes from memory or from the read model's index; what it is comes from the log.
    pub(crate) async fn message(&self, id: &MessageId) -> Result<Option<Message>, Failure> {
        let Some(place) = self.place_of(id).await? else { return Ok(None) };
        let Indexed { posted, deleted, archived, purged } = place;
        let (event, deleted) = match self.event_at(posted).await? {
            Some(event) => (event, deleted),
            // Its author was erased: what stands in its place is a deleted message.
            None => match self.index.erased_message(id).await? {
                Some(message) => (MessagePosted { message, private: false }.into(), true),
                None => return Ok(None),
            },
        };
        let mut found = None;
        message::evolve(&mut found, posted, &event);
        let Some(mut found) = found.filter(|found| found.state.id == *id) else { return Ok(None) };
        (found.deleted, found.archived, found.purged) = (deleted, archived, purged);
        Ok(Some(found))
    }

    /// What happened at a place of the log.
    pub(crate) async fn event_at(&self, sequence: Sequence) -> Result<Option<EventData>, Failure> {
        let Some(stored) = self.log.get(sequence).await? else { return Ok(None) };
        Ok(Some(stored.event()?.data))
    }

    async fn place_of(&self, id: &MessageId) -> Result<Option<Indexed>, Failure> {
        if let Some(place) = self.known_place(id).await? {
            return Ok(Some(place));
        }
        // Neither has it: it does not exist, or it came too recently for the read model and this
        // process's feed has missed it.
        let head = self.log.head().await?;
        let all_known = self.index.checkpoint(&self.log.epoch()).await? >= head
            || self.index.wait_for(head, PATIENCE).await;
        match self.known_place(id).await? {
            // The read model is behind, or stands: that there is no such message would be a guess.
            None if !all_known => Err(unavailable(
                "it is not known whether there is such a message; the read model is behind",
            )
            .into()),
            place => Ok(place),
        }
    }

    async fn known_place(&self, id: &MessageId) -> Result<Option<Indexed>, Failure> {
        if let Some(known) = self.recent.message(id) {
            let MessageLocation { posted, deleted, archived, purged, .. } = known;
            return Ok(Some(Indexed { posted, deleted, archived, purged }));
        }
        Ok(self.index.message(id).await?)
    }
}
