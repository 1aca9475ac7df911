//! Threads: what the answers to a message are together.
//!
//! A thread begins with its first answer and keeps its document when all answers are deleted: it is on no list then.
//! Its answers are counted apart from the room's numbers, so that what is unread in it is a stretch of them.

use async_trait::async_trait;
use schemas::ids::{MessageId, RoomId, UserId};
use schemas::position::Sequence;
use schemas::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::unread::Counted;
use crate::answers::{Answer, ListFrom, Slice};

/// Newest answers a thread remembers the time of.
const NEWEST: usize = 16;
/// People who answered that a thread remembers.
const PARTICIPANTS: usize = 20;

/// A thread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ThreadDoc {
    /// The message that began it.
    pub root_id: MessageId,
    /// The room it is in.
    pub room_id: RoomId,
    /// The number of answers ever posted: the thread number of the newest.
    pub total: u64,
    /// Of those, the ones that were not deleted.
    pub reply_count: u64,
    /// The newest answer, deleted or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_answer: Option<MessageId>,
    /// The event that posted it: threads are listed by it. A deletion does not move a thread.
    pub last_activity: Sequence,
    /// The highest thread number of a deleted answer; 0 for none.
    pub deleted_up_to: u64,
    /// The highest thread number of an answer that names a member or the room; 0 for none.
    pub named_up_to: u64,
    /// The newest answers that were not deleted, oldest first: thread number and time. At most 16.
    pub newest: Vec<(u64, Timestamp)>,
    /// Who answered, the newest answer last: at most 20.
    pub participants: Vec<Participant>,
    /// The last event that changed anything here.
    pub updated: Sequence,
}

/// A user who answered in a thread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Participant {
    /// The user.
    pub user_id: UserId,
    /// Their answers that were not deleted.
    pub answers: u64,
}

impl ThreadDoc {
    /// A thread without answers.
    #[must_use]
    pub const fn empty(root_id: MessageId, room_id: RoomId) -> Self {
        Self {
            root_id,
            room_id,
            total: 0,
            reply_count: 0,
            last_answer: None,
            last_activity: 0,
            deleted_up_to: 0,
            named_up_to: 0,
            newest: Vec::new(),
            participants: Vec::new(),
            updated: 0,
        }
    }

    /// When the newest answer that was not deleted was posted; none without answers. Of a thread whose newest 16
    /// answers were all deleted it is the time of the last of them that is known.
    #[must_use]
    pub fn last_reply_at(&self) -> Option<Timestamp> {
        self.newest.last().filter(|_| self.reply_count > 0).map(|(_, at)| *at)
    }

    /// Takes a new answer in; answers with its thread number.
    pub fn answered(
        &mut self,
        by: &UserId,
        message: &MessageId,
        when: Timestamp,
        at: Sequence,
    ) -> u64 {
        self.total += 1;
        self.reply_count += 1;
        self.last_answer = Some(*message);
        self.last_activity = at;
        self.updated = at;
        self.newest.push((self.total, when));
        if self.newest.len() > NEWEST {
            self.newest.remove(0);
        }
        let before = self.participants.iter().position(|one| one.user_id == *by);
        let before = before.map(|place| self.participants.remove(place));
        let answers = before.map_or(1, |before| before.answers + 1);
        self.participants.push(Participant { user_id: *by, answers });
        if self.participants.len() > PARTICIPANTS {
            self.participants.remove(0);
        }
        self.total
    }

    /// Takes an answer out that was deleted.
    pub fn deleted(&mut self, by: &UserId, number: u64, at: Sequence) {
        self.reply_count = self.reply_count.saturating_sub(1);
        self.deleted_up_to = self.deleted_up_to.max(number);
        self.updated = at;
        if self.reply_count == 0 {
            self.newest.clear();
        } else if self.newest.len() > 1 {
            self.newest.retain(|(one, _)| *one != number);
        }
        if let Some(place) = self.participants.iter().position(|one| one.user_id == *by) {
            let one = &mut self.participants[place];
            one.answers = one.answers.saturating_sub(1);
            if one.answers == 0 {
                self.participants.remove(place);
            }
        }
    }
}

/// Where a list of threads goes on: after this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadAnchor {
    /// The event that posted its newest answer.
    pub last_activity: Sequence,
    /// The message that began it.
    pub root_id: MessageId,
}

/// A stretch of a thread in which something is to be counted for a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadStretch {
    /// The message that began the thread.
    pub root_id: MessageId,
    /// The user for whom mentions are counted.
    pub user_id: UserId,
    /// The thread number after which it begins.
    pub after: u64,
    /// The thread number with which it ends.
    pub through: u64,
    /// Users whose answers count as naming no one, as the user blocks them.
    pub blocked: Vec<UserId>,
}

/// What can be asked about threads.
#[async_trait]
pub trait ThreadReads: Send + Sync {
    /// Several threads: those that exist, in no particular order.
    async fn threads(&self, roots: &[MessageId]) -> Answer<Vec<ThreadDoc>>;
    /// The threads of a room that have answers, newest answer first. A thread moves by an answer.
    async fn room_threads(
        &self,
        room: &RoomId,
        from: &ListFrom<ThreadAnchor, MessageId>,
        limit: usize,
    ) -> Answer<Slice<ThreadDoc>>;
    /// Counts the deleted answers in stretches of threads, and those that name the user or the room, in their order.
    async fn count_answers(&self, stretches: Vec<ThreadStretch>) -> Answer<Vec<Counted>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(number: u128) -> UserId {
        UserId::from_uuid(uuid::Uuid::from_u128(number))
    }

    fn message(number: u64) -> MessageId {
        MessageId::from_uuid(uuid::Uuid::from_u128(number.into()))
    }

    fn thread() -> ThreadDoc {
        let room = RoomId::from_uuid(uuid::Uuid::from_u128(1));
        ThreadDoc::empty(message(1), room)
    }

    fn answers(thread: &mut ThreadDoc, by: u128, number: u64) {
        let at = Timestamp::from_millis(i64::try_from(number).unwrap());
        assert_eq!(thread.answered(&user(by), &message(number + 1), at, number), number);
    }

    #[test]
    fn the_last_reply_is_the_newest_that_stands() {
        let mut thread = thread();
        (1..=40).for_each(|number| answers(&mut thread, 7, number));
        let last = |thread: &ThreadDoc| thread.last_reply_at().map(Timestamp::millis);
        assert_eq!(last(&thread), Some(40));
        thread.deleted(&user(7), 40, 50);
        thread.deleted(&user(7), 38, 51);
        assert_eq!(last(&thread), Some(39));
        thread.deleted(&user(7), 39, 52);
        assert_eq!(last(&thread), Some(37));
        (1..=37).rev().for_each(|number| thread.deleted(&user(7), number, 60));
        assert_eq!((last(&thread), thread.reply_count, thread.total), (None, 0, 40));
        assert_eq!(thread.participants, []);
    }

    #[test]
    fn participants_are_those_whose_answers_stand_the_newest_last() {
        let mut thread = thread();
        for (number, by) in [(1, 7), (2, 8), (3, 7), (4, 9)] {
            answers(&mut thread, by, number);
        }
        let people = |thread: &ThreadDoc| -> Vec<UserId> {
            thread.participants.iter().map(|one| one.user_id).collect()
        };
        assert_eq!(people(&thread), [user(8), user(7), user(9)]);
        thread.deleted(&user(7), 1, 9);
        thread.deleted(&user(8), 2, 9);
        assert_eq!(people(&thread), [user(7), user(9)]);
    }
}
