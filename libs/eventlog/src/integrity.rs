//! Whether the log is complete.
//!
//! Three checks, none of which costs more than asking for the head, which is needed anyway: the number of events
//! against the number there should be (finds a block that was truncated or is missing), the end of the log against
//! the end it is known to have had (finds a lost end), and, in every reader, whether the server skips a sequence
//! (finds an event it cannot read). A difference is never explained away: an event is gone for a reason that stands
//! in the ledger, or the log is damaged.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::BoxFuture;
use schemas::{DecodeError, Epoch, Event, Sequence};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::api::{self, PAUSE};
use crate::error::LogError;
use crate::holes::Holes;
use crate::ledger::Ledger;
use crate::log::EventLog;
use crate::topology::{StreamState, renew, stream_request};

/// How long to keep asking a log that seems too short: the latest writes may not be visible at once.
const SETTLING: Duration = Duration::from_secs(5);
/// The same in a cluster: a new leader may not have applied everything it agreed to, and a former leader that was
/// stopped or cut off answers as if it still led until it hears of the new one, or has missed the others for 20 s.
const SETTLING_IN_CLUSTER: Duration = Duration::from_secs(30);
/// How old an answer may be for those who look again and again whether the log has moved or lost something. Shorter than
/// the second after which each of them looks.
const RECENT: Duration = Duration::from_millis(750);
/// Events read at once, and how long they are waited for, when everything is read.
const BATCH: usize = 5000;
const WAIT: Duration = Duration::from_secs(1);

/// What was found missing when a loss was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Loss {
    /// Every sequence that has no event, those known before included.
    pub holes: Holes,
    /// Those of them that were not known: events that are lost, or were dropped. What was erased on purpose is known.
    pub lost: Holes,
    /// The log reached this far before.
    pub reached: Sequence,
    /// It reaches this far now.
    pub head: Sequence,
    /// The epoch of its positions from now on.
    pub epoch: Epoch,
}

impl EventLog {
    /// The sequence of the last event, 0 when there is none. Asks the server, and looks whether anything is
    /// missing.
    ///
    /// # Errors
    /// [`LogError::Damaged`], [`LogError::Unavailable`], [`LogError::NoStream`], [`LogError::Replaced`].
    pub async fn head(&self) -> Result<Sequence, LogError> {
        let clustered = self.inner.is_clustered();
        let settling = if clustered { SETTLING_IN_CLUSTER } else { SETTLING };
        let deadline = Instant::now() + settling;
        loop {
            // Read before asking: events appended in the meantime may be missing from the answer.
            let seen = self.seen();
            let info = self.stream_info().await?;
            self.attach_to(&info.config)?;
            let Some(damage) = self.damage(&info.state, seen).await? else {
                self.inner.damaged.store(false, Ordering::Release);
                self.note_seen(info.state.last_seq);
                return Ok(info.state.last_seq);
            };
            // One wait is enough.
            if Instant::now() >= deadline || self.inner.damaged.load(Ordering::Acquire) {
                self.inner.damaged.store(true, Ordering::Release);
                return Err(LogError::Damaged(damage));
            }
            sleep(PAUSE).await;
        }
    }

    /// The same, as the server said a moment ago. For those who look every second whether anything has happened or is
    /// missing: however many they are in a process, the server is asked about once a second, as each question costs it
    /// and this process more than an idle socket does in a minute.
    ///
    /// # Errors
    /// As [`Self::head`].
    pub async fn recent_head(&self) -> Result<Sequence, LogError> {
        let mut asked = self.inner.asked.lock().await;
        let recent = asked.filter(|(when, _)| self.is_connected() && when.elapsed() < RECENT);
        if let Some((_, head)) = recent {
            return Ok(head);
        }
        *asked = None;
        let when = Instant::now();
        let head = self.head().await?;
        *asked = Some((when, head));
        Ok(head)
    }

    /// How far the log is known to have reached: what this process has read or written, and what the ledger
    /// said when it was attached.
    #[must_use]
    pub fn seen(&self) -> Sequence {
        self.inner.seen.load(Ordering::Acquire)
    }

    pub(crate) fn note_seen(&self, sequence: Sequence) {
        self.inner.seen.fetch_max(sequence, Ordering::AcqRel);
    }

    /// Whether this log was made from one with that epoch, by a restore or by accepting a loss. What was built from
    /// the former log is then rebuilt from this one. A log descends from itself.
    #[must_use]
    pub fn descends_from(&self, epoch: &Epoch) -> bool {
        let attached = self.inner.attached.read();
        attached.as_ref().is_some_and(|a| a.epoch == *epoch || a.former.contains(epoch))
    }

    /// Loads the ledger, after attaching. Boxed, so that its code is generated in this crate and not in each that calls it.
    pub(crate) fn recall(&self) -> BoxFuture<'_, Result<(), LogError>> {
        Box::pin(self.load_ledger())
    }

    async fn load_ledger(&self) -> Result<(), LogError> {
        let (ledger, _) = self.read_ledger().await?;
        if ledger.epoch.as_ref() == Some(&self.attached()?.epoch) {
            self.note_seen(ledger.reached);
        }
        *self.inner.holes.write() = self.with_lists(ledger.holes);
        self.read_lists().await
    }

    /// Holes together with those of the lists that are known.
    fn with_lists(&self, mut holes: Holes) -> Holes {
        for list in self.inner.lists.read().values() {
            list.ranges().iter().for_each(|(from, to)| holes.insert(*from, *to));
        }
        holes
    }

    /// What is wrong with a log in this state; none when it is complete.
    async fn damage(
        &self,
        state: &StreamState,
        seen: Sequence,
    ) -> Result<Option<String>, LogError> {
        let last = state.last_seq;
        if last < seen {
            return Ok(Some(format!("it ends at {last}, but there was an event {seen}")));
        }
        let missing = last.saturating_sub(state.messages);
        if missing > self.inner.holes.read().count() {
            self.recall().await?;
        }
        let explained = self.inner.holes.read().count();
        Ok((missing > explained).then(|| {
            format!("{} of its {last} events are gone", missing.saturating_sub(explained))
        }))
    }

    /// Whether an event that once had this sequence is known to be erased.
    #[must_use]
    pub fn is_erased(&self, sequence: Sequence) -> bool {
        self.is_hole(sequence, sequence)
    }

    /// Whether sequences are known to be holes.
    pub(crate) fn is_hole(&self, from: Sequence, to: Sequence) -> bool {
        self.inner.holes.read().cover(from, to)
    }

    /// Finds out why the server skipped sequences. When this returns they are either known holes, or the cause was
    /// temporary and they should be read again.
    ///
    /// # Errors
    /// [`LogError::Damaged`] when they cannot be read and the ledger holds no reason.
    pub(crate) async fn explain(&self, from: Sequence, to: Sequence) -> Result<(), LogError> {
        self.recall().await?;
        if self.is_hole(from, to) {
            return Ok(());
        }
        // Ask the leader: another server may be behind.
        for sequence in from..=to {
            if self.is_hole(sequence, sequence) {
                continue;
            }
            let wanted = json!({ "seq": sequence });
            let found = self.inner.connection.leaders_message(&self.inner.stream, &wanted).await?;
            return match found {
                Some(_) => Ok(()),
                None => Err(LogError::Damaged(format!("the event {sequence} cannot be read"))),
            };
        }
        Ok(())
    }

    /// Reads the whole log and reports what is missing or is not what was written. Reads at most `rate` events per
    /// second, or as fast as it can (250,000 and more). Returns how far it read.
    ///
    /// # Errors
    /// [`LogError::Damaged`] for a missing event or one whose digest does not fit; otherwise the log cannot
    /// be read.
    pub async fn check_everything(&self, pace: Option<u32>) -> Result<Sequence, LogError> {
        let head = self.head().await?;
        let mut reader = self.read_from(0).await?;
        while reader.through() < head {
            let records = reader.next(BATCH, WAIT).await?.records;
            for record in &records {
                check_digest(record.sequence, &record.payload)?;
            }
            if let (Some(pace), Ok(count)) = (pace, u32::try_from(records.len())) {
                sleep(Duration::from_secs(1) * count / pace.max(1)).await;
            }
        }
        Ok(head)
    }

    /// Accepts a loss on an operator's behalf: records the missing events as gone and gives the log a new epoch, so
    /// that no earlier position is mistaken for a present one. Deletes the events of `drop` first. Every other
    /// process must be restarted.
    ///
    /// # Errors
    /// The log cannot be read or changed.
    pub async fn accept_loss(&self, drop: &[Sequence]) -> Result<Loss, LogError> {
        let info = self.stream_info().await?;
        self.attach_to(&info.config)?;
        self.recall().await?;
        let known = self.inner.holes.read().clone();
        for sequence in drop {
            self.delete(*sequence).await?;
        }
        let head = info.state.last_seq;
        let holes = self.find_holes(head).await?;
        let reached = self.seen().max(head);
        let mut config = info.config;
        renew(&mut config.metadata);
        let info = stream_request(&self.inner.connection, "UPDATE", &config).await??;
        *self.inner.attached.write() = None;
        let epoch = self.attach_to(&info.config)?;
        self.inner.seen.store(head, Ordering::Release);
        let (_, revision) = self.read_ledger().await?;
        let ledger = Ledger { epoch: Some(epoch), reached: head, holes: holes.clone() };
        self.write_ledger(&ledger, revision).await?;
        self.recall().await?;
        let lost = holes.without(&known);
        Ok(Loss { holes, lost, reached, head, epoch })
    }

    async fn delete(&self, sequence: Sequence) -> Result<(), LogError> {
        let subject = format!("$JS.API.STREAM.MSG.DELETE.{}", self.inner.stream);
        let request = json!({ "seq": sequence, "no_erase": false }).to_string().into();
        let answer = self.inner.connection.ask_safely(&subject, &request).await?;
        api::parse::<Value>(&answer)?.map(|_| ()).map_err(LogError::from)
    }

    async fn find_holes(&self, head: Sequence) -> Result<Holes, LogError> {
        let (mut holes, mut at) = (Holes::default(), 0);
        let mut reader = self.read_with_holes();
        while reader.through() < head {
            let batch = reader.next(BATCH, WAIT).await?;
            for record in batch.records {
                if record.sequence > at + 1 {
                    holes.insert(at + 1, record.sequence - 1);
                }
                at = record.sequence;
            }
        }
        if at < head {
            holes.insert(at + 1, head);
        }
        Ok(holes)
    }
}

/// Whether an event is what was written, by its digest. An event this build does not understand may well be intact.
pub(crate) fn check_digest(sequence: Sequence, payload: &[u8]) -> Result<(), LogError> {
    match Event::decode(payload) {
        Err(error @ DecodeError::Corrupt) => {
            Err(LogError::Damaged(format!("at {sequence}, {error}")))
        }
        _ => Ok(()),
    }
}
