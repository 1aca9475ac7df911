//! How long and how often a write is tried.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::api::{PAUSE, Unanswered};
use crate::error::AppendError;
use crate::log::EventLog;
use crate::outcome::Outcome;

/// How long an append is tried; well within the duplicate window.
pub(crate) const BUDGET: Duration = Duration::from_secs(10);
/// How long an append waits for a lost connection to come back before it gives up without having sent
/// anything.
const RECONNECT: Duration = Duration::from_secs(3);
/// How long a single is tried again while the cluster is still agreeing on another write under the same
/// expectation; it lets one at a time through.
const CONTENTION: Duration = Duration::from_secs(3);
/// Longest pause in between; the first is a 32nd of it.
const CONTENTION_PAUSE: Duration = Duration::from_millis(64);

/// The bounded tries of one append, and whether one of them may have been stored.
pub(crate) struct Tries {
    deadline: Instant,
    /// One of them may have been stored.
    pub(crate) sent: bool,
    contended: u32,
    contended_since: Option<Instant>,
}

impl Tries {
    pub(crate) fn new() -> Self {
        Self { deadline: Instant::now() + BUDGET, sent: false, contended: 0, contended_since: None }
    }

    /// How long the next try may wait for its answer.
    pub(crate) fn patience(&self, log: &EventLog) -> Duration {
        let left = self.deadline.saturating_duration_since(Instant::now());
        log.inner.patience().min(left.max(PAUSE))
    }

    /// What giving up now means.
    pub(crate) fn give_up(&self) -> AppendError {
        if self.sent { AppendError::Unknown } else { AppendError::Unavailable }
    }

    pub(crate) async fn wait_for_connection(&self, log: &EventLog) -> Result<(), AppendError> {
        let connection = &log.inner.connection;
        if connection.is_connected() {
            return Ok(());
        }
        let patience =
            if self.sent { self.deadline } else { self.deadline.min(Instant::now() + RECONNECT) };
        if connection.connected_by(patience).await { Ok(()) } else { Err(self.give_up()) }
    }

    /// The outcome of a try, none when there is no answer.
    pub(crate) fn judge(
        &mut self,
        log: &EventLog,
        answer: Result<async_nats::Message, Unanswered>,
    ) -> Result<Option<Outcome>, AppendError> {
        match answer {
            Ok(message) => Ok(Some(Outcome::read(&message))),
            Err(Unanswered::TooLarge) => Err(AppendError::TooLarge),
            Err(Unanswered::NotTaken) => Ok(None),
            Err(Unanswered::Lost) => {
                self.sent = true;
                log.suspect(&log.inner.stream);
                Ok(None)
            }
        }
    }

    /// Waits a moment for another write to get out of the way; false when that took too long already.
    pub(crate) async fn contend(&mut self) -> bool {
        let since = *self.contended_since.get_or_insert_with(Instant::now);
        if since.elapsed() > CONTENTION {
            return false;
        }
        self.contended = (self.contended + 1).min(5);
        let longest = CONTENTION_PAUSE / (32 >> self.contended);
        // Random, so that those who wait do not all come back at once.
        sleep(longest.mul_f64(rand::random_range(0.5..1.0))).await;
        true
    }

    pub(crate) async fn pause(&self) -> Result<(), AppendError> {
        if Instant::now() + PAUSE >= self.deadline {
            return Err(self.give_up());
        }
        sleep(PAUSE).await;
        Ok(())
    }
}
