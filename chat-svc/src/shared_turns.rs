//! Turns that hold over all copies of this service: kept in a bucket, taken by compare-and-set.
//!
//! Copies share the commands about a room between them as they come, so what one copy knows of another is a moment old.
//! Where a rule must not be off by that moment (one message of a member in a pause, a hundred invitations) the copies
//! take turns here. A turn ends by itself: what a copy took that died is free again.

use std::time::Duration;

use decider::{Failure, unavailable};
use eventlog::{EventLog, SecretError, SecretStore};
use schemas::{MessageId, RoomId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

/// Its bucket.
const BUCKET: &str = "turns";
/// How often a turn that another takes at the same moment is looked at again.
const ROUNDS: usize = 5;
/// Longer than making an invitation can take.
const ALONE_FOR: Duration = Duration::from_secs(30);
/// How long another copy is waited for that makes one.
const PATIENCE: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(10);

/// A member's last message in a room that is in slow mode.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Turn {
    by: MessageId,
    at_ms: i64,
}

impl Turn {
    /// How long others have to wait after it, in seconds; none when its time is over.
    fn left(&self, pause: u32, now: Timestamp) -> Option<u32> {
        let over = self.at_ms.saturating_add(i64::from(pause) * 1_000);
        let left = over.saturating_sub(now.millis());
        // A clock that was put back must not keep a member from writing for longer than they ever have to wait.
        (left > 0).then(|| u32::try_from((left + 999) / 1_000).unwrap_or(pause).min(pause))
    }
}

/// Turns of all copies.
pub(crate) struct SharedTurns(SecretStore);

/// A room's invitations are made by this call only, until it is given back.
pub(crate) struct Alone(String, u64);

impl SharedTurns {
    pub(crate) fn new(log: &EventLog) -> Self {
        Self(log.secrets(BUCKET))
    }

    /// Takes a member's turn in a room for a message.
    ///
    /// # Errors
    /// [`Failure`] when the bucket does not answer; inside, the seconds to wait when the last turn is less than `pause`
    /// seconds ago.
    pub(crate) async fn take(
        &self,
        (room, user): (&RoomId, &UserId),
        pause: u32,
        by: &MessageId,
    ) -> Result<Result<(), u32>, Failure> {
        let key = key(room, user);
        let ttl = Some(Duration::from_secs(pause.into()));
        for _ in 0..ROUNDS {
            let now = Timestamp::now();
            let turn = serde_json::to_vec(&Turn { by: *by, at_ms: now.millis() });
            let turn = turn.map_err(|_| unavailable("the turn cannot be written"))?;
            let taken = match self.last(&key).await? {
                Some((last, _)) if last.by == *by => return Ok(Ok(())),
                Some((last, revision)) => match last.left(pause, now) {
                    Some(left) => return Ok(Err(left)),
                    None => self.0.update(&key, turn, revision, ttl).await,
                },
                None => self.0.create(&key, turn, ttl).await,
            };
            match taken {
                Ok(_) => return Ok(Ok(())),
                Err(SecretError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(unavailable("too many messages of one member at once").into())
    }

    /// Nothing was written: the turn of a message ends. Failing to is no harm, it ends by itself.
    pub(crate) async fn give_back(&self, (room, user): (&RoomId, &UserId), by: &MessageId) {
        let key = key(room, user);
        if let Ok(Some((last, revision))) = self.last(&key).await
            && last.by == *by
            && let Err(error) = self.0.take(&key, revision).await
        {
            tracing::debug!(error = telemetry::error_chain(&error), "a turn ends by itself");
        }
    }

    async fn last(&self, key: &str) -> Result<Option<(Turn, u64)>, Failure> {
        let Some((bytes, revision)) = self.0.get(key).await? else { return Ok(None) };
        let unreadable = |_| unavailable("a turn was written by a newer build");
        Ok(Some((serde_json::from_slice(&bytes).map_err(unreadable)?, revision)))
    }

    /// Waits until no other copy makes invitations to a room.
    pub(crate) async fn alone(&self, room: &RoomId) -> Result<Alone, Failure> {
        let key = format!("{room}.invites");
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.0.create(&key, Vec::new(), Some(ALONE_FOR)).await {
                Ok(revision) => return Ok(Alone(key, revision)),
                Err(SecretError::Conflict) if Instant::now() < deadline => sleep(PAUSE).await,
                Err(SecretError::Conflict) => {
                    return Err(unavailable("others make invitations to this room").into());
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Others may make invitations again.
    pub(crate) async fn done(&self, Alone(key, revision): Alone) {
        if let Err(error) = self.0.take(&key, revision).await {
            tracing::debug!(error = telemetry::error_chain(&error), "a turn ends by itself");
        }
    }
}

fn key(room: &RoomId, user: &UserId) -> String {
    format!("{room}.{user}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_keeps_others_waiting_for_the_pause_and_no_longer() {
        let by = MessageId::from_uuid(uuid::Uuid::from_u128(1));
        let turn = Turn { by, at_ms: 10_000 };
        let left = |pause, now| turn.left(pause, Timestamp::from_millis(now));
        assert_eq!(
            (left(30, 10_000), left(30, 10_001), left(30, 39_999)),
            (Some(30), Some(30), Some(1))
        );
        assert_eq!((left(30, 40_000), left(0, 10_000), left(5, 15_001)), (None, None, None));
        assert_eq!(left(30, 0), Some(30), "a clock that was put back");
    }
}
