//! Which events are told at all: nothing changes a deleted message, and read markers go forwards. And what follows from
//! one that cannot be read.

use std::sync::Arc;
use std::time::Duration;

use readmodel::Group;
use schemas::events::{PinEvent, ReactionEvent};
use schemas::frames::CloseCode;
use schemas::{DecodeError, Event, EventData, Lane, MessageId, ReactionId, Sequence, Timestamp};
use telemetry::error_chain;

use super::frames;
use super::late::Verdict;
use super::memory::Remembered;
use super::run::Run;

/// How long the read model is asked whether a message was deleted before this gateway began.
const ASK_READ_MODEL: Duration = Duration::from_millis(250);

/// Whether an event is a post, judged by its first attributes.
fn is_post(payload: &[u8]) -> bool {
    /// The type stands before anything a person wrote: after the version, the id and the source.
    const HEAD: usize = 128;
    const TYPE: &[u8] = b"\"type\":\"message.posted.v";
    let head = payload.get(..HEAD).unwrap_or(payload);
    head.windows(TYPE.len()).any(|window| window == TYPE)
}

impl Run {
    /// What an event names as the former one: on a timeline the last that was told.
    pub(super) fn told_before(&self, lane: &Lane, last: Option<Sequence>) -> Option<Sequence> {
        let Lane::Timeline(room) = lane else { return last };
        self.chain.told_before(room, last)
    }

    /// Finds out whether an event is told at all, where that needs to know what was before it: posts, which most
    /// events are, are looked at only when they are wanted.
    pub(super) async fn screen(&mut self, remembered: &Remembered, stored_at: Timestamp) {
        let concerned = match &remembered.lane {
            Lane::Timeline(_) => !is_post(&remembered.payload),
            Lane::Receipts(_) | Lane::Threads(_) => true,
            Lane::User(_)
            | Lane::Session(_)
            | Lane::Challenges(_)
            | Lane::Identity(_)
            | Lane::Identities(_)
            | Lane::Handle(_)
            | Lane::Email(_)
            | Lane::RoomName(_)
            | Lane::Direct(_)
            | Lane::Room(_)
            | Lane::Member(..)
            | Lane::Inbox(_)
            | Lane::Media(_)
            | Lane::Report(_)
            | Lane::Blocks(_)
            | Lane::Prefs(..)
            | Lane::Audit(_)
            | Lane::Invite(_)
            | Lane::Erasure(_)
            | Lane::RoomHold(_)
            | Lane::Exports(_)
            | Lane::UserHold(_)
            | Lane::Retention(_) => false,
        };
        if !concerned {
            return;
        }
        let Ok(event) = Event::decode(&remembered.payload) else { return };
        match self.late.judge(&event.data, remembered.sequence, stored_at) {
            Verdict::Timely => {}
            Verdict::TooLate => self.withhold(remembered),
            Verdict::Unsure(message) => match self.is_deleted(&message).await {
                Some(true) => self.withhold(remembered),
                Some(false) if self.is_gone(&event, remembered.sequence).await => {
                    self.withhold(remembered);
                }
                Some(false) => {}
                None => self.leave_hole(remembered),
            },
            Verdict::NearLimit(addition) => match self.fits(&event, remembered.sequence).await {
                Some(true) => self.late.note(addition, stored_at),
                Some(false) => self.withhold(remembered),
                None => self.leave_hole(remembered),
            },
        }
    }

    /// What cannot be told is made up for by loading the room anew.
    fn leave_hole(&self, remembered: &Remembered) {
        let epoch = &self.hub.inner.epoch;
        let hole = frames::unreadable(&remembered.lane, epoch, remembered.sequence);
        let _ = remembered.broadcast.set(hole.map(Arc::new));
    }

    /// What happened to an account or to sessions is not known. What was known of them before is not relied on:
    /// auth-svc is asked. When the event is no newer build's but a damaged one, people who are connected come back
    /// and are judged anew.
    pub(super) fn distrust(&self, lane: &Lane, error: &DecodeError) {
        let (Lane::User(user) | Lane::Session(user)) = lane else { return };
        let inner = &self.hub.inner;
        inner.observers.iter().for_each(|observer| observer.cut_off());
        if matches!(error, DecodeError::UnknownType(_)) {
            return;
        }
        for seat in inner.state.lock().routing.seats(user) {
            seat.outbox.close_now(CloseCode::Draining);
        }
    }

    pub(super) fn undecodable(&self, sequence: Sequence, error: &DecodeError) {
        match error {
            DecodeError::UnknownType(kind) => {
                tracing::debug!(event.seq = sequence, event.kind = %kind, "unknown event type");
            }
            DecodeError::Malformed(_) | DecodeError::Corrupt => {
                self.hub.inner.metrics.undecodable.inc();
                self.hub.inner.log.note_unreadable(sequence, error);
                tracing::error!(event.seq = sequence, error = %error_chain(error), "unreadable event");
            }
        }
    }

    fn withhold(&self, remembered: &Remembered) {
        self.hub.inner.metrics.late.inc();
        let _ = remembered.broadcast.set(None);
    }

    /// Whether a reaction or a pin was not one too many: the read model has it, by this event. None when it is not as far
    /// as that. One that was taken back meanwhile need not be told.
    async fn fits(&self, event: &Event, at: Sequence) -> Option<bool> {
        let read = &self.hub.inner.read;
        read.wait_for_groups(&[Group::Conversations], at, ASK_READ_MODEL).await.ok()?;
        let store = read.current();
        match &event.data {
            EventData::Reaction(ReactionEvent::Added(added)) => {
                let id = ReactionId::of(&added.user_id, &added.emoji);
                let found = store.reactions(&[(added.message_id, id)]).await.ok()?;
                Some(found.iter().any(|reaction| reaction.at == at))
            }
            EventData::Pin(PinEvent::Pinned(pinned)) => {
                let found = store.message(&pinned.message_id).await.ok()?;
                Some(found.is_some_and(|message| message.pinned == at))
            }
            EventData::Reaction(ReactionEvent::Removed(_))
            | EventData::Pin(PinEvent::Unpinned(_))
            | EventData::Message(_)
            | EventData::Receipt(_)
            | EventData::Thread(_)
            | EventData::Media(_)
            | EventData::Report(_)
            | EventData::Challenge(_)
            | EventData::Identity(_)
            | EventData::Audit(_)
            | EventData::Block(_)
            | EventData::Prefs(_)
            | EventData::Invite(_)
            | EventData::Erasure(_)
            | EventData::Export(_)
            | EventData::Hold(_)
            | EventData::Retention(_)
            | EventData::Notification(_)
            | EventData::User(_)
            | EventData::Session(_)
            | EventData::Name(_)
            | EventData::Room(_)
            | EventData::Member(_) => Some(true),
        }
    }

    /// Whether an event takes back what was not there before the events this gateway knows, none of which added it: the
    /// read model, not as far as the event, does not have it. False when that cannot be said.
    async fn is_gone(&self, event: &Event, at: Sequence) -> bool {
        let store = self.hub.inner.read.current();
        let there = match &event.data {
            EventData::Reaction(ReactionEvent::Removed(e)) => {
                let key = (e.message_id, ReactionId::of(&e.user_id, &e.emoji));
                store.reactions(std::slice::from_ref(&key)).await.map(|found| !found.is_empty())
            }
            EventData::Pin(PinEvent::Unpinned(e)) => {
                let found = store.message(&e.message_id).await;
                found.map(|found| found.is_some_and(|message| message.pinned != 0))
            }
            EventData::Reaction(ReactionEvent::Added(_))
            | EventData::Pin(PinEvent::Pinned(_))
            | EventData::Message(_)
            | EventData::Receipt(_)
            | EventData::Thread(_)
            | EventData::Media(_)
            | EventData::Report(_)
            | EventData::Challenge(_)
            | EventData::Identity(_)
            | EventData::Audit(_)
            | EventData::Erasure(_)
            | EventData::Export(_)
            | EventData::Hold(_)
            | EventData::Retention(_)
            | EventData::Block(_)
            | EventData::Prefs(_)
            | EventData::Invite(_)
            | EventData::Notification(_)
            | EventData::User(_)
            | EventData::Session(_)
            | EventData::Name(_)
            | EventData::Room(_)
            | EventData::Member(_) => Ok(true),
        };
        // Asked afterwards: the answer was of no later state than this.
        let checkpoint = store.checkpoint().await.map(|checkpoint| checkpoint.groups.conversations);
        matches!((there, checkpoint), (Ok(false), Ok(projected)) if projected < at)
    }

    /// Whether a message was deleted before the events this gateway knows; none when the read model is not as
    /// far as those yet.
    async fn is_deleted(&self, message: &MessageId) -> Option<bool> {
        let read = &self.hub.inner.read;
        let groups = &[Group::Conversations];
        read.wait_for_groups(groups, self.begin, ASK_READ_MODEL).await.ok()?;
        let found = read.current().message(message).await.ok()?;
        found.map(|doc| doc.deleted_at.is_some())
    }
}
