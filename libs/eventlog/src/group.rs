//! Group commit: independent single appends that wait at the same time go as one atomic batch.
//!
//! Where the server syncs every write, a batch of a hundred costs one sync and a hundred singles cost a
//! hundred. One batch is under way at a time; what arrives meanwhile is the next one, so an
//! idle log writes singles at once and a busy one writes ever larger batches. A batch is all or
//! none, singles are not: when a batch is refused, each of its writes is made on its own and gets the
//! answer it would have had.

use std::collections::HashSet;
use std::sync::{Arc, Weak};

use futures_util::future::join_all;
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::append::{Prepared, Written, as_sequence};
use crate::error::AppendError;
use crate::log::{EventLog, Inner};

/// Appends that may wait before callers are held back.
const QUEUE: usize = 8192;
/// Largest group; the server takes 1,000.
const MAX_GROUP: usize = 512;
/// Largest group in bytes of events, so that a batch does not hold up others for long.
const MAX_GROUP_BYTES: usize = 4 * 1024 * 1024;
/// Batches under way at the same time.
const IN_FLIGHT: usize = 1;

/// Where the outcome of a queued append is waited for.
type Answer = oneshot::Sender<Result<Written, AppendError>>;

/// An append that waits for its turn.
struct Queued {
    write: Prepared,
    answer: Answer,
}

/// Where appends queue up.
pub(crate) struct Queue(mpsc::Sender<Queued>);

impl EventLog {
    /// Groups single appends from now on. Doing it twice is the same as once.
    pub(crate) fn start_group_commit(&self) {
        let inner = Arc::downgrade(&self.inner);
        self.inner.group.get_or_init(|| {
            let (sender, receiver) = mpsc::channel(QUEUE);
            tokio::spawn(run(inner, receiver));
            Queue(sender)
        });
    }

    /// Writes one event, in a group where that is set up.
    pub(crate) async fn write_single(&self, write: Prepared) -> Result<Written, AppendError> {
        let Some(Queue(queue)) = self.inner.group.get() else {
            return self.publish_single(&write).await;
        };
        let (answer, answered) = oneshot::channel();
        if queue.send(Queued { write, answer }).await.is_err() {
            return Err(AppendError::Unavailable);
        }
        answered.await.unwrap_or(Err(AppendError::Unknown))
    }

    async fn write_group(&self, group: Vec<Queued>) {
        let (writes, answers): (Vec<Prepared>, Vec<Answer>) =
            group.into_iter().map(|queued| (queued.write, queued.answer)).unzip();
        if writes.len() > 1
            && let Ok(last) = self.write_batch(&writes).await
        {
            let first = last - (as_sequence(writes.len()) - 1);
            for (sequence, answer) in (first..=last).zip(answers) {
                respond(answer, Ok(Written { last: sequence, duplicate: false }));
            }
            return;
        }
        // Alone, or one of them is at fault and only alone can it be told which.
        let each = writes.iter().zip(answers).map(|(write, answer)| async move {
            respond(answer, self.publish_single(write).await);
        });
        join_all(each).await;
    }
}

/// The asker may have gone; what was written stays written.
fn respond(answer: Answer, outcome: Result<Written, AppendError>) {
    if answer.send(outcome).is_err() {
        tracing::trace!("nobody waits for an append any more");
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
        // Whoever gave up waiting may try again with another decision: his old one is not written late.
        waiting.retain(|queued| !queued.answer.is_closed());
        if waiting.is_empty() {
            continue;
        }
        let Some(inner) = log.upgrade() else { return };
        let group = take_group(&mut waiting);
        tokio::spawn(async move {
            EventLog { inner }.write_group(group).await;
            drop(permit);
        });
    }
}

/// Takes the longest run from the front that may go in one batch. In a batch an expectation on a lane must
/// come before any write to that lane, and a message id may come once.
fn take_group(waiting: &mut Vec<Queued>) -> Vec<Queued> {
    let mut written: HashSet<&str> = HashSet::new();
    let mut ids: HashSet<&str> = HashSet::new();
    let mut bytes = 0;
    let mut count = 0;
    for Queued { write, .. } in waiting.iter() {
        let judged_too_late =
            write.expected_subject().is_some_and(|subject| written.contains(subject));
        bytes += write.size();
        if count == MAX_GROUP
            || (count > 0 && (judged_too_late || bytes > MAX_GROUP_BYTES))
            || !ids.insert(write.message_id())
        {
            break;
        }
        written.insert(&write.subject);
        count += 1;
    }
    let rest = waiting.split_off(count.max(1).min(waiting.len()));
    std::mem::replace(waiting, rest)
}
