//! Reading the whole log in order.
//!
//! A reader owns a consumer on the server. Whenever anything is wrong (a lost connection, a missing delivery, a
//! restarted server) it drops the consumer and creates a new one at the place it has reached, so it never skips and
//! never repeats an event. There is no filter: filtering on the server is ten times slower than reading everything,
//! and a hole in the sequences could not be told from a filtered event.

use std::time::Duration;

use async_nats::jetstream;
use async_nats::jetstream::consumer::{AckPolicy, Consumer, DeliverPolicy, pull};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use schemas::{DecodeError, Event, Lane, Sequence, Timestamp};
use tokio::time::{Instant, sleep, timeout_at};

use crate::api::consumer_error;
use crate::error::LogError;
use crate::log::EventLog;
use crate::read::stored_at;

/// Messages and bytes the server may send ahead of the reader.
const PULL_MESSAGES: usize = 4096;
const PULL_BYTES: usize = 16 * 1024 * 1024;
const PULL_EXPIRES: Duration = Duration::from_secs(30);
const HEARTBEAT: Duration = Duration::from_secs(5);
/// The server drops an abandoned consumer after this.
const INACTIVE: Duration = Duration::from_secs(60);
/// While more is known to be waiting, a batch waits this long for its next event.
const LINGER: Duration = Duration::from_millis(10);
/// How often in a row a reader starts over because the server skipped events that exist.
const MAX_DOUBTS: u32 = 5;
const REOPEN_PAUSE: Duration = Duration::from_millis(100);

/// An event as it lies in the log, whatever its subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place in the log.
    pub sequence: Sequence,
    /// Its subject.
    pub subject: String,
    /// Its lane; none when the subject is not one this build knows.
    pub lane: Option<Lane>,
    /// The event as it was written.
    pub payload: Bytes,
    /// When the server stored it.
    pub stored_at: Timestamp,
    /// Sequences right before this one are missing: those events were securely deleted.
    pub gap_before: bool,
}

impl Record {
    /// The event.
    ///
    /// # Errors
    /// See [`DecodeError`]. A caller that cannot read an event must stop, not skip it.
    pub fn event(&self) -> Result<Event, DecodeError> {
        Event::decode(&self.payload)
    }
}

/// What a reader got in one go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Events in the order of the log; empty when nothing came in time.
    pub records: Vec<Record>,
    /// Every event up to here has been handed out, in this batch or an earlier one. Can be past the
    /// last record, when the log's newest events were securely deleted.
    pub through: Sequence,
    /// The last sequence of the log as far as it is known; `head - through` is how far the reader lags.
    pub head: Sequence,
}

/// Reads the log from a place on, without end. Made by [`EventLog::read_from`].
pub struct Reader {
    log: EventLog,
    through: Sequence,
    head: Sequence,
    source: Option<Source>,
    ready: Vec<Record>,
    /// Sequences the server skipped, to be explained before anything later is handed out.
    doubt: Option<(Sequence, Sequence)>,
    /// How often in a row the server skipped events that were found when they were looked up.
    doubts: u32,
    /// Holes are handed on as they are: an operator wants to see them.
    with_holes: bool,
    /// Everything was handed out when the server was asked last, and nothing has come since.
    at_rest: bool,
}

struct Source {
    stream: pull::Stream,
    consumer: Consumer<pull::Config>,
    /// Deliveries so far; the next one must have the number after.
    delivered: u64,
    /// What the server said was still waiting after the last delivery.
    waiting: u64,
    generation: u64,
    log: EventLog,
}

impl Drop for Source {
    /// Deletes the consumer: the server would otherwise keep it for a while and check it with every event it stores.
    /// If the request is lost, the server drops the consumer by itself after [`INACTIVE`].
    fn drop(&mut self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (log, name) = (self.log.clone(), self.consumer.cached_info().name.clone());
        runtime.spawn(async move {
            let (jetstream, stream) = (&log.inner.jetstream, &log.inner.stream);
            if let Err(error) = jetstream.delete_consumer_from_stream(&name, stream).await {
                tracing::debug!(%error, "the server forgets a consumer by itself");
            }
        });
    }
}

impl EventLog {
    /// Reads everything after a sequence (0: from the beginning), and then what is written later.
    ///
    /// # Errors
    /// [`LogError::Ahead`] when the log ends before `after`, [`LogError::NoStream`],
    /// [`LogError::Replaced`], [`LogError::Unavailable`].
    pub async fn read_from(&self, after: Sequence) -> Result<Reader, LogError> {
        let head = self.head().await?;
        if after > head {
            return Err(LogError::Ahead { after, head });
        }
        Ok(Reader::new(self, after, head))
    }

    /// Reads everything from the beginning and passes over whatever is missing.
    pub(crate) fn read_with_holes(&self) -> Reader {
        Reader { with_holes: true, ..Reader::new(self, 0, 0) }
    }
}

impl Reader {
    fn new(log: &EventLog, through: Sequence, head: Sequence) -> Self {
        let log = log.clone();
        let (source, ready, doubt) = (None, Vec::new(), None);
        let (doubts, with_holes, at_rest) = (0, false, false);
        Self { log, through, head, source, ready, doubt, doubts, with_holes, at_rest }
    }

    /// Every event up to here has been handed out.
    #[must_use]
    pub fn through(&self) -> Sequence {
        self.through
    }

    /// Waits for events: returns as soon as there are some, at most `max` of them, or an empty batch
    /// when `wait` has passed. While the server cannot be reached batches are empty. Dropping the future
    /// loses nothing.
    ///
    /// # Errors
    /// [`LogError::Replaced`], [`LogError::NoStream`], [`LogError::Ahead`] (the log lost its end),
    /// [`LogError::Damaged`], [`LogError::Refused`]: the reader cannot go on from its place.
    pub async fn next(&mut self, max: usize, wait: Duration) -> Result<Batch, LogError> {
        let deadline = Instant::now() + wait;
        let max = max.max(1);
        while self.ready.len() < max {
            let patience = match &self.source {
                _ if self.ready.is_empty() => deadline,
                Some(source) if source.waiting > 0 => deadline.min(Instant::now() + LINGER),
                _ => Instant::now(),
            };
            if !self.step(patience).await? {
                break;
            }
        }
        if self.ready.is_empty() {
            self.check_tail().await?;
        }
        let rest = self.ready.split_off(self.ready.len().min(max));
        let records = std::mem::replace(&mut self.ready, rest);
        Ok(Batch { records, through: self.through, head: self.head.max(self.through) })
    }

    /// Takes one delivery, or reopens the source; false when the deadline passed without either.
    async fn step(&mut self, deadline: Instant) -> Result<bool, LogError> {
        let Some(source) = &mut self.source else {
            return match timeout_at(deadline, self.open()).await {
                Ok(opened) => opened.map(|()| true),
                Err(_) => Ok(false),
            };
        };
        let connection = self.log.inner.connection.clone();
        // Unconstrained: the runtime's budget would make what is there look like nothing.
        let delivery = match tokio::task::unconstrained(source.stream.next()).now_or_never() {
            Some(delivery) => delivery,
            None => tokio::select! {
                biased;
                delivery = source.stream.next() => delivery,
                () = connection.lost(source.generation) => None,
                () = tokio::time::sleep_until(deadline) => return Ok(false),
            },
        };
        match delivery {
            Some(Ok(message)) => self.take(&message)?,
            Some(Err(error)) => {
                tracing::debug!(%error, event.seq = self.through, "reader starts anew");
                self.source = None;
            }
            None => self.source = None,
        }
        Ok(true)
    }

    fn take(&mut self, message: &jetstream::Message) -> Result<(), LogError> {
        let Some(source) = &mut self.source else { return Ok(()) };
        let info = message.info().map_err(LogError::BadAnswer)?;
        if info.consumer_sequence != source.delivered + 1 {
            tracing::warn!(event.seq = self.through, "a delivery is missing: reader starts anew");
            self.source = None;
            return Ok(());
        }
        source.delivered = info.consumer_sequence;
        source.waiting = info.pending;
        if info.stream_sequence <= self.through {
            return Ok(());
        }
        let (next, before) = (self.through + 1, info.stream_sequence - 1);
        if !self.may_pass(next, before) {
            self.doubt = Some((next, before));
            self.source = None;
            return Ok(());
        }
        (self.doubts, self.at_rest) = (0, false);
        self.log.note_seen(info.stream_sequence);
        let subject = message.subject.as_str();
        self.ready.push(Record {
            sequence: info.stream_sequence,
            lane: Lane::parse(self.log.namespace(), subject).ok(),
            subject: subject.to_owned(),
            payload: message.payload.clone(),
            stored_at: stored_at(message, &info),
            gap_before: info.stream_sequence != self.through + 1,
        });
        self.through = info.stream_sequence;
        self.head = self.head.max(info.stream_sequence + info.pending);
        Ok(())
    }

    /// Makes a consumer at the place reached.
    async fn open(&mut self) -> Result<(), LogError> {
        loop {
            let generation = self.log.inner.connection.state().generation;
            let opened = match self.explain_doubt().await {
                Ok(()) => self.try_open(generation).await,
                Err(error) => Err(error),
            };
            match opened {
                Ok(source) => {
                    self.source = Some(source);
                    return Ok(());
                }
                Err(LogError::Unavailable(error)) => {
                    tracing::debug!(error, "the log does not answer; reader tries again");
                    sleep(REOPEN_PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether sequences may be passed over: there are none, or they are known to be gone.
    fn may_pass(&self, from: Sequence, to: Sequence) -> bool {
        from > to || self.with_holes || self.log.is_hole(from, to)
    }

    async fn head_now(&self) -> Result<Sequence, LogError> {
        if self.with_holes {
            return Ok(self.log.stream_info().await?.state.last_seq);
        }
        self.log.head().await
    }

    async fn explain_doubt(&mut self) -> Result<(), LogError> {
        let Some((from, to)) = self.doubt else { return Ok(()) };
        self.log.explain(from, to).await?;
        self.doubt = None;
        self.doubts += 1;
        if self.doubts > MAX_DOUBTS {
            let what = format!("the events from {from} to {to} are there and are not delivered");
            return Err(LogError::Damaged(what));
        }
        Ok(())
    }

    async fn try_open(&mut self, generation: u64) -> Result<Source, LogError> {
        let head = self.head_now().await?;
        if self.through > head {
            return Err(LogError::Ahead { after: self.through, head });
        }
        self.head = head;
        let config = pull::Config {
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: self.through + 1 },
            ack_policy: AckPolicy::None,
            memory_storage: true,
            num_replicas: 1,
            inactive_threshold: INACTIVE,
            ..pull::Config::default()
        };
        let stream = self.log.inner.stream.clone();
        let consumer = self.log.inner.jetstream.create_consumer_on_stream(config, stream).await;
        let consumer = consumer.map_err(consumer_error)?;
        let stream = consumer
            .stream()
            .max_messages_per_batch(PULL_MESSAGES)
            .max_bytes_per_batch(PULL_BYTES)
            .expires(PULL_EXPIRES)
            .heartbeat(HEARTBEAT)
            .messages()
            .await
            .map_err(|error| LogError::Unavailable(error.into()))?;
        let log = self.log.clone();
        Ok(Source { stream, consumer, delivered: 0, waiting: 0, generation, log })
    }

    /// Called when nothing came: finds out whether everything was handed out, so that `through` can pass the holes
    /// at the end of the log.
    async fn check_tail(&mut self) -> Result<(), LogError> {
        if !self.log.is_connected() {
            return Ok(());
        }
        let asked = if self.at_rest { self.log.recent_head().await } else { self.head_now().await };
        let head = match asked {
            Ok(head) => head,
            Err(LogError::Unavailable(_)) => return Ok(()),
            Err(error) => return Err(error),
        };
        self.head = head;
        self.at_rest = head <= self.through && !self.with_holes;
        let Some(source) = &self.source else { return Ok(()) };
        if head <= self.through {
            return Ok(());
        }
        // Asked after the head: what the consumer has not delivered by now lies beyond it.
        if let Ok(info) = source.consumer.get_info().await
            && info.num_pending == 0
            && info.delivered.consumer_sequence == source.delivered
        {
            if !self.may_pass(self.through + 1, head) {
                // Explained at once; what is there after all is delivered by the next consumer.
                (self.doubt, self.source) = (Some((self.through + 1, head)), None);
                return self.explain_doubt().await;
            }
            self.through = head;
        }
        Ok(())
    }
}
