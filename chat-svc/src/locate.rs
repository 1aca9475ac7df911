//! Finding a message by its id, and judging by what the log says of it.

use std::time::Duration;

use decider::{Failure, unavailable};
use schemas::events::{MessageEvent, MessagePosted, RetentionEvent};
use schemas::ids::MessageId;
use schemas::{EventData, Sequence};
use tokio::time::{Instant, timeout_at};

use crate::chat::Chat;
use crate::domain::message::{self, Message};
use crate::index::Indexed;
use crate::recent::MessageLocation;

/// How long the read model is waited for when it does not know a message yet.
const PATIENCE: Duration = Duration::from_secs(1);
/// How many events are read from the log at most, to make up for a read model that is behind, and for how long.
const READ_AT_MOST: Sequence = 100_000;
const READ_WITHIN: Duration = Duration::from_secs(2);
/// Events read from the log at a time, and how long they are waited for.
const BATCH: usize = 2_000;
const WAIT: Duration = Duration::from_millis(500);

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
        let (head, epoch) = (self.log.head().await?, self.log.epoch());
        let all_known = self.index.checkpoint(&epoch).await? >= head
            || self.index.wait_for(head, PATIENCE).await;
        // Asked before the message is: what is not found came after this.
        let projected = self.index.checkpoint(&epoch).await?;
        match self.known_place(id).await? {
            // The read model is behind, or stands: that there is no such message would be a guess.
            None if !all_known => self.place_between(id, (projected, head)).await,
            place => Ok(place),
        }
    }

    /// Where a message is that was posted between two places of the log, read there.
    ///
    /// # Errors
    /// `unavailable` when that is too much to read, or takes too long: it is not known whether there is such a message.
    async fn place_between(
        &self,
        id: &MessageId,
        (after, through): (Sequence, Sequence),
    ) -> Result<Option<Indexed>, Failure> {
        let behind = || {
            unavailable("it is not known whether there is such a message; the read model is behind")
        };
        if through.saturating_sub(after) > READ_AT_MOST {
            return Err(behind().into());
        }
        let deadline = Instant::now() + READ_WITHIN;
        // Few at a time: ids that are made up cost no more than that.
        let Ok(Ok(_turn)) = timeout_at(deadline, self.log_reads.acquire()).await else {
            return Err(behind().into());
        };
        let mut reader = self.log.read_from(after.min(through)).await?;
        let mut found = None;
        while reader.through() < through {
            if Instant::now() >= deadline {
                return Err(behind().into());
            }
            for record in reader.next(BATCH, WAIT).await?.records {
                // What is about a message names it: the rest is passed by without being decoded.
                let text = std::str::from_utf8(&record.payload).unwrap_or_default();
                if text.contains(id.as_str()) {
                    found = placed(found, id, record.sequence, &record.event()?.data);
                }
            }
        }
        Ok(found)
    }

    async fn known_place(&self, id: &MessageId) -> Result<Option<Indexed>, Failure> {
        if let Some(known) = self.recent.message(id) {
            let MessageLocation { posted, deleted, archived, purged, .. } = known;
            return Ok(Some(Indexed { posted, deleted, archived, purged }));
        }
        Ok(self.index.message(id).await?)
    }
}

/// Where a message is after an event at a place of the log.
fn placed(
    before: Option<Indexed>,
    id: &MessageId,
    at: Sequence,
    event: &EventData,
) -> Option<Indexed> {
    if let EventData::Message(event) = event {
        return match event {
            MessageEvent::Posted(e) if e.message.id == *id => {
                Some(Indexed { posted: at, ..Indexed::default() })
            }
            MessageEvent::Deleted(e) if e.message_id == *id => {
                before.map(|place| Indexed { deleted: true, ..place })
            }
            MessageEvent::Posted(_) | MessageEvent::Edited(_) | MessageEvent::Deleted(_) => before,
        };
    }
    if let EventData::Retention(event) = event {
        return match event {
            RetentionEvent::Applied(e) if e.messages.contains(id) => {
                before.map(|place| Indexed { archived: true, ..place })
            }
            RetentionEvent::Purged(e) if e.messages.contains(id) => {
                before.map(|place| Indexed { purged: true, ..place })
            }
            RetentionEvent::Applied(_)
            | RetentionEvent::Purged(_)
            | RetentionEvent::TextsRemoved(_) => before,
        };
    }
    before
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of every event there is that is about a message: what becomes of the place of that message, and of another's.
    #[test]
    fn a_message_is_where_it_was_posted_and_what_became_of_it_counts() {
        let mut told = Vec::new();
        for event in testbed::every_event() {
            let text = format!("{event:?}");
            let ids = text.split('"').filter_map(|part| MessageId::parse(part).ok());
            for id in ids {
                let known = Indexed { posted: 3, ..Indexed::default() };
                let after = placed(Some(known), &id, 7, &event);
                if after != Some(known) {
                    told.push((event.type_name(), after));
                    let posted = matches!(event, EventData::Message(MessageEvent::Posted(_)));
                    assert_eq!(placed(None, &id, 7, &event).is_some(), posted);
                }
            }
            let other = MessageId::from_uuid(uuid::Uuid::from_u128(77));
            assert_eq!(placed(None, &other, 7, &event), None);
        }
        let known = Indexed { posted: 3, ..Indexed::default() };
        for expected in [
            ("message.posted.v1", Indexed { posted: 7, ..known }),
            ("message.deleted.v1", Indexed { deleted: true, ..known }),
            ("room.retention_applied.v1", Indexed { archived: true, ..known }),
            ("room.messages_purged.v1", Indexed { purged: true, ..known }),
        ] {
            assert!(told.contains(&(expected.0, Some(expected.1))), "{expected:?} of {told:?}");
        }
    }
}
