//! Entries about messages: made, read and taken back by what is true now.
//!
//! Deliveries come more than once and in any order: a deletion may be handled before the post it follows. So each
//! is only a reason to look. What an inbox should hold is read off the documents (the message, the reader's marker,
//! their entries), what it lacks is appended on condition that nothing else has come into that inbox since it was
//! looked at, and after every append it is looked at again, with the documents at least as far as the append.
//! Whatever happened before that is seen then; whatever happens later has a delivery of its own that sees the entry.

use std::sync::atomic::Ordering;
use std::time::Duration;

use eventlog::{AppendError, Expect, LaneWrite};
use readmodel::{Anchor, Group, MessageDoc, NotificationDoc, ReadStore, Threads};
use schemas::event::EventData;
use schemas::events::NotificationsRead;
use schemas::ids::{EventId, MessageId, RoomId, UserId};
use schemas::values::{NotificationKind, Notify};
use schemas::{Actor, Event, Lane, Sequence, Timestamp};
use telemetry::error_chain;

use crate::channel::{Cause, Done, Failed};
use crate::inbox::{Inbox, taken_back};
use crate::later::notice_of;
use crate::policy::{Notice, Reading, Review};
use crate::reader::Reader;

/// Times an inbox is looked at again because something came into it meanwhile.
const ROUNDS: usize = 20;
/// How long documents are waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// Messages after a deleted one, and entries of an inbox, that are looked through.
const LOOKED_AT: usize = 200;
/// Entries read by one append.
const TOGETHER: usize = 100;

/// What a decision about one entry is made by.
#[derive(Debug, Clone, Default)]
struct Known {
    /// The entry about the message, also one that was taken back.
    entry: Option<NotificationDoc>,
    /// Whether the message was deleted.
    deleted: bool,
    /// Whether it names the reader; what is not known stands.
    named: bool,
    /// Whether the reader's marker was moved to the message or past it after the entry was due.
    read: bool,
    /// Whether the reader wants to hear nothing of the room.
    silenced: bool,
    /// Whether another unread entry speaks for the direct room or the thread.
    spoken_for: bool,
}

/// What an inbox lacks of what it should hold about a message.
fn lacks(notice: Option<&Notice>, known: &Known, repeated: bool) -> Vec<EventData> {
    let stands = |kind| !known.deleted && (kind != NotificationKind::Mention || known.named);
    if let Some(entry) = &known.entry {
        // One that was taken back is not made again: a person is told of a message once.
        return match (entry.removed, known.deleted || (!entry.read && !stands(entry.kind))) {
            (true, _) => Vec::new(),
            (false, true) => vec![taken_back(entry)],
            (false, false) if known.read && !entry.read => {
                vec![read(&entry.user_id, entry.id)]
            }
            (false, false) => Vec::new(),
        };
    }
    let wanted = |notice: &&Notice| stands(notice.kind) && !known.silenced;
    let Some(notice) = notice.filter(wanted) else { return Vec::new() };
    let one_speaks =
        matches!(notice.kind, NotificationKind::DirectMessage | NotificationKind::ThreadReply);
    // One that was read long ago may have been spoken for by an entry of then.
    if one_speaks && (known.spoken_for || (repeated && known.read)) {
        return Vec::new();
    }
    let created = notice.entry();
    let id = created.notification_id;
    let mut events = vec![EventData::from(created)];
    if known.read {
        events.push(read(&notice.user_id, id));
    }
    events
}

fn read(user: &UserId, id: schemas::NotificationId) -> EventData {
    NotificationsRead { user_id: *user, notification_id: Some(id) }.into()
}

fn failed(error: impl std::error::Error) -> Failed {
    Failed::for_now(error_chain(&error))
}

impl Inbox {
    /// Makes an entry about a message, if it is due.
    pub(crate) async fn settle(&self, notice: &Notice, cause: &Cause) -> Result<Done, Failed> {
        let mut through = cause.sequence;
        let mut done = Done::Before;
        for _ in 0..ROUNDS {
            let end = self.end_of(&notice.user_id).await?;
            if !self.caught_up(Group::Inbox, end).await {
                // Inboxes that have stopped must not keep people from being told: the projection counts
                // an entry once, by its id.
                return self.put(&notice.entry(), &cause.with_repeated(false)).await;
            }
            // At least as far as the inbox: without the marker that has read an entry, the entry would seem not to have
            // spoken for this message. Where the conversations have stopped people are told all the same:
            // what was changed meanwhile is mended by the deliveries of the changes.
            self.caught_up(Group::Conversations, through.max(end)).await;
            let store = self.read_model.current();
            let known = self.known(store.as_ref(), notice).await?;
            let events = lacks(Some(notice), &known, cause.repeated);
            if events.is_empty() {
                return Ok(done);
            }
            if let Some(at) = self.write(&notice.user_id, end, events, cause).await? {
                (through, done) = (through.max(at), Done::Now);
            }
        }
        Err(Failed::for_now("too much comes into an inbox at once"))
    }

    /// Takes entries about a message back that are due no more.
    pub(crate) async fn review(&self, review: &Review, cause: &Cause) -> Result<Done, Failed> {
        self.inboxes_at(review.at).await?;
        let told = self.read_model.current().people_told_of(&review.message_id).await;
        let mut done = Done::Before;
        for user in told.map_err(failed)? {
            if self.review_one(&user, review, cause).await? == Done::Now {
                done = Done::Now;
            }
        }
        Ok(done)
    }

    async fn review_one(
        &self,
        user: &UserId,
        review: &Review,
        cause: &Cause,
    ) -> Result<Done, Failed> {
        for _ in 0..ROUNDS {
            let end = self.end_of(user).await?;
            self.inboxes_at(end.max(review.at)).await?;
            if !review.deleted {
                self.caught_up(Group::Conversations, review.at).await;
            }
            let store = self.read_model.current();
            let entry = store.notification_about(user, &review.message_id).await.map_err(failed)?;
            let mut known = Known { entry, deleted: review.deleted, ..Known::default() };
            self.see_message(store.as_ref(), user, &review.message_id, &mut known).await?;
            let events = lacks(None, &known, cause.repeated);
            if events.is_empty() {
                return Ok(Done::Before);
            }
            // Before the entry goes: a crash in between leaves one too many for a moment, and none too few.
            if let Some(entry) = &known.entry {
                self.speak_for_the_next(entry, cause).await?;
                self.speak_for_the_next_answer(entry, cause).await?;
            }
            if self.write(user, end, events, cause).await?.is_some() {
                return Ok(Done::Now);
            }
        }
        Err(Failed::for_now("too much comes into an inbox at once"))
    }

    /// The entry of a direct room goes with its message. What was said after it had none of its own, as that one
    /// spoke for it: the next unread message gets one.
    async fn speak_for_the_next(
        &self,
        gone: &NotificationDoc,
        cause: &Cause,
    ) -> Result<(), Failed> {
        let (Some(room), Some(message)) = (&gone.room_id, &gone.message_id) else { return Ok(()) };
        if gone.kind != NotificationKind::DirectMessage || gone.read {
            return Ok(());
        }
        let store = self.read_model.current();
        let Some(message) = store.message(message).await.map_err(failed)? else { return Ok(()) };
        let own = store.membership(room, &gone.user_id).await.map_err(failed)?;
        let read = own.map_or(0, |own| own.marker_number).max(message.number);
        let unheard = self.unheard_by(&gone.user_id).await?;
        let later = store.timeline(room, Threads::Shown, Anchor::After(read), LOOKED_AT).await;
        let stands =
            |next: &MessageDoc| next.deleted_at.is_none() && !unheard.contains(&next.sender_id);
        let next = later.map_err(failed)?.into_iter().find(stands);
        let Some(next) = next else { return Ok(()) };
        let notice = notice_of(&next, gone.user_id, NotificationKind::DirectMessage);
        self.settle(&notice, &cause.with_repeated(true)).await.map(drop)
    }

    /// Marks entries as read that a person has read past.
    pub(crate) async fn read(&self, reading: &Reading, cause: &Cause) -> Result<Done, Failed> {
        let (user, room) = (&reading.user_id, &reading.room_id);
        // Who is erased leaves every room, and nothing comes into their inbox any more.
        if reading.is_departure() && self.is_erased(user).await? {
            return Ok(Done::Before);
        }
        self.open.reach(reading.at).await;
        if self.open.certainly_none(user, room, reading.at) {
            return Ok(Done::Before);
        }
        if !self.caught_up(Group::Inbox, reading.at).await {
            // Every post has such an effect: with inboxes stopped they would all become dead letters. The next
            // reading does it.
            tracing::debug!(event.seq = reading.at, "inboxes are too far behind to be read");
            return Ok(Done::Before);
        }
        if !self.look_up(reading).await? {
            return Ok(Done::Before);
        }
        let mut done = Done::Before;
        for _ in 0..ROUNDS {
            let end = self.end_of(user).await?;
            self.inboxes_at(end.max(reading.at)).await?;
            let unread = self.read_model.current().unread_about_room(user, room).await;
            let covered = unread.map_err(failed)?.into_iter().filter(|entry| {
                let (message, thread) = (entry.message_id.as_ref(), entry.thread_root_id.as_ref());
                reading.covers(message, thread, (entry.posted, entry.caused))
            });
            let events: Vec<EventData> =
                covered.take(TOGETHER).map(|entry| read(user, entry.id)).collect();
            if events.is_empty() {
                return Ok(done);
            }
            if self.write(user, end, events, cause).await?.is_some() {
                done = Done::Now;
            }
        }
        Err(Failed::for_now("there is more to read than one delivery can do"))
    }

    /// Finds out whether a person has unread entries about a room, and remembers it.
    async fn look_up(&self, reading: &Reading) -> Result<bool, Failed> {
        let question = self.open.ask(&reading.user_id, reading.at);
        self.inboxes_at(question.through).await?;
        let rooms = self.read_model.current().rooms_with_unread(&reading.user_id).await;
        let rooms = rooms.map_err(failed)?;
        let some = rooms.contains(&reading.room_id);
        self.open.answer(question, rooms.into_iter().collect());
        Ok(some)
    }

    async fn known(&self, store: &dyn ReadStore, notice: &Notice) -> Result<Known, Failed> {
        let (user, room, message) = (&notice.user_id, &notice.room_id, &notice.message_id);
        let entry = store.notification_about(user, message).await.map_err(failed)?;
        let mut known = Known { entry, ..Known::default() };
        let found = self.see_message(store, user, message, &mut known).await?;
        let load = || Reader::load(store, user, room, notice.thread_root_id.as_slice());
        let reader = load().await.map_err(failed)?;
        known.silenced = reader.own.as_ref().is_some_and(|own| own.notify == Notify::None);
        known.silenced |= reader.was_out_since(notice.caused);
        if let Some(found) = &found {
            let caused = known.entry.as_ref().map_or(notice.caused, |entry| entry.caused);
            known.read = reader.has_read(found, caused) || reader.was_out_since(caused);
        }
        if notice.kind == NotificationKind::ThreadReply && known.entry.is_none() {
            known.spoken_for = self.thread_spoken_for(store, notice, &reader).await?;
        }
        if notice.kind == NotificationKind::DirectMessage && known.entry.is_none() {
            known.spoken_for = !known.read && self.spoken_for(store, user, room).await?;
            // What spoke for it may have been read after the marker was looked at, and this message with it.
            if let Some(found) = found.filter(|_| !known.read && !known.spoken_for) {
                known.read = load().await.map_err(failed)?.has_read(&found, notice.caused);
            }
            if known.read {
                known.spoken_for = self.was_spoken_for(store, notice).await?;
            }
        }
        Ok(known)
    }

    /// Whether an unread entry spoke for a direct room when a message was posted that was read since.
    async fn was_spoken_for(&self, store: &dyn ReadStore, notice: &Notice) -> Result<bool, Failed> {
        let (user, room) = (&notice.user_id, Some(&notice.room_id));
        let read_all = store.inbox(user).await.map_err(failed)?.read_all;
        let newest = store.notifications(user, false, None, LOOKED_AT).await.map_err(failed)?;
        let spoke = |entry: &NotificationDoc| {
            let read_at = if entry.updated > entry.created { entry.updated } else { read_all };
            let direct = entry.kind == NotificationKind::DirectMessage;
            direct
                && entry.room_id.as_ref() == room
                && entry.posted < notice.posted
                && (!entry.read || read_at > notice.posted)
        };
        Ok(newest.items.iter().any(spoke))
    }

    /// Whether an unread entry speaks for a direct room. One whose message was read past does not, though the
    /// delivery that reads it may not have been handled yet.
    async fn spoken_for(
        &self,
        store: &dyn ReadStore,
        user: &UserId,
        room: &RoomId,
    ) -> Result<bool, Failed> {
        let mut unread = store.unread_about_room(user, room).await.map_err(failed)?;
        unread.retain(|entry| entry.kind == NotificationKind::DirectMessage);
        let about = unread.iter().filter_map(|entry| entry.message_id);
        let messages = store.messages(&about.collect::<Vec<_>>()).await.map_err(failed)?;
        let threads = messages.iter().filter_map(|message| message.thread_root_id);
        let threads: Vec<MessageId> = threads.collect();
        let reader = Reader::load(store, user, room, &threads).await.map_err(failed)?;
        let stands = |entry: &NotificationDoc| {
            let message = messages.iter().find(|one| Some(&one.id) == entry.message_id.as_ref());
            let read = message.is_some_and(|message| reader.has_read(message, entry.caused));
            let deleted = message.is_some_and(|message| message.deleted_at.is_some());
            !read && !deleted
        };
        Ok(unread.iter().any(stands))
    }

    /// Notes what became of a message, and answers with it. One that is not projected yet stands as it was
    /// written.
    async fn see_message(
        &self,
        store: &dyn ReadStore,
        user: &UserId,
        message: &MessageId,
        known: &mut Known,
    ) -> Result<Option<MessageDoc>, Failed> {
        let found = store.message(message).await.map_err(failed)?;
        known.deleted |= found.as_ref().is_some_and(|doc| doc.deleted_at.is_some());
        known.named = found.as_ref().is_none_or(|doc| doc.mentions.contains(user));
        Ok(found)
    }

    /// The last event in an inbox; 0 for none.
    async fn end_of(&self, user: &UserId) -> Result<Sequence, Failed> {
        let last = self.log.last(&Lane::Inbox(*user)).await.map_err(failed)?;
        Ok(last.map_or(0, |last| last.sequence))
    }

    async fn inboxes_at(&self, through: Sequence) -> Result<(), Failed> {
        match self.caught_up(Group::Inbox, through).await {
            true => Ok(()),
            false => Err(Failed::for_now("the inboxes are too far behind")),
        }
    }

    /// Waits for a group of documents; false when it is not there in time. One that was given up is not waited
    /// for again until it has moved.
    pub(crate) async fn caught_up(&self, group: Group, through: Sequence) -> bool {
        let groups = &[group];
        let wait = |patience| self.read_model.wait_for_groups(groups, through, patience);
        let stuck = if group == Group::Inbox { &self.stuck[0] } else { &self.stuck[1] };
        let before = stuck.load(Ordering::Relaxed);
        let patience = if before == 0 { PATIENCE } else { Duration::ZERO };
        let mut waited = wait(patience).await;
        if before != 0 && waited.is_err_and(|lagging| lagging.at != before) {
            waited = wait(PATIENCE).await;
        }
        stuck.store(waited.map_or_else(|lagging| lagging.at.max(1), |()| 0), Ordering::Relaxed);
        waited.is_ok()
    }

    /// Writes into an inbox that has had nothing since `end`; none when it has. Answers with where it was written.
    async fn write(
        &self,
        user: &UserId,
        end: Sequence,
        events: Vec<EventData>,
        cause: &Cause,
    ) -> Result<Option<Sequence>, Failed> {
        let writes = events.into_iter().enumerate().map(|(place, data)| {
            #[expect(
                clippy::disallowed_methods,
                reason = "this service makes the ids of its events"
            )]
            let id = EventId::from_uuid(uuid::Uuid::now_v7());
            let event = Event {
                id,
                time: Timestamp::now(),
                actor: Actor::System,
                causation: Some(cause.event),
                traceparent: cause.trace.clone(),
                data,
            };
            let expect = if place == 0 { Expect::At(end) } else { Expect::Any };
            LaneWrite::new(Lane::Inbox(*user), event, expect)
        });
        match self.log.append(writes.collect()).await {
            Ok(appended) => Ok(Some(appended.position.sequence)),
            Err(AppendError::Conflict | AppendError::AlreadyCommitted) => Ok(None),
            Err(error @ (AppendError::TooLarge | AppendError::Unreadable(_))) => {
                Err(Failed::for_good(error_chain(&error)))
            }
            Err(error @ AppendError::StorageFull) => {
                Err(Failed::for_want_of_room(error_chain(&error)))
            }
            Err(error) => Err(failed(error)),
        }
    }
}

#[cfg(test)]
#[path = "notices_tests.rs"]
mod tests;
