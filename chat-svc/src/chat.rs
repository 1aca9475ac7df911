//! What every handler works with.

use std::sync::Arc;
use std::time::Duration;

use decider::{Call, Committed, Fact, Failure, ReadFrom, Reads};
use eventlog::EventLog;
use schemas::{EventData, Lane, NameKey, Position, Rejection, Sequence};
use tokio::sync::{Semaphore, watch};

use crate::addition::Additions;
use crate::dedup::Dedup;
use crate::index::MessageIndex;
use crate::lanes::Lanes;
use crate::media::Files;
use crate::metrics::ChatMetrics;
use crate::recent::Recent;
use crate::shared_turns::SharedTurns;
use crate::slow_mode::SlowMode;
use crate::turns::Turns;
use crate::under_way::UnderWay;

/// The log, what is known of it, and where to look things up.
pub(crate) struct Chat {
    pub(crate) log: EventLog,
    pub(crate) names: NameKey,
    pub(crate) lanes: Lanes,
    pub(crate) recent: Recent,
    /// What this process is posting.
    pub(crate) under_way: UnderWay,
    pub(crate) slow: SlowMode,
    pub(crate) shared_turns: SharedTurns,
    /// Whether those may invite whose address is not verified.
    pub(crate) unverified_invite: bool,
    /// Days that the installation keeps messages at hand, which no room exceeds; none: for ever.
    pub(crate) retention_days: Option<u32>,
    pub(crate) additions: Additions,
    /// Reactions of one user to one message, and pins of one room, one after the other.
    pub(crate) turns: Turns,
    /// New kinds of reactions to one message, one after the other.
    pub(crate) kinds: Turns,
    pub(crate) dedup: Dedup,
    /// Commands that may read the log at the same time, to find what the read model does not know yet.
    pub(crate) log_reads: Semaphore,
    pub(crate) files: Files,
    pub(crate) index: Arc<dyn MessageIndex>,
    pub(crate) metrics: ChatMetrics,
    /// How far the live feed has been followed.
    pub(crate) followed: watch::Sender<Sequence>,
}

impl Chat {
    /// Tries until the decision is written or refused.
    pub(crate) async fn retry<T, F>(
        &self,
        first: ReadFrom,
        attempt: impl FnMut(ReadFrom) -> F,
    ) -> Result<T, Rejection>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        decider::retry(&self.metrics.commands, first, attempt).await
    }

    /// The end of the log. From there on can be read what a command finds done already, which may be newer than anything
    /// the caller's gateway has handed on.
    pub(crate) async fn end(&self) -> Result<Position, Failure> {
        Ok(self.log.epoch().at(self.log.head().await?))
    }

    /// Writes a decision in one atomic step, each lane expected to be as it was read.
    pub(crate) async fn commit(
        &self,
        call: &Call,
        facts: Vec<Fact>,
        reads: &Reads,
    ) -> Result<Committed, Failure> {
        let written = facts.clone();
        let committed = decider::commit(&self.log, call, facts, reads).await?;
        if let Committed::Now(_, sequences) = &committed {
            // The caller's next command must not be judged by what was before this one.
            for (fact, sequence) in written.iter().zip(sequences) {
                self.learn(&fact.lane, *sequence, &fact.data);
            }
        }
        Ok(committed)
    }

    /// Takes note of an event at a place of the log.
    pub(crate) fn learn(&self, lane: &Lane, sequence: Sequence, event: &EventData) {
        self.lanes.learn(lane, sequence, event);
        self.recent.learn(lane, sequence, event);
        self.additions.learn(sequence, event);
    }

    /// Waits until the live feed has brought everything up to a sequence; whether it has in time.
    pub(crate) async fn has_followed(&self, sequence: Sequence, patience: Duration) -> bool {
        let mut followed = self.followed.subscribe();
        let reached = followed.wait_for(|followed| *followed >= sequence);
        matches!(tokio::time::timeout(patience, reached).await, Ok(Ok(_)))
    }

    /// Forgets what may have been overtaken by events that were missed, up to a place of the log.
    pub(crate) fn forget_all(&self, through: Sequence) {
        self.lanes.forget_all();
        self.recent.forget_all();
        self.additions.forget_all(through);
    }
}
