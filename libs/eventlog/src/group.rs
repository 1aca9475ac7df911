//! Group commit: independent appends (singles and runs) that wait at the same time go as one atomic batch.
//!
//! Where the server syncs every write, a batch of a hundred costs one sync and a hundred singles cost a
//! hundred. One batch is in flight at a time and whatever arrives meanwhile forms the next one, so an idle log writes
//! singles at once and a busy one writes larger and larger batches. A batch is all or nothing, but its runs are
//! independent: when a batch is refused, each run is written on its own and gets its own outcome.
//!
//! A batch whose answer is lost is retried for seconds. The batches behind it do not wait for that: otherwise a few
//! lost answers would make every caller give up and retry, which would keep the queue full for ever.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use foldhash::fast::RandomState;
use futures_util::future::join_all;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::timeout;

use crate::error::AppendError;
use crate::log::{EventLog, Inner};
use crate::prepared::{Answer, Prepared, Queued, Written};
use crate::run::batch_written;

/// Appends that may wait before callers are held back.
const QUEUE: usize = 8192;
/// Largest group; the server takes 1,000.
const MAX_GROUP: usize = 512;
/// Largest group in bytes of events, so that a batch does not hold up others for long.
const MAX_GROUP_BYTES: usize = 4 * 1024 * 1024;
/// Batches under way at the same time, but for those that [have stepped aside](STEP_ASIDE).
const IN_FLIGHT: usize = 1;
/// A batch without an answer after this time lets the next one go. Far longer than a sync takes, far shorter than
/// callers wait. The time a write is tried limits how many batches have stepped aside.
const STEP_ASIDE: Duration = Duration::from_millis(100);

impl EventLog {
    /// Groups single appends from now on. Doing it twice is the same as once.
    pub(crate) fn start_group_commit(&self) {
        let inner = Arc::downgrade(&self.inner);
        self.inner.group.get_or_init(|| {
            let (sender, receiver) = mpsc::channel(QUEUE);
            tokio::spawn(run(inner, receiver));
            sender
        });
    }

    /// Writes one event, in a group where that is set up.
    pub(crate) async fn write_single(&self, write: Prepared) -> Result<Written, AppendError> {
        if self.inner.group.get().is_none() {
            return self.publish_single(&write).await;
        }
        let written = self.write_run(vec![write]).await.pop();
        written.unwrap_or(Err(AppendError::Unknown))
    }

    /// Writes a run, in a group where that is set up: whole, in its order.
    pub(crate) async fn write_run(&self, run: Vec<Prepared>) -> Vec<Result<Written, AppendError>> {
        let Some(queue) = self.inner.group.get() else {
            return self.publish_run(&run).await;
        };
        let count = run.len();
        let (answer, answered) = oneshot::channel();
        if queue.send(Queued { run, answer }).await.is_err() {
            return (0..count).map(|_| Err(AppendError::Unavailable)).collect();
        }
        let unknown = |_| (0..count).map(|_| Err(AppendError::Unknown)).collect();
        answered.await.unwrap_or_else(unknown)
    }

    async fn write_group(&self, group: Vec<Queued>) {
        let (runs, answers): (Vec<Vec<Prepared>>, Vec<Answer>) =
            group.into_iter().map(|queued| (queued.run, queued.answer)).unzip();
        let lengths: Vec<usize> = runs.iter().map(Vec::len).collect();
        let mut writes: Vec<Prepared> = runs.into_iter().flatten().collect();
        if writes.len() > 1 {
            if let Ok(last) = self.write_batch(&writes).await {
                let mut written = batch_written(last, writes.len());
                for (length, answer) in lengths.into_iter().zip(answers) {
                    respond(answer, written.by_ref().take(length).map(Ok).collect());
                }
                return;
            }
            // One of its tries may have been stored although none was acknowledged.
            writes.iter_mut().for_each(Prepared::doubt);
        }
        // One run alone, or one of several is at fault: writing each alone tells which.
        let mut rest = writes.as_slice();
        let each = lengths.into_iter().zip(answers).map(|(length, answer)| {
            let (run, behind) = rest.split_at(length.min(rest.len()));
            rest = behind;
            async move { respond(answer, self.publish_run(run).await) }
        });
        join_all(each).await;
    }
}

/// The caller may have gone; what was written stays written.
fn respond(answer: Answer, outcomes: Vec<Result<Written, AppendError>>) {
    if answer.send(outcomes).is_err() {
        tracing::trace!("the caller of an append has gone");
    }
}

/// Ends when the log is dropped, and with it the only sender.
async fn run(log: Weak<Inner>, mut receiver: mpsc::Receiver<Queued>) {
    let in_flight = Arc::new(Semaphore::new(IN_FLIGHT));
    let mut waiting: Vec<Queued> = Vec::new();
    loop {
        let Ok(permit) = Arc::clone(&in_flight).acquire_owned().await else { return };
        if waiting.is_empty() && receiver.recv_many(&mut waiting, MAX_GROUP).await == 0 {
            return;
        }
        while waiting.len() < MAX_GROUP
            && let Ok(queued) = receiver.try_recv()
        {
            waiting.push(queued);
        }
        // A caller that gave up waiting may retry with another decision: its old one must not be written late.
        waiting.retain(|queued| !queued.answer.is_closed());
        if waiting.is_empty() {
            continue;
        }
        let Some(inner) = log.upgrade() else { return };
        let group = take_group(&mut waiting);
        tokio::spawn(async move {
            let log = EventLog { inner };
            let mut writing = pin!(log.write_group(group));
            if timeout(STEP_ASIDE, writing.as_mut()).await.is_err() {
                drop(permit);
                writing.await;
            }
        });
    }
}

/// Takes as many runs from the front as may go in one batch. In a batch an expectation on a lane must come
/// before any write to that lane, and a message id may come once.
fn take_group(waiting: &mut Vec<Queued>) -> Vec<Queued> {
    let mut group = Group::default();
    let count = waiting.iter().take_while(|queued| group.takes(&queued.run)).count();
    let rest = waiting.split_off(count.max(1).min(waiting.len()));
    std::mem::replace(waiting, rest)
}

/// What is in a batch already.
#[derive(Default)]
struct Group<'a> {
    written: HashSet<&'a str, RandomState>,
    ids: HashSet<&'a str, RandomState>,
    bytes: usize,
    count: usize,
}

impl<'a> Group<'a> {
    /// Adds a run, if it may be added.
    fn takes(&mut self, run: &'a [Prepared]) -> bool {
        let judged_too_late = |write: &Prepared| {
            write.expected_subject().is_some_and(|subject| self.written.contains(subject))
        };
        self.bytes += run.iter().map(Prepared::size).sum::<usize>();
        let is_first = self.count == 0;
        let fits = self.count + run.len() <= MAX_GROUP && self.bytes <= MAX_GROUP_BYTES;
        if !is_first && (!fits || run.iter().any(judged_too_late)) {
            return false;
        }
        if !run.iter().all(|write| self.ids.insert(write.message_id())) {
            return false;
        }
        self.written.extend(run.iter().map(|write| write.subject.as_str()));
        self.count += run.len();
        true
    }
}
