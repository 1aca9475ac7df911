//! The channel into inboxes: one event on the reader's inbox lane for each entry that comes, is read or is taken
//! back.
//!
//! A welcome's id is derived from its cause, so a second delivery makes the same entry: within the log's
//! duplicate window the log itself refuses it; a later delivery looks whether the entry is there. Entries about
//! messages are decided in [`crate::notices`] by what is true now.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use async_trait::async_trait;
use eventlog::{AppendError, DedupId, EventLog, Expect, LaneWrite};
use readmodel::{Group, NotificationDoc, ReadModel};
use schemas::events::{NotificationCreated, NotificationEvent, NotificationRemoved};
use schemas::{Actor, Event, EventData, Lane, Sequence, Timestamp, UserId};
use telemetry::error_chain;

use crate::channel::{Cause, Channel, ChannelKind, Done, Failed};
use crate::entry_ids::inbox_event_id;
use crate::open::Open;
use crate::policy::{Effect, Notice};

/// How long a repeated delivery waits for the read model to have seen the log's end.
const LOOK_BACK: Duration = Duration::from_secs(5);

/// Writes entries into inboxes.
pub(crate) struct Inbox {
    pub(crate) log: EventLog,
    pub(crate) read_model: ReadModel,
    /// Whose rooms have unread entries.
    pub(crate) open: Open,
    /// Where inboxes and conversations stood when they were last waited for in vain; 0 for never.
    pub(crate) stuck: [AtomicU64; 2],
}

impl Inbox {
    pub(crate) fn new(log: EventLog, read_model: ReadModel, open: Open) -> Self {
        Self { log, read_model, open, stuck: [const { AtomicU64::new(0) }; 2] }
    }

    /// Puts an entry about no message into an inbox.
    pub(crate) async fn put(
        &self,
        entry: &NotificationCreated,
        cause: &Cause,
    ) -> Result<Done, Failed> {
        if cause.repeated && self.is_there(entry).await? {
            return Ok(Done::Before);
        }
        let event = Event {
            id: inbox_event_id(entry),
            time: Timestamp::now(),
            actor: Actor::System,
            causation: Some(cause.event),
            traceparent: cause.trace.clone(),
            data: EventData::Notification(NotificationEvent::Created(entry.clone())),
        };
        let lane = Lane::Inbox(entry.user_id);
        let id = DedupId::of(["notifier", "inbox", entry.notification_id.as_str()]);
        let write = LaneWrite::new(lane, event, Expect::Any).dedup(id);
        match self.log.append(vec![write]).await {
            Ok(appended) if appended.duplicate => Ok(Done::Before),
            Ok(_) => Ok(Done::Now),
            Err(AppendError::AlreadyCommitted) => Ok(Done::Before),
            Err(error @ (AppendError::TooLarge | AppendError::Unreadable(_))) => {
                Err(Failed::for_good(error_chain(&error)))
            }
            Err(error @ AppendError::StorageFull) => {
                Err(Failed::for_want_of_room(error_chain(&error)))
            }
            Err(error) => Err(Failed::for_now(error_chain(&error))),
        }
    }

    /// Of whose messages a user does not hear: their own, and of those whom they block.
    pub(crate) async fn unheard_by(&self, user: &UserId) -> Result<Vec<UserId>, Failed> {
        let mut unheard = vec![*user];
        let last = self
            .log
            .last(&Lane::Blocks(*user))
            .await
            .map_err(|error| Failed::for_now(error_chain(&error)))?;
        let Some(last) = last else { return Ok(unheard) };
        let event = last.event().map_err(|error| Failed::for_now(error_chain(&error)))?;
        let EventData::Block(event) = event.data else {
            return Err(Failed::for_now("a list of blocks holds something else"));
        };
        unheard.extend_from_slice(&event.after().blocked);
        Ok(unheard)
    }

    /// Makes an entry about a message, if it is due and its user wants to hear of who wrote it.
    pub(crate) async fn tell(&self, notice: &Notice, cause: &Cause) -> Result<Done, Failed> {
        if self.unheard_by(&notice.user_id).await?.contains(&notice.actor_id) {
            return Ok(Done::Before);
        }
        self.settle(notice, cause).await
    }

    /// Whether the account of a user was closed for good.
    pub(crate) async fn is_erased(&self, user: &UserId) -> Result<bool, Failed> {
        let last = self
            .log
            .last(&Lane::User(*user))
            .await
            .map_err(|error| Failed::for_now(error_chain(&error)))?;
        let Some(last) = last else { return Ok(true) };
        let event = last.event().map_err(|error| Failed::for_now(error_chain(&error)))?;
        Ok(event.data.account().is_none())
    }

    /// Whether an earlier delivery has made this entry already.
    async fn is_there(&self, entry: &NotificationCreated) -> Result<bool, Failed> {
        let lane = Lane::Inbox(entry.user_id);
        let last =
            self.log.last(&lane).await.map_err(|error| Failed::for_now(error_chain(&error)))?;
        let Some(last) = last else { return Ok(false) };
        // A read model that lags or has stopped must not keep people from being told: the entry is then
        // written again under its id, and counted once by the projection.
        if self.read_model.wait_for_groups(&[Group::Inbox], last.sequence, LOOK_BACK).await.is_err()
        {
            return Ok(false);
        }
        let store = self.read_model.current();
        let found = store.notification(&entry.user_id, &entry.notification_id).await;
        Ok(found.map_err(|error| Failed::for_now(error_chain(&error)))?.is_some())
    }
}

#[async_trait]
impl Channel for Inbox {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Inbox
    }

    fn answer_within(&self) -> Duration {
        Duration::from_secs(10)
    }

    fn passes(&self, effect: &Effect, at: Sequence) -> bool {
        let Effect::Reading(reading) = effect else { return false };
        self.open.certainly_none(&reading.user_id, &reading.room_id, at)
    }

    async fn perform(&self, effect: &Effect, cause: &Cause) -> Result<Done, Failed> {
        match effect {
            Effect::Inbox(entry) => self.put(entry, cause).await,
            Effect::Notice(notice) => self.tell(notice, cause).await,
            Effect::Answered(answered) => self.answered(answered, cause).await,
            Effect::Review(review) => self.review(review, cause).await,
            Effect::Reading(reading) => self.read(reading, cause).await,
            Effect::Mail(_) | Effect::ForgetMails(_) | Effect::Missed(_) => Ok(Done::Before),
        }
    }
}

/// An entry is taken back.
pub(crate) fn taken_back(entry: &NotificationDoc) -> EventData {
    NotificationRemoved {
        user_id: entry.user_id,
        notification_id: entry.id,
        room_id: entry.room_id,
        message_id: entry.message_id,
    }
    .into()
}
