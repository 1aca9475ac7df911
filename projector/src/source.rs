//! The log as decoded batches, read ahead of the engine by a task of its own.

use std::time::Duration;

use eventlog::{Batch, EventLog, LogError, Reader};
use schemas::Sequence;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::error::{Poison, ProjectError};
use crate::views::Logged;

/// Batches read and decoded while the engine is busy with another.
const AHEAD: usize = 2;
/// How long the reader waits for events before it says that there are none.
const WAIT: Duration = Duration::from_secs(1);
/// Fewer events than this are decoded where they are; more go to a thread that may be busy for long.
const DECODE_HERE: usize = 64;

/// Events to apply.
#[derive(Debug)]
pub(crate) struct Work {
    /// In order; empty when nothing new came for a while.
    pub(crate) events: Vec<Logged>,
    /// Everything up to here is in this batch or was in an earlier one.
    pub(crate) through: Sequence,
    /// The end of the log as far as it is known.
    pub(crate) head: Sequence,
    /// The event after these, which cannot be read. Nothing follows.
    pub(crate) poison: Option<Poison>,
}

/// Reads ahead until dropped.
#[derive(Debug)]
pub(crate) struct Source {
    batches: mpsc::Receiver<Result<Work, LogError>>,
    task: JoinHandle<()>,
}

impl Source {
    /// Reads after a sequence, in batches of at most `batch` events.
    pub(crate) async fn start(
        log: &EventLog,
        after: Sequence,
        batch: usize,
    ) -> Result<Self, ProjectError> {
        let reader = match log.read_from(after).await {
            Err(LogError::Ahead { after, head }) => {
                return Err(ProjectError::OtherLog(format!("the log ends at {head}, not {after}")));
            }
            other => other?,
        };
        let (sender, batches) = mpsc::channel(AHEAD);
        let task = tokio::spawn(read_ahead(reader, batch, sender));
        Ok(Self { batches, task })
    }

    /// The next batch, perhaps an empty one. Cancel safe.
    pub(crate) async fn next(&mut self) -> Result<Work, ProjectError> {
        match self.batches.recv().await {
            Some(Ok(work)) => Ok(work),
            Some(Err(LogError::Ahead { after, head })) => {
                Err(ProjectError::OtherLog(format!("the log ends at {head}, not {after}")))
            }
            Some(Err(error)) => Err(error.into()),
            None => Err(ProjectError::Refused("the reader of the log has ended".to_owned())),
        }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn read_ahead(mut reader: Reader, max: usize, sender: mpsc::Sender<Result<Work, LogError>>) {
    loop {
        let work = match reader.next(max, WAIT).await {
            Ok(batch) if batch.records.len() < DECODE_HERE => Ok(decode(batch)),
            Ok(batch) => match tokio::task::spawn_blocking(move || decode(batch)).await {
                Ok(work) => Ok(work),
                // The runtime is shutting down; decoding itself does not panic.
                Err(_) => return,
            },
            Err(error) => Err(error),
        };
        let last = work.as_ref().map_or(true, |work| work.poison.is_some());
        if sender.send(work).await.is_err() || last {
            return;
        }
    }
}

fn decode(batch: Batch) -> Work {
    let mut work = Work {
        events: Vec::with_capacity(batch.records.len()),
        through: batch.through,
        head: batch.head,
        poison: None,
    };
    for record in batch.records {
        match record.event() {
            Ok(event) => work.events.push(Logged {
                sequence: record.sequence,
                stored_at: record.stored_at,
                event,
            }),
            Err(source) => {
                work.through = record.sequence.saturating_sub(1);
                let sequence = record.sequence;
                work.poison = Some(Poison::Undecodable { sequence, source });
                break;
            }
        }
    }
    work
}
