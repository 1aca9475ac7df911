//! In which rooms people have unread inbox entries, as far as this process knows.
//!
//! Every post moves its author's read marker, and may so read entries of theirs; nearly no author has any in the
//! room they write in. Asking the read model for every post would cost more than the post. So the rooms of a
//! person are asked for once and forgotten when an entry comes into their inbox, as the live feed tells. What is
//! remembered may name too many rooms, which costs a question, and never too few.

use std::collections::HashSet;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bus::{Live, LiveFeed};
use foldhash::quality::RandomState;
use moka::sync::Cache;
use schemas::ids::{RoomId, UserId};
use schemas::{Lane, Sequence};
use tokio::sync::watch;

/// People whose rooms are remembered.
const REMEMBERED: u64 = 100_000;
/// People share one of so many notes of the last entry that came.
const NOTES: usize = 1024;
/// How long the live feed is waited for before the read model is asked instead.
const PATIENCE: Duration = Duration::from_millis(100);

/// What is known. Clones share it.
#[derive(Clone)]
pub(crate) struct Open(Arc<Inner>);

struct Inner {
    rooms: Cache<UserId, Arc<HashSet<RoomId>>, RandomState>,
    /// The last sequence at which an inbox event came, by the hash of whose it was.
    notes: Vec<AtomicU64>,
    /// Where a hash finds no note, which none does.
    first: AtomicU64,
    /// Everything up to here came over the live feed, or all was forgotten after it.
    seen: watch::Sender<Sequence>,
    hasher: RandomState,
}

/// An answer of the read model that is worth remembering, if nothing came meanwhile.
#[derive(Clone, Copy)]
pub(crate) struct Question {
    user: UserId,
    /// The read model must have got this far.
    pub(crate) through: Sequence,
    note: Sequence,
}

impl Open {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner {
            rooms: Cache::builder()
                .max_capacity(REMEMBERED)
                .build_with_hasher(RandomState::default()),
            first: AtomicU64::new(0),
            notes: (0..NOTES).map(|_| AtomicU64::new(0)).collect(),
            seen: watch::Sender::new(0),
            hasher: RandomState::default(),
        }))
    }

    /// Follows the live feed until it ends or is no longer wanted.
    pub(crate) async fn follow(self, mut feed: LiveFeed) {
        while let Some(live) = feed.next().await {
            self.take(live);
        }
        // Nothing is known any more: the read model is asked every time.
        self.0.seen.send_replace(0);
    }

    fn take(&self, live: Live) {
        match live {
            Live::Event(event) => {
                self.step(event.sequence);
                if let Lane::Inbox(user) = &event.lane {
                    self.note(user).store(event.sequence, Ordering::Release);
                    self.0.rooms.invalidate(user);
                }
                self.seen(event.sequence);
            }
            Live::Unknown { sequence } => {
                self.step(sequence);
                self.seen(sequence);
            }
            Live::Disconnected | Live::Reconnected | Live::Lagged => {
                // What comes next does not follow on what came last.
                self.0.seen.send_replace(0);
                self.forget(0);
            }
        }
    }

    /// Everything up to here was looked at.
    fn seen(&self, sequence: Sequence) {
        let seen = &self.0.seen;
        // Looked at under its lock: who waits from now on finds this place. Mostly none does.
        seen.send_if_modified(|at| {
            *at = sequence;
            seen.receiver_count() > 0
        });
    }

    /// Goes on to a sequence; one that does not follow shows that something was missed.
    fn step(&self, sequence: Sequence) {
        if *self.0.seen.borrow() + 1 != sequence {
            self.forget(sequence);
        }
    }

    fn forget(&self, sequence: Sequence) {
        for note in &self.0.notes {
            note.fetch_max(sequence, Ordering::Release);
        }
        self.0.rooms.invalidate_all();
    }

    fn note(&self, user: &UserId) -> &AtomicU64 {
        let hash = usize::try_from(self.0.hasher.hash_one(user) >> 32).unwrap_or_default();
        self.0.notes.get(hash % NOTES).unwrap_or(&self.0.first)
    }

    /// Whether a person certainly has no entry of this room that came before an event.
    pub(crate) fn certainly_none(&self, user: &UserId, room: &RoomId, before: Sequence) -> bool {
        *self.0.seen.borrow() >= before
            && self.0.rooms.get(user).is_some_and(|rooms| !rooms.contains(room))
    }

    /// Waits a moment for the live feed to get to an event.
    pub(crate) async fn reach(&self, sequence: Sequence) {
        let mut seen = self.0.seen.subscribe();
        let reached = seen.wait_for(|seen| *seen >= sequence);
        drop(tokio::time::timeout(PATIENCE, reached).await);
    }

    /// Begins to find out about a person.
    pub(crate) fn ask(&self, user: &UserId, at: Sequence) -> Question {
        let note = self.note(user).load(Ordering::Acquire);
        Question { user: *user, through: at.max(note), note }
    }

    /// Remembers the answer, unless something came meanwhile.
    pub(crate) fn answer(&self, question: Question, rooms: HashSet<RoomId>) {
        let Question { user, note, .. } = question;
        let known = *self.0.seen.borrow() > 0;
        if known && self.note(&user).load(Ordering::Acquire) == note {
            self.0.rooms.insert(user, Arc::new(rooms));
            if self.note(&user).load(Ordering::Acquire) != note {
                self.0.rooms.invalidate(&user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bus::LiveEvent;
    use schemas::Timestamp;
    use uuid::Uuid;

    fn user(number: u128) -> UserId {
        UserId::from_uuid(Uuid::from_u128(number))
    }

    fn room(number: u128) -> RoomId {
        RoomId::from_uuid(Uuid::from_u128(number))
    }

    fn comes(open: &Open, sequence: Sequence, lane: Lane) {
        open.take(Live::Event(LiveEvent {
            sequence,
            previous: 0,
            lane,
            payload: Default::default(),
            stored_at: Timestamp::from_millis(0),
        }));
    }

    fn elsewhere() -> Lane {
        Lane::Timeline(room(9))
    }

    fn asked(open: &Open, rooms: &[u128]) {
        let question = open.ask(&user(1), 0);
        open.answer(question, rooms.iter().map(|number| room(*number)).collect());
    }

    #[test]
    fn what_is_not_known_is_asked_for() {
        let open = Open::new();
        asked(&open, &[]);
        assert!(!open.certainly_none(&user(1), &room(1), 0), "the feed has not begun");
        comes(&open, 7, elsewhere());
        asked(&open, &[2]);
        assert!(open.certainly_none(&user(1), &room(1), 7));
        assert!(!open.certainly_none(&user(1), &room(2), 7));
        assert!(!open.certainly_none(&user(1), &room(1), 8), "the feed has not got there");
        assert!(!open.certainly_none(&user(2), &room(1), 7));
    }

    #[test]
    fn an_entry_that_comes_makes_everything_known_of_the_person_old() {
        let open = Open::new();
        comes(&open, 7, elsewhere());
        asked(&open, &[]);
        let question = open.ask(&user(1), 7);
        comes(&open, 8, Lane::Inbox(user(1)));
        assert!(!open.certainly_none(&user(1), &room(1), 8));
        open.answer(question, HashSet::new());
        assert!(!open.certainly_none(&user(1), &room(1), 8), "an answer from before it");
        assert_eq!(open.ask(&user(1), 3).through, 8, "the read model must have got to the entry");
        asked(&open, &[]);
        assert!(open.certainly_none(&user(1), &room(1), 8));
    }

    #[test]
    fn a_gap_makes_everything_old() {
        for gap in [Live::Lagged, Live::Disconnected, Live::Unknown { sequence: 12 }] {
            let open = Open::new();
            comes(&open, 7, elsewhere());
            asked(&open, &[]);
            let question = open.ask(&user(1), 7);
            open.take(gap);
            comes(&open, 13, elsewhere());
            open.answer(question, HashSet::new());
            assert!(!open.certainly_none(&user(1), &room(1), 7));
        }
    }
}
