//! When members last wrote in rooms that are in slow mode.
//!
//! A message takes its author's turn before it is written, so that of several that come at once only one is written.
//! Exact within this process; what other copies of it write is learned from the live feed, a moment later, and before
//! that known to [`crate::shared_turns`].

use std::time::{Duration, Instant};

use moka::ops::compute::Op;
use moka::sync::Cache;
use schemas::values::ClientId;
use schemas::{MessageId, RoomId, UserId};

/// No room asks for a longer pause.
const LONGEST: Duration = Duration::from_secs(21_600);

/// A member's last message in a room.
#[derive(Debug, Clone)]
struct Turn {
    taken: Instant,
    by: MessageId,
    client_id: Option<ClientId>,
    /// When the turn before it was taken, in case nothing is written.
    before: Option<(Instant, MessageId)>,
}

/// Who has written where, and when.
pub(crate) struct SlowMode {
    turns: Cache<(RoomId, UserId), Turn>,
}

impl SlowMode {
    /// Remembers so many members.
    pub(crate) fn new(capacity: u64) -> Self {
        Self { turns: Cache::builder().max_capacity(capacity).time_to_live(LONGEST).build() }
    }

    /// Takes the turn of a member for a message; whether it was taken by this message. A repeat of the last one, by its
    /// client id, needs none.
    ///
    /// # Errors
    /// The seconds to wait when the last turn is less than `pause` seconds ago.
    pub(crate) fn take(
        &self,
        key: (RoomId, UserId),
        pause: u32,
        message: &MessageId,
        client_id: Option<&ClientId>,
    ) -> Result<bool, u32> {
        let (now, pause) = (Instant::now(), Duration::from_secs(pause.into()));
        let (mut wait, mut taken) = (None, true);
        self.turns.entry(key).and_compute_with(|last| {
            let last = last.map(moka::Entry::into_value);
            if let Some(last) = &last {
                let same = last.by == *message
                    || (client_id.is_some() && last.client_id.as_ref() == client_id);
                let left = pause.saturating_sub(now.duration_since(last.taken));
                if same || !left.is_zero() {
                    wait = (!same).then_some(left);
                    taken = last.by == *message;
                    return Op::Nop;
                }
            }
            Op::Put(Turn {
                taken: now,
                by: *message,
                client_id: client_id.cloned(),
                before: last.map(|last| (last.taken, last.by)),
            })
        });
        match wait {
            None => Ok(taken),
            Some(left) => Err(u32::try_from(left.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX)),
        }
    }

    /// Nothing was written: the turn a message has taken, if it has, is as it was before. Whether it had.
    pub(crate) fn give_back(&self, key: (RoomId, UserId), message: &MessageId) -> bool {
        let mut had = false;
        self.turns.entry(key).and_compute_with(|last| match last.map(moka::Entry::into_value) {
            Some(last) if last.by == *message => {
                had = true;
                match last.before {
                    Some((taken, by)) => Op::Put(Turn { taken, by, client_id: None, before: None }),
                    None => Op::Remove,
                }
            }
            _ => Op::Nop,
        });
        had
    }

    /// A member's message was written, by another copy of this service or by this one, which may hear of it before it is
    /// acknowledged: then the turn stays as it was taken.
    pub(crate) fn heard(&self, key: (RoomId, UserId), message: MessageId) {
        self.turns.entry(key).and_compute_with(|last| match last.map(moka::Entry::into_value) {
            Some(last) if last.by == message => Op::Nop,
            _ => {
                let taken = Instant::now();
                Op::Put(Turn { taken, by: message, client_id: None, before: None })
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn key(number: u128) -> (RoomId, UserId) {
        let uuid = Uuid::from_u128(number);
        (RoomId::from_uuid(uuid), UserId::from_uuid(uuid))
    }

    fn message(number: u128) -> MessageId {
        MessageId::from_uuid(Uuid::from_u128(number))
    }

    #[test]
    fn one_message_takes_the_turn_and_may_give_it_back() {
        let slow = SlowMode::new(10);
        let client = ClientId::parse("c").unwrap();
        assert_eq!(slow.take(key(1), 30, &message(1), Some(&client)), Ok(true));
        assert_eq!(slow.take(key(1), 30, &message(1), None), Ok(true), "another try of the same");
        slow.heard(key(1), message(1));
        assert_eq!(slow.take(key(1), 30, &message(2), Some(&client)), Ok(false), "a repeat");
        assert_eq!(slow.take(key(1), 30, &message(3), None), Err(30));
        assert_eq!(slow.take(key(2), 30, &message(4), None), Ok(true));
        slow.give_back(key(1), &message(3));
        assert!(slow.take(key(1), 30, &message(5), None).is_err());
        slow.give_back(key(1), &message(1));
        assert_eq!(slow.take(key(1), 30, &message(6), None), Ok(true));
    }

    #[test]
    fn of_many_at_once_one_is_written() {
        let slow = SlowMode::new(10);
        let taken = std::thread::scope(|scope| {
            let tries: Vec<_> = (0..50)
                .map(|n| {
                    scope.spawn({
                        let slow = &slow;
                        move || slow.take(key(1), 30, &message(n), None).is_ok()
                    })
                })
                .collect();
            tries.into_iter().filter_map(|one| one.join().ok()).filter(|taken| *taken).count()
        });
        assert_eq!(taken, 1);
        slow.heard(key(2), message(1));
        assert!(slow.take(key(2), 30, &message(2), None).is_err());
    }
}
