//! What comes too late to be told, and what was told last on a timeline: pure.
//!
//! The log may hold an edit after the deletion of its message, a reaction that is there already, and a read marker that
//! goes back: decisions are
//! fenced by membership, not by message, and two copies of chat-svc decide at the same time. A reader of the
//! log applies "nothing changes a deleted message" and "markers go forwards". Here that is done by what was
//! deleted and marked within the longest time a decision can take to be appended; before that, chat-svc has
//! known of it and refused. Times are those at which the log stored the events, never this machine's.

use std::collections::HashMap;
use std::hash::Hash;

use schemas::events::{
    MessageEvent, MessagePosted, PinEvent, ReactionEvent, ReceiptEvent, ThreadEvent,
};
use schemas::values::Emoji;
use schemas::{EventData, MessageId, RoomId, Sequence, Timestamp, UserId};

/// The longest time between what a decision was made by and its append, in milliseconds: reading up to eight
/// lanes and places of the log one after the other (5 s each), appending (10 s), and as long again for a
/// server that stands still meanwhile.
pub(crate) const WINDOW_MS: i64 = 120_000;
/// Entries of one kind that are kept in each half of the memory. An entry takes about 150 bytes, all of them at most
/// 60 MB, and that only where so much happens within two minutes.
const KEPT: usize = 65_536;

/// What to do with an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is told.
    Timely,
    /// It changes nothing and no client is told of it.
    TooLate,
    /// Whether its message was deleted before, or what it takes back was taken back, is not known here: ask the read
    /// model.
    Unsure(MessageId),
    /// Whether it was one too many is not known here: ask the read model, and [`Late::note`] it if it was not.
    NearLimit(Addition),
}

/// What others add to a message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Addition {
    /// A user's reaction.
    Reaction(MessageId, UserId, Emoji),
    /// Its pin.
    Pin(MessageId),
}

impl Addition {
    fn reaction(message: &MessageId, user: &UserId, emoji: &Emoji) -> Self {
        Self::Reaction(*message, *user, emoji.clone())
    }

    const fn message(&self) -> &MessageId {
        match self {
            Self::Reaction(message, ..) | Self::Pin(message) => message,
        }
    }
}

/// The newest entries, forgotten by halves.
#[derive(Debug)]
struct Newest<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    /// When `young` was begun.
    turned: i64,
    /// Everything since then is known.
    since: i64,
    kept: usize,
}

impl<K: Hash + Eq, V> Newest<K, V> {
    fn since(begin: i64, kept: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), turned: begin, since: begin, kept }
    }

    fn get(&self, key: &K) -> Option<&V> {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    fn put(&mut self, key: K, value: V, now: i64) {
        if now.saturating_sub(self.turned) >= WINDOW_MS || self.young.len() >= self.kept {
            self.since = self.since.max(self.turned);
            self.old = std::mem::take(&mut self.young);
            self.turned = now;
        }
        self.young.insert(key, value);
    }

    /// Whether what is not here did not happen within the window.
    const fn is_sure(&self, now: i64) -> bool {
        now.saturating_sub(self.since) >= WINDOW_MS
    }
}

/// What was deleted, and how far people have read, lately.
#[derive(Debug)]
pub(crate) struct Late {
    deleted: Newest<MessageId, ()>,
    markers: Newest<(RoomId, UserId), Sequence>,
    /// Whether each addition is there.
    additions: Newest<Addition, bool>,
    thread_markers: Newest<(MessageId, UserId), Sequence>,
}

impl Late {
    /// Knows everything from `begin` on; none: from the beginning of the log on.
    pub(crate) fn since(begin: Option<Timestamp>) -> Self {
        Self::bounded(begin, KEPT)
    }

    fn bounded(begin: Option<Timestamp>, kept: usize) -> Self {
        let begin = begin.map_or(i64::MIN, |begin| begin.millis());
        Self {
            deleted: Newest::since(begin, kept),
            markers: Newest::since(begin, kept),
            additions: Newest::since(begin, kept),
            thread_markers: Newest::since(begin, kept),
        }
    }

    /// Judges an event at its place in the log, and takes note of it.
    pub(crate) fn judge(
        &mut self,
        event: &EventData,
        sequence: Sequence,
        stored_at: Timestamp,
    ) -> Verdict {
        let now = stored_at.millis();
        match event {
            EventData::Message(event) => self.judge_message(event, sequence, now),
            EventData::Receipt(ReceiptEvent::Moved(moved)) => {
                let key = (moved.room_id, moved.user_id);
                if self.markers.get(&key).is_some_and(|reached| *reached >= moved.posted) {
                    return Verdict::TooLate;
                }
                self.markers.put(key, moved.posted, now);
                Verdict::Timely
            }
            EventData::Reaction(ReactionEvent::Added(added)) => {
                let addition = Addition::reaction(&added.message_id, &added.user_id, &added.emoji);
                self.judge_addition(addition, true, added.near_limit, now)
            }
            EventData::Reaction(ReactionEvent::Removed(removed)) => {
                let addition =
                    Addition::reaction(&removed.message_id, &removed.user_id, &removed.emoji);
                self.judge_addition(addition, false, false, now)
            }
            EventData::Pin(PinEvent::Pinned(pinned)) => {
                let addition = Addition::Pin(pinned.message_id);
                self.judge_addition(addition, true, pinned.near_limit, now)
            }
            EventData::Pin(PinEvent::Unpinned(unpinned)) => {
                let addition = Addition::Pin(unpinned.message_id);
                self.judge_addition(addition, false, false, now)
            }
            EventData::Thread(ThreadEvent::Read(read)) => {
                let key = (read.thread_root_id, read.user_id);
                if self.thread_markers.get(&key).is_some_and(|reached| *reached >= read.posted) {
                    return Verdict::TooLate;
                }
                self.thread_markers.put(key, read.posted, now);
                Verdict::Timely
            }
            EventData::Thread(ThreadEvent::Followed(_) | ThreadEvent::Unfollowed(_))
            | EventData::Notification(_)
            | EventData::Media(_)
            | EventData::Report(_)
            | EventData::User(_)
            | EventData::Session(_)
            | EventData::Challenge(_)
            | EventData::Identity(_)
            | EventData::Name(_)
            | EventData::Room(_)
            | EventData::Member(_)
            | EventData::Block(_)
            | EventData::Prefs(_)
            | EventData::Audit(_)
            | EventData::Invite(_)
            | EventData::Erasure(_)
            | EventData::Export(_)
            | EventData::Hold(_)
            | EventData::Retention(_) => Verdict::Timely,
        }
    }

    /// A repeat changes nothing. One that is not known here was decided long after what it repeats, by who knew of that;
    /// for one that takes back, this gateway must know everything since then, or the read model is asked.
    fn judge_addition(
        &mut self,
        addition: Addition,
        there: bool,
        near_limit: bool,
        now: i64,
    ) -> Verdict {
        let message = *addition.message();
        let deleted = self.deleted.get(&message).is_some();
        if deleted || self.additions.get(&addition) == Some(&there) {
            return Verdict::TooLate;
        }
        if near_limit {
            return Verdict::NearLimit(addition);
        }
        let known = there || self.additions.get(&addition).is_some() || self.additions.is_sure(now);
        self.additions.put(addition, there, now);
        let sure = known && self.deleted.is_sure(now);
        if sure { Verdict::Timely } else { Verdict::Unsure(message) }
    }

    /// An addition of which that was not known here is there.
    pub(crate) fn note(&mut self, addition: Addition, stored_at: Timestamp) {
        self.additions.put(addition, true, stored_at.millis());
    }

    fn judge_message(&mut self, event: &MessageEvent, sequence: Sequence, now: i64) -> Verdict {
        match event {
            MessageEvent::Deleted(deleted) => {
                if self.deleted.get(&deleted.message_id).is_some() {
                    return Verdict::TooLate;
                }
                self.deleted.put(deleted.message_id, (), now);
                Verdict::Timely
            }
            MessageEvent::Edited(edited) => {
                let id = &edited.message.id;
                match self.deleted.get(id) {
                    Some(()) => Verdict::TooLate,
                    None if self.deleted.is_sure(now) => Verdict::Timely,
                    None => Verdict::Unsure(*id),
                }
            }
            MessageEvent::Posted(MessagePosted { message, .. }) => {
                // The author of a message has read up to there, in the main timeline or in its thread.
                let author = message.sender_id;
                match &message.thread_root_id {
                    None => self.markers.put((message.room_id, author), sequence, now),
                    Some(root) => self.thread_markers.put((*root, author), sequence, now),
                }
                Verdict::Timely
            }
        }
    }
}

/// For every timeline whose last event was withheld, the last one that was told: what the next event
/// names as the former one.
#[derive(Debug, Default)]
pub(crate) struct Chain(HashMap<RoomId, (Sequence, Option<Sequence>)>);

impl Chain {
    /// The last event told on a timeline, given the last one there is.
    pub(crate) fn told_before(&self, room: &RoomId, last: Option<Sequence>) -> Option<Sequence> {
        match self.0.get(room) {
            Some((untold, told)) if last == Some(*untold) => *told,
            Some(_) | None => last,
        }
    }

    /// An event of a timeline was handed on, with the last one told before it.
    pub(crate) fn handed_on(
        &mut self,
        room: &RoomId,
        at: Sequence,
        told_before: Option<Sequence>,
        told: bool,
    ) {
        if told {
            self.0.remove(room);
            return;
        }
        if self.0.len() >= KEPT {
            // A client is then named an event it was not told of, and resumes.
            self.0.clear();
        }
        self.0.insert(*room, (at, told_before));
    }
}

#[cfg(test)]
mod tests;
