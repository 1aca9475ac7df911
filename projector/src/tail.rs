//! The tail of the log: read from the log while the projector is behind, from the live feed at the log's end.
//!
//! Events at the end come to this process anyway, for the others in it that follow the live feed; a reader of the log
//! would have the server send every one of them once more. The feed may lose, repeat and stop. Only an event that
//! follows the last one by its sequence is taken from it; for everything else the log is read again.

use std::time::Duration;

use bus::{Live, LiveEvent, LiveFeed};
use bytes::Bytes;
use eventlog::{EventLog, LogError, Reader, Record};
use futures_util::FutureExt as _;
use schemas::{Lane, Sequence, Timestamp};
use tokio::task::unconstrained;
use tokio::time::{Instant, sleep, timeout_at};

/// How long the first event after a silence is left alone, so that it is delivered before it is projected.
const LINGER: Duration = Duration::from_millis(1);

/// An event as it was stored, not decoded yet.
#[derive(Debug)]
pub(crate) struct Piece {
    pub(crate) sequence: Sequence,
    pub(crate) stored_at: Timestamp,
    /// The entity it is about; none on a lane this build does not know.
    pub(crate) lane: Option<Lane>,
    pub(crate) payload: Bytes,
}

impl From<Record> for Piece {
    fn from(record: Record) -> Self {
        let Record { sequence, stored_at, lane, payload, .. } = record;
        Self { sequence, stored_at, lane, payload }
    }
}

impl From<LiveEvent> for Piece {
    fn from(event: LiveEvent) -> Self {
        let LiveEvent { sequence, stored_at, lane, payload, .. } = event;
        Self { sequence, stored_at, lane: Some(lane), payload }
    }
}

/// Events that were there at once.
#[derive(Debug)]
pub(crate) struct Taken {
    /// In order; empty when nothing came in time.
    pub(crate) pieces: Vec<Piece>,
    /// Everything up to here was handed out.
    pub(crate) through: Sequence,
    /// The end of the log as far as it is known.
    pub(crate) head: Sequence,
}

/// Events after a place in the log, each once, in order.
pub(crate) struct Tail {
    log: EventLog,
    /// None where the log alone is read: a rebuild, or when the feed cannot be had.
    feed: Option<LiveFeed>,
    /// The reader of the log; none while the feed is enough.
    reader: Option<Reader>,
    through: Sequence,
    /// The last event of the feed that was passed over while the log was read.
    passed: Sequence,
}

/// How a look at the feed ended.
enum Look {
    /// With these, perhaps none.
    Taken(Vec<Piece>),
    /// Something is missing after these: the log is to be read.
    Hole(Vec<Piece>),
}

impl Tail {
    /// Begins after a sequence.
    ///
    /// # Errors
    /// See [`EventLog::read_from`].
    pub(crate) async fn start(
        log: &EventLog,
        feed: Option<LiveFeed>,
        after: Sequence,
    ) -> Result<Self, LogError> {
        let reader = Some(log.read_from(after).await?);
        Ok(Self { log: log.clone(), feed, reader, through: after, passed: 0 })
    }

    /// Waits for events: returns as soon as there are some, at most `max`, or none when `wait` has passed.
    ///
    /// # Errors
    /// See [`Reader::next`].
    pub(crate) async fn next(&mut self, max: usize, wait: Duration) -> Result<Taken, LogError> {
        if self.reader.is_none() {
            let (pieces, hole) = match self.look(max, wait).await? {
                Look::Taken(pieces) => (pieces, false),
                Look::Hole(pieces) => (pieces, true),
            };
            if hole {
                self.reader = Some(self.log.read_from(self.through).await?);
            }
            if !hole || !pieces.is_empty() {
                let through = self.through;
                return Ok(Taken { pieces, through, head: through.max(self.passed) });
            }
        }
        self.read(max, wait).await
    }

    async fn read(&mut self, max: usize, wait: Duration) -> Result<Taken, LogError> {
        self.pass_over();
        let reader = match &mut self.reader {
            Some(reader) => reader,
            none => none.insert(self.log.read_from(self.through).await?),
        };
        let batch = reader.next(max, wait).await?;
        self.through = batch.through;
        let at_the_end = batch.through >= batch.head.max(self.passed);
        if self.feed.is_some() && at_the_end && batch.records.len() < max {
            // What comes after this is in the feed, or shows there as a hole.
            self.reader = None;
        }
        let pieces = batch.records.into_iter().map(Piece::from).collect();
        Ok(Taken { pieces, through: batch.through, head: batch.head })
    }

    /// Drops what the feed holds: it is read from the log.
    fn pass_over(&mut self) {
        let Some(feed) = &mut self.feed else { return };
        while let Some(live) = unconstrained(feed.next()).now_or_never() {
            match live {
                Some(Live::Event(LiveEvent { sequence, .. }) | Live::Unknown { sequence }) => {
                    self.passed = self.passed.max(sequence);
                }
                Some(Live::Disconnected | Live::Reconnected | Live::Lagged) => {}
                None => {
                    self.feed = None;
                    return;
                }
            }
        }
    }

    /// Takes from the feed what follows.
    async fn look(&mut self, max: usize, wait: Duration) -> Result<Look, LogError> {
        let Some(feed) = &mut self.feed else { return Ok(Look::Hole(Vec::new())) };
        let deadline = Instant::now() + wait;
        let mut pieces = Vec::new();
        while pieces.len() < max {
            let live = match unconstrained(feed.next()).now_or_never() {
                Some(live) => live,
                None if !pieces.is_empty() => break,
                None => match timeout_at(deadline, feed.next()).await {
                    Ok(live) => {
                        // Clients are being told of the same event: they come first.
                        sleep(LINGER).await;
                        live
                    }
                    Err(_) => return self.is_at_the_end().await,
                },
            };
            match live {
                Some(Live::Event(event)) if event.sequence == self.through + 1 => {
                    self.through = event.sequence;
                    pieces.push(Piece::from(event));
                }
                Some(Live::Event(LiveEvent { sequence, .. }) | Live::Unknown { sequence })
                    if sequence <= self.through => {}
                Some(Live::Disconnected) => {}
                Some(Live::Event(LiveEvent { sequence, .. }) | Live::Unknown { sequence }) => {
                    self.passed = self.passed.max(sequence);
                    return Ok(Look::Hole(pieces));
                }
                Some(Live::Reconnected | Live::Lagged) => return Ok(Look::Hole(pieces)),
                None => {
                    self.feed = None;
                    return Ok(Look::Hole(pieces));
                }
            }
        }
        Ok(Look::Taken(pieces))
    }

    /// Nothing came: there is nothing, or the end of the feed was lost, or the end of the log.
    async fn is_at_the_end(&self) -> Result<Look, LogError> {
        let head = match self.log.recent_head().await {
            // What came last came after that was said; or the log is less than it was.
            Ok(head) if head < self.through => self.log.head().await,
            head => head,
        };
        match head {
            Ok(head) if head != self.through => Ok(Look::Hole(Vec::new())),
            Ok(_) | Err(LogError::Unavailable(_)) => Ok(Look::Taken(Vec::new())),
            Err(error) => Err(error),
        }
    }
}
