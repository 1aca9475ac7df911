//! A message is posted once for each (sender, room, client id), for ever.
//!
//! Three memories share the past between them, and each is asked only for what it surely knows:
//! - the log itself, by message id, knows the last 30 s (its duplicate window);
//! - the read model's unique index knows everything up to its checkpoint;
//! - between the two, when the read model is behind, the *tail*: client ids read from the log from the
//!   checkpoint on.
//!
//! So a post needs a check that covers everything stored up to some moment less than a duplicate window ago.
//! [`Dedup::keep_covered`] runs once a second, moves that moment, and builds the tail where the checkpoint
//! alone does not do. No lock is held while waiting for anything.
//!
//! Nearly every post is new, and to know that for sure of a client id one need not look it up: [`past`] knows
//! of all the client ids in the log which of them were never used, but for one in a hundred.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use eventlog::{EventLog, LogError, Reader};
use foldhash::quality::RandomState;
use moka::sync::Cache;
use parking_lot::Mutex;
use schemas::events::MessageEvent;
use schemas::{Digest, EventData, Lane, Sequence};
use telemetry::Shutdown;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout};

use crate::index::{IndexError, MessageIndex};
use crate::metrics::ChatMetrics;
use claim::name_of;
use past::Past;

mod claim;
mod filter;
mod past;

pub(crate) use claim::Claim;

/// How often coverage is renewed.
const RENEW_EVERY: Duration = Duration::from_secs(1);
/// How long a post waits for coverage that is too old to be renewed.
const PATIENCE: Duration = Duration::from_secs(2);
/// Events taken from the log at a time.
const BATCH: usize = 2000;
const WAIT: Duration = Duration::from_secs(1);

/// How repeats are recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DedupConfig {
    /// A check must cover everything stored up to this long ago. An append may take 10 s more, so this
    /// and 10 s must stay below the log's duplicate window (30 s).
    pub freshness: Duration,
    /// How far back the read model's checkpoint may lie before the tail is read from the log.
    pub tolerated_lag: Duration,
    /// Client ids the tail holds at most (about 80 bytes each). When the read model is further behind,
    /// posts with a client id are refused as unavailable until it catches up.
    pub tail_limit: usize,
    /// Bytes of the filter that knows which client ids were never used. Ten bits a message keep it sharp:
    /// the default of 8 MiB does for about seven million; beyond that more posts cost a look into the read
    /// model. 0 does without: every post then costs one, and none can be written while it does not answer.
    pub filter_bytes: usize,
}

impl Default for DedupConfig {
    fn default() -> Self {
        Self {
            freshness: Duration::from_secs(10),
            tolerated_lag: Duration::from_secs(5),
            tail_limit: 1_000_000,
            filter_bytes: 8 << 20,
        }
    }
}

/// It cannot be said whether a post is a repeat.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unknowable {
    #[error("the read model does not answer")]
    Index(#[from] IndexError),
    #[error("the log does not answer")]
    Log(#[from] LogError),
    #[error("the read model is too far behind the log")]
    Behind,
}

/// The client ids of the log from a checkpoint on, and where they are.
type Tail = HashMap<Digest, Sequence>;

/// Recognises repeats.
pub(crate) struct Dedup {
    log: EventLog,
    index: Arc<dyn MessageIndex>,
    config: DedupConfig,
    metrics: ChatMetrics,
    recent: Cache<Digest, Sequence, RandomState>,
    tail: Mutex<Tail>,
    /// Everything stored before this moment is in the index or in the tail; none: nothing is known.
    covered: watch::Sender<Option<Instant>>,
    /// Told when a post waits for coverage.
    wanted: Notify,
    /// Which client ids were never used.
    past: Past,
    /// Everything stored before this moment is known to it.
    past_covered: Mutex<Option<Instant>>,
}

impl Dedup {
    pub(crate) fn new(
        log: EventLog,
        index: Arc<dyn MessageIndex>,
        config: DedupConfig,
        capacity: u64,
        metrics: ChatMetrics,
    ) -> Self {
        Self {
            log,
            index,
            metrics,
            recent: Cache::builder()
                .max_capacity(capacity)
                .build_with_hasher(RandomState::default()),
            past: Past::new(config.filter_bytes),
            past_covered: Mutex::new(None),
            config,
            tail: Mutex::new(Tail::default()),
            covered: watch::Sender::new(None),
            wanted: Notify::new(),
        }
    }

    /// Where the first post of this claim is, if it is older than what the log recognises by itself.
    pub(crate) async fn first(&self, claim: &Claim) -> Result<Option<Sequence>, Unknowable> {
        let name = &claim.name;
        if let Some(sequence) = self.recent.get(name) {
            self.metrics.checks.recent.inc();
            return Ok(Some(sequence));
        }
        let moment = *self.past_covered.lock();
        if self.is_covered(moment) && !self.past.may_hold(name) {
            self.metrics.checks.filter.inc();
            return Ok(None);
        }
        self.wait_for_coverage().await?;
        if let Some(sequence) = self.tail.lock().get(name) {
            self.metrics.checks.tail.inc();
            return Ok(Some(*sequence));
        }
        // What has left the tail meanwhile is in the index: that is why it left.
        self.metrics.checks.index.inc();
        let Claim { room, sender, client_id, .. } = claim;
        Ok(self.index.by_client_id(room, sender, client_id).await?)
    }

    /// Where the first post of this claim is, of all those up to a place of the log; `followed` says whether the live
    /// feed has brought everything up to there.
    pub(crate) async fn first_up_to(
        &self,
        claim: &Claim,
        head: Sequence,
        followed: bool,
    ) -> Result<Option<Sequence>, Unknowable> {
        let name = &claim.name;
        let known = self.recent.get(name).or_else(|| self.tail.lock().get(name).copied());
        if known.is_some() {
            self.metrics.checks.recent.inc();
            return Ok(known);
        }
        if followed && self.past.complete() >= head && !self.past.may_hold(name) {
            self.metrics.checks.filter.inc();
            return Ok(None);
        }
        if !self.index.wait_for(head, PATIENCE).await {
            return Err(Unknowable::Behind);
        }
        self.metrics.checks.index.inc();
        let Claim { room, sender, client_id, .. } = claim;
        Ok(self.index.by_client_id(room, sender, client_id).await?)
    }

    /// A claim was posted just now. Where, the log itself knows for long enough.
    pub(crate) fn note(&self, claim: &Claim) {
        self.past.insert(&claim.name);
    }

    /// A claim was posted again: a client that repeats once often does so twice.
    pub(crate) fn note_repeat(&self, claim: &Claim, first: Sequence) {
        self.recent.insert(claim.name, first);
    }

    /// The live feed has brought an event. What was claimed by it must have been noted before.
    pub(crate) fn live(&self, sequence: Sequence) {
        self.past.live(sequence);
    }

    /// Notes what was claimed by an event that this process has not written.
    pub(crate) fn note_payload(&self, payload: &[u8]) {
        if let Some(name) = past::claimed(payload) {
            self.past.insert(&name);
        }
    }

    /// Reads the client ids of the whole log once, and again where the live feed has lost something.
    pub(crate) async fn keep_past(&self, shutdown: Shutdown) {
        self.past.keep_complete(&self.log, shutdown).await;
    }

    fn is_covered(&self, moment: Option<Instant>) -> bool {
        moment.is_some_and(|moment| moment.elapsed() <= self.config.freshness)
    }

    async fn wait_for_coverage(&self) -> Result<(), Unknowable> {
        if self.is_covered(*self.covered.borrow()) {
            return Ok(());
        }
        self.wanted.notify_one();
        let mut covered = self.covered.subscribe();
        let waiting = covered.wait_for(|moment| self.is_covered(*moment));
        match timeout(PATIENCE, waiting).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(Unknowable::Behind),
        }
    }

    /// Renews coverage once a second until asked to stop.
    pub(crate) async fn keep_covered(&self, shutdown: Shutdown) {
        let mut coverage = Coverage::default();
        loop {
            if let Err(error) = self.renew(&mut coverage).await {
                tracing::warn!(
                    error = %telemetry::error_chain(&error),
                    "repeated posts cannot be recognised for the moment"
                );
                if !matches!(error, Unknowable::Behind) {
                    coverage.reader = None;
                }
            }
            tokio::select! {
                () = shutdown.wait() => return,
                () = self.wanted.notified() => {}
                () = tokio::time::sleep(RENEW_EVERY) => {}
            }
        }
    }

    async fn renew(&self, coverage: &mut Coverage) -> Result<(), Unknowable> {
        let now = Instant::now();
        let head = self.log.head().await?;
        coverage.note(now, head);
        let past = self.past.complete();
        self.metrics.past(past);
        *self.past_covered.lock() = coverage.moment_of(past);
        let checkpoint = self.index.checkpoint(&self.log.epoch()).await?;
        self.trim(checkpoint);
        match coverage.moment_of(checkpoint) {
            Some(moment) if now.duration_since(moment) <= self.config.tolerated_lag => {
                coverage.reader = None;
                *self.tail.lock() = Tail::new();
                self.covered.send_replace(Some(moment));
            }
            _ => {
                self.read_tail(coverage, checkpoint, head).await?;
                self.covered.send_replace(Some(now));
            }
        }
        self.metrics.tail(self.tail.lock().len());
        Ok(())
    }

    /// Forgets what the index has.
    fn trim(&self, checkpoint: Sequence) {
        self.tail.lock().retain(|_, sequence| *sequence > checkpoint);
    }

    /// Reads client ids from the log, from the checkpoint or where the last reading ended, to its head.
    async fn read_tail(
        &self,
        coverage: &mut Coverage,
        checkpoint: Sequence,
        head: Sequence,
    ) -> Result<(), Unknowable> {
        if checkpoint < coverage.begun {
            // The read model was begun anew: what the tail left to it is not there any more.
            coverage.reader = None;
        }
        let reader = match &mut coverage.reader {
            Some(reader) => reader,
            empty => {
                coverage.begun = checkpoint.min(head);
                empty.insert(self.log.read_from(coverage.begun).await?)
            }
        };
        while reader.through() < head {
            if self.tail.lock().len() >= self.config.tail_limit {
                return Err(Unknowable::Behind);
            }
            let batch = reader.next(BATCH, WAIT).await?;
            let found: Vec<(Digest, Sequence)> = batch
                .records
                .iter()
                .filter(|record| matches!(record.lane, Some(Lane::Timeline(_))))
                // An event that cannot be read stops the projector, which is where it is dealt with.
                .filter_map(|record| Some((record.sequence, record.event().ok()?)))
                .filter_map(|(sequence, event)| Some((claimed(&event.data)?, sequence)))
                .collect();
            let mut tail = self.tail.lock();
            for (name, sequence) in found {
                // The first one counts.
                tail.entry(name).or_insert(sequence);
            }
        }
        Ok(())
    }
}

fn claimed(event: &EventData) -> Option<Digest> {
    let EventData::Message(MessageEvent::Posted(posted)) = event else { return None };
    let message = &posted.message;
    Some(name_of(&message.room_id, &message.sender_id, message.client_id.as_ref()?))
}

/// What the renewing task remembers from one time to the next.
#[derive(Default)]
struct Coverage {
    /// Where the log ended at some moments, oldest first.
    heads: std::collections::VecDeque<(Instant, Sequence)>,
    /// Reads the tail, while there is one.
    reader: Option<Reader>,
    /// The checkpoint the tail begins at.
    begun: Sequence,
}

impl Coverage {
    /// More would only tell of moments too long ago.
    const REMEMBERED: usize = 32;

    fn note(&mut self, now: Instant, head: Sequence) {
        if self.heads.len() == Self::REMEMBERED {
            self.heads.pop_front();
        }
        self.heads.push_back((now, head));
    }

    /// The latest known moment at which the log did not reach beyond a checkpoint.
    fn moment_of(&self, checkpoint: Sequence) -> Option<Instant> {
        self.heads.iter().rev().find(|(_, head)| *head <= checkpoint).map(|(moment, _)| *moment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_as_old_as_the_last_head_it_covers() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut coverage = Coverage::default();
        assert_eq!(coverage.moment_of(10), None);
        for (second, head) in [(0, 10), (1, 10), (2, 30), (3, 40)] {
            coverage.note(at(second), head);
        }
        assert_eq!(coverage.moment_of(9), None);
        assert_eq!(coverage.moment_of(10), Some(at(1)));
        assert_eq!(coverage.moment_of(35), Some(at(2)));
        assert_eq!(coverage.moment_of(99), Some(at(3)));
        for second in 4..100 {
            coverage.note(at(second), second + 40);
        }
        assert_eq!(coverage.heads.len(), Coverage::REMEMBERED);
        assert_eq!(coverage.moment_of(40), None);
    }
}
