//! The log as decoded batches, read ahead of the engine by a task of its own.

use std::sync::Arc;
use std::time::Duration;

use bus::LiveFeed;
use eventlog::{EventLog, LogError};
use readmodel::Group;
use schemas::{DecodeError, Event, Sequence};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

use crate::blanks::{Blanks, Instead};
use crate::error::ProjectError;
use crate::tail::{Tail, Taken};
use crate::views::{self, Logged, Traces};

/// Full batches read and decoded while the engine is busy with another.
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
    /// The events among these that cannot be read.
    pub(crate) unreadable: Vec<Unreadable>,
}

/// An event that cannot be read, or that was erased and leaves nothing but traces.
#[derive(Debug, Clone)]
pub(crate) struct Unreadable {
    /// The event's place in the log.
    pub(crate) sequence: Sequence,
    /// The groups its lane concerns; none for lanes the read model is not made of.
    pub(crate) groups: Vec<Group>,
    /// What it is found by in the audit trail, as far as its envelope can be read.
    pub(crate) traces: Option<Traces>,
    /// Why it cannot be read; none for one that was erased.
    pub(crate) source: Option<Arc<DecodeError>>,
}

impl Unreadable {
    fn erased(traces: Traces) -> Self {
        Self { sequence: traces.at, groups: Vec::new(), traces: Some(traces), source: None }
    }
}

/// Reads until dropped: ahead while the log is far ahead, otherwise when it is asked to, so that what comes
/// while the engine is busy becomes one batch and not many.
#[derive(Debug)]
pub(crate) struct Source {
    batches: mpsc::Receiver<Result<Decoding, LogError>>,
    /// A batch that was received and is still being decoded.
    decoding: Option<Decoding>,
    wanted: Arc<Notify>,
    task: JoinHandle<()>,
}

/// A batch, perhaps still in the making on another thread.
#[derive(Debug)]
enum Decoding {
    Done(Option<Work>),
    UnderWay(JoinHandle<Work>),
}

impl Source {
    /// Reads after a sequence, in batches of at most `batch` events: from the log, and at its end from the feed
    /// where there is one.
    pub(crate) async fn start(
        log: &EventLog,
        feed: Option<LiveFeed>,
        after: Sequence,
        batch: usize,
    ) -> Result<Self, ProjectError> {
        let tail = Tail::start(log, feed, after).await?;
        let reading = Reading { tail, blanks: Blanks::new(log), through: after };
        let (sender, batches) = mpsc::channel(AHEAD);
        let wanted = Arc::new(Notify::new());
        let task = tokio::spawn(read_ahead(reading, batch, sender, Arc::clone(&wanted)));
        Ok(Self { batches, decoding: None, wanted, task })
    }

    /// The next batch, perhaps an empty one. Cancel safe.
    pub(crate) async fn next(&mut self) -> Result<Work, ProjectError> {
        if self.decoding.is_none() {
            self.wanted.notify_one();
            self.decoding = match self.batches.recv().await {
                Some(Ok(decoding)) => Some(decoding),
                Some(Err(error)) => return Err(error.into()),
                None => None,
            };
        }
        let work = match &mut self.decoding {
            Some(Decoding::Done(work)) => work.take(),
            // Decoding does not panic: it has not ended well only when the runtime shuts down.
            Some(Decoding::UnderWay(task)) => task.await.ok(),
            None => None,
        };
        self.decoding = None;
        work.ok_or_else(|| ProjectError::Refused("the reader of the log has ended".to_owned()))
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Where the log is read, and what stands in its holes.
struct Reading {
    tail: Tail,
    blanks: Blanks,
    /// Everything up to here was read.
    through: Sequence,
}

impl Reading {
    /// The next events, and what stands in the place of those that are missing among them.
    async fn next(&mut self, max: usize) -> Result<(Taken, Instead), LogError> {
        let taken = self.tail.next(max, WAIT).await?;
        let mut gaps = Vec::new();
        let mut at = self.through;
        let ends = taken.pieces.iter().map(|piece| piece.sequence);
        for sequence in ends.chain([taken.through + 1]) {
            if sequence > at + 1 {
                gaps.push((at + 1, sequence - 1));
            }
            at = at.max(sequence);
        }
        let instead = match gaps.is_empty() {
            true => Instead::default(),
            false => self.blanks.within(&gaps).await?,
        };
        self.through = self.through.max(taken.through);
        Ok((taken, instead))
    }
}

async fn read_ahead(
    mut reading: Reading,
    max: usize,
    sender: mpsc::Sender<Result<Decoding, LogError>>,
    wanted: Arc<Notify>,
) {
    let mut far_behind = false;
    loop {
        if !far_behind {
            wanted.notified().await;
        }
        let decoding = match reading.next(max).await {
            Ok((taken, instead)) => {
                far_behind = taken.pieces.len() >= max;
                Ok(if taken.pieces.len() < DECODE_HERE {
                    Decoding::Done(Some(decode(taken, instead)))
                } else {
                    Decoding::UnderWay(tokio::task::spawn_blocking(move || decode(taken, instead)))
                })
            }
            Err(error) => Err(error),
        };
        let last = decoding.is_err();
        if sender.send(decoding).await.is_err() || last {
            return;
        }
    }
}

fn decode(taken: Taken, instead: Instead) -> Work {
    let mut work = Work {
        events: Vec::with_capacity(taken.pieces.len()),
        through: taken.through,
        head: taken.head,
        unreadable: Vec::new(),
    };
    for piece in taken.pieces {
        match Event::decode(&piece.payload) {
            Ok(event) => work.events.push(Logged {
                sequence: piece.sequence,
                stored_at: piece.stored_at,
                event,
            }),
            Err(source) => work.unreadable.push(Unreadable {
                sequence: piece.sequence,
                traces: Traces::of_unreadable(&piece.payload, piece.sequence),
                groups: views::groups_of_unreadable(piece.lane.as_ref(), &piece.payload),
                source: Some(Arc::new(source)),
            }),
        }
    }
    if !instead.is_empty() {
        work.events.extend(instead.events);
        work.events.sort_by_key(|event| event.sequence);
        work.unreadable.extend(instead.traces.into_iter().map(Unreadable::erased));
        work.unreadable.sort_by_key(|event| event.sequence);
    }
    work
}
