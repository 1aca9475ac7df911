//! Writing a run: what one author says in a row, each event with an outcome of its own, in order.
//!
//! Waiting for each event's acknowledgement before the next is sent would limit an author to one event a
//! round trip. A run is sent at once and still ends up in the log in its order:
//! - On a single server messages of one connection are judged in the order they were sent, so the events go
//!   as single publishes behind one another. All carry the same expectation: when it fails for one, it
//!   fails for all after it. Only where some of them got lost (with the connection) while later ones arrived
//!   is the order in danger: an event that is missing before one that is stored is given up.
//! - In a cluster a server lets only one write under an expectation through at a time, and where every
//!   write is synced singles cost a sync each: there a run is one atomic batch.
//!
//! What that leaves open (a repeat among them, a lost answer) is written one by one, in order.

use std::pin::pin;

use futures_util::future::join_all;
use schemas::Sequence;
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::api::Unanswered;
use crate::error::{AppendError, LogError};
use crate::log::EventLog;
use crate::outcome::Outcome;
use crate::prepared::{Prepared, Written, as_sequence};
use crate::traced;
use crate::write::{Appended, LaneWrite};

/// Most events of a run.
pub(crate) const MAX_RUN: usize = 256;

/// The outcomes of a run's events so far.
type Outcomes = Vec<Option<Result<Written, AppendError>>>;

/// Why an event of a run has no outcome yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    /// It has not been sent, or was surely not stored.
    NotStored,
    /// Its expectation did not hold.
    Conflict,
    /// No answer came.
    Lost,
}

impl EventLog {
    /// Writes events in their order, each with an outcome of its own; at most 256. All must carry the same
    /// expectation, which no write among them changes: one fence, or none. However each of them goes:
    /// - those newly written lie in the log in the order given;
    /// - after an [`AppendError::Conflict`] none that follows was written: they can be decided anew, in order;
    /// - one that fails otherwise is left out, and those after it may have been written. An
    ///   [`AppendError::Unknown`] one may turn up behind them later.
    ///
    /// The outcomes are given in the order of the writes. Repeating a run with the same `DedupId`s within the
    /// duplicate window is safe. Dropping the future leaves the outcomes unknown.
    pub async fn append_run(&self, writes: Vec<LaneWrite>) -> Vec<Result<Appended, AppendError>> {
        let begun = Instant::now();
        let span = traced::append(&writes);
        let mut appending = pin!(self.append_row(&writes).instrument(span));
        let outcomes = appending.as_mut().await;
        traced::appended(appending.span(), outcomes.first());
        self.took(begun);
        outcomes
    }

    async fn append_row(&self, writes: &[LaneWrite]) -> Vec<Result<Appended, AppendError>> {
        let epoch = match self.epoch_to_write().await {
            Ok(epoch) => epoch,
            Err(LogError::Unavailable(_)) => return failed(writes.len(), AppendError::Unavailable),
            Err(error) => return failed(writes.len(), error.into()),
        };
        if self.store_failed() {
            return failed(writes.len(), AppendError::StorageFull);
        }
        if writes.is_empty() || writes.len() > MAX_RUN {
            return failed(writes.len(), AppendError::TooLarge);
        }
        let prepared: Vec<Result<Prepared, AppendError>> =
            writes.iter().map(|write| self.prepare(write)).collect();
        let mut refused: Vec<Option<AppendError>> = Vec::with_capacity(prepared.len());
        let mut run = Vec::with_capacity(prepared.len());
        for one in prepared {
            match one {
                Ok(write) => {
                    run.push(write);
                    refused.push(None);
                }
                Err(error) => refused.push(Some(error)),
            }
        }
        let mut written = self.write_run(run).await.into_iter();
        let appended = |written: Written| {
            self.note_seen(written.last);
            Appended {
                position: epoch.at(written.last),
                sequences: vec![written.last],
                duplicate: written.duplicate,
            }
        };
        let outcomes = refused.into_iter().map(|refused| match refused {
            Some(error) => Err(error),
            None => written
                .next()
                .unwrap_or(Err(AppendError::Unknown))
                .map(appended)
                .map_err(|error| self.noted(error)),
        });
        outcomes.collect()
    }

    /// Writes a run by itself, in the way that suits the server.
    pub(crate) async fn publish_run(&self, run: &[Prepared]) -> Vec<Result<Written, AppendError>> {
        if let [single] = run {
            return vec![self.publish_single(single).await];
        }
        if !self.inner.is_clustered() {
            return self.publish_in_order(run).await;
        }
        match self.write_batch(run).await {
            Ok(last) => batch_written(last, run.len()).map(Ok).collect(),
            // One of its tries may have been stored although none was acknowledged.
            Err(_) => {
                let open = vec![Open::Lost; run.len()];
                self.conclude(run, &open, run.iter().map(|_| None).collect()).await
            }
        }
    }

    /// As singles behind one another on the one connection of a single server.
    async fn publish_in_order(&self, run: &[Prepared]) -> Vec<Result<Written, AppendError>> {
        let connection = &self.inner.connection;
        let answers = connection.ask_in_order(run.iter().map(Prepared::message)).await;
        let mut open: Vec<Open> = Vec::with_capacity(run.len());
        let mut outcomes: Outcomes = Vec::with_capacity(run.len());
        for (write, answer) in run.iter().zip(answers) {
            let (outcome, why) = match answer.map(|message| Outcome::read(&message)) {
                Ok(Outcome::Stored { sequence, duplicate: false }) => {
                    (Some(Ok(Written { last: sequence, duplicate: false })), Open::NotStored)
                }
                Ok(Outcome::Stored { sequence, duplicate: true }) => {
                    (Some(Ok(self.repeated(write, sequence).await)), Open::NotStored)
                }
                Ok(Outcome::Refused(AppendError::Conflict) | Outcome::Contended) => {
                    (None, Open::Conflict)
                }
                Ok(Outcome::Refused(error)) => (Some(Err(error)), Open::NotStored),
                Err(Unanswered::TooLarge) => (Some(Err(AppendError::TooLarge)), Open::NotStored),
                Ok(Outcome::Later) | Err(Unanswered::NotTaken) => (None, Open::NotStored),
                Err(Unanswered::Lost) => (None, Open::Lost),
            };
            outcomes.push(outcome);
            open.push(why);
        }
        if open.contains(&Open::Lost) {
            self.suspect(&self.inner.stream);
        }
        if outcomes.iter().all(Option::is_some) {
            return outcomes.into_iter().flatten().collect();
        }
        self.conclude(run, &open, outcomes).await
    }

    /// Finds out what became of those that have no outcome, and writes what still can be.
    async fn conclude(
        &self,
        run: &[Prepared],
        open: &[Open],
        mut outcomes: Outcomes,
    ) -> Vec<Result<Written, AppendError>> {
        self.find_stored(run, open, &mut outcomes).await;
        give_up_overtaken(open, &mut outcomes);
        self.finish(run, open, outcomes).await
    }

    /// Looks for what may be stored although no answer says so.
    async fn find_stored(&self, run: &[Prepared], open: &[Open], outcomes: &mut Outcomes) {
        let looked_for =
            run.iter().zip(open).zip(outcomes).map(|((write, why), outcome)| async move {
                let doubtful = match why {
                    Open::NotStored => false,
                    // The server judges an expectation before it looks for the id.
                    Open::Conflict => write.may_be_stored(),
                    Open::Lost => true,
                };
                if outcome.is_some() || !doubtful {
                    return;
                }
                match self.find_written_before(write).await {
                    Ok(Some(written)) => *outcome = Some(Ok(written)),
                    Ok(None) => {}
                    Err(_) if *why == Open::Lost || write.is_doubtful() => {
                        *outcome = Some(Err(AppendError::Unknown));
                    }
                    Err(_) => {}
                }
            });
        join_all(looked_for).await;
    }

    /// Writes what is still open, which no stored event follows, one by one.
    async fn finish(
        &self,
        run: &[Prepared],
        open: &[Open],
        outcomes: Outcomes,
    ) -> Vec<Result<Written, AppendError>> {
        let mut stopped: Option<Open> = None;
        let mut finished = Vec::with_capacity(run.len());
        for ((write, why), outcome) in run.iter().zip(open).zip(outcomes) {
            let outcome = match (outcome, stopped) {
                (Some(outcome), _) => outcome,
                (None, None) if *why == Open::Conflict => Err(AppendError::Conflict),
                (None, None) => self.publish_single(write).await,
                (None, Some(Open::Conflict)) => Err(AppendError::Conflict),
                (None, Some(_)) if *why == Open::Lost => Err(AppendError::Unknown),
                (None, Some(_)) => Err(AppendError::Unavailable),
            };
            stopped = stopped.or(match &outcome {
                Err(AppendError::Conflict) => Some(Open::Conflict),
                Err(AppendError::Unknown) => Some(Open::Lost),
                Err(AppendError::Unavailable) => Some(Open::NotStored),
                _ => None,
            });
            finished.push(outcome);
        }
        finished
    }
}

/// The events of a batch, by the place of its last one.
pub(crate) fn batch_written(last: Sequence, count: usize) -> impl Iterator<Item = Written> {
    let first = last.saturating_sub(as_sequence(count).saturating_sub(1));
    (first..=last).map(|last| Written { last, duplicate: false })
}

/// What is not stored and stands before something that is cannot be written any more: it would come after.
fn give_up_overtaken(open: &[Open], outcomes: &mut Outcomes) {
    let stored = |outcome: &Option<Result<Written, AppendError>>| {
        matches!(outcome, Some(Ok(Written { duplicate: false, .. })))
    };
    let Some(last) = outcomes.iter().rposition(stored) else { return };
    for (outcome, why) in outcomes.iter_mut().zip(open).take(last) {
        let error = match why {
            Open::Lost => AppendError::Unknown,
            Open::NotStored | Open::Conflict => AppendError::Unavailable,
        };
        outcome.get_or_insert(Err(error));
    }
}

/// Every write of a run has failed for the same reason; the first outcome names it.
fn failed(count: usize, error: AppendError) -> Vec<Result<Appended, AppendError>> {
    let rest = || match error {
        AppendError::TooLarge => AppendError::TooLarge,
        AppendError::StorageFull => AppendError::StorageFull,
        _ => AppendError::Unavailable,
    };
    let rest: Vec<_> = (1..count).map(|_| Err(rest())).collect();
    std::iter::once(Err(error)).chain(rest).take(count).collect()
}
