//! Bringing increments back to a stream that was restored from an earlier copy.
//!
//! A message of the log gets the sequence it had: where one is gone, a placeholder is written that is removed at the end.
//! The server gives every message the present time, so the time at which it was stored first goes along in a header.

use async_nats::header::{
    NATS_BATCH_COMMIT, NATS_BATCH_COMMIT_FINAL, NATS_BATCH_ID, NATS_BATCH_SEQUENCE,
};
use async_nats::{HeaderMap, HeaderName};
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use schemas::Sequence;
use serde_json::{Value, json};
use tokio::time::{Duration, Instant, sleep};

use crate::api::{self, PAUSE};
use crate::backup::{LAST_ANSWER, ask_slowly};
use crate::copied::{Copied, Extent, Queue};
use crate::error::{AppendError, LogError};
use crate::holes::Holes;
use crate::leader::STORED_AT;
use crate::log::EventLog;
use crate::outcome::Outcome;
use crate::topology::{release, stream_request};

/// Messages written at once, and their bytes at most, but for one that is larger.
const BATCH: usize = 1000;
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// How long the server may take for them.
const ANSWER: Duration = Duration::from_secs(30);
/// How often they are sent while the server says that it has taken none of them.
const TRIES: u32 = 5;
/// Messages removed or put at the same time.
const AT_ONCE: usize = 16;
/// How long a message is tried to be put.
const BUDGET: Duration = Duration::from_secs(10);

/// Writes events to the end of a log that is being restored. Made by [`EventLog::refill`].
pub struct Refill {
    log: EventLog,
    /// The sequence of the next message.
    next: Sequence,
    waiting: Vec<Waiting>,
    bytes: usize,
}

struct Waiting {
    subject: String,
    headers: HeaderMap,
    payload: Bytes,
}

impl EventLog {
    /// Removes what is gone from a restored stream, and overwrites it in the store.
    ///
    /// # Errors
    /// [`LogError::NoStream`], [`LogError::Unavailable`], [`LogError::Refused`].
    pub async fn clear(&self, stream_name: &str, gone: &Holes) -> Result<(), LogError> {
        let extent = self.extent(stream_name).await?;
        let Extent { through, gone: already } =
            extent.ok_or_else(|| LogError::NoStream(stream_name.to_owned()))?;
        let gone = gone.through(through);
        let left = gone.ranges().iter().flat_map(|(from, to)| *from..=*to);
        let left: Vec<Sequence> = left.filter(|one| !already.cover(*one, *one)).collect();
        stream::iter(left)
            .map(|sequence| self.wipe(stream_name, sequence))
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }

    /// Writes after the end of a log that was restored and [held back](crate::Snapshot::hold_back).
    ///
    /// # Errors
    /// [`LogError::NoStream`], [`LogError::Unavailable`].
    pub async fn refill(&self) -> Result<Refill, LogError> {
        let next = self.stream_info().await?.state.last_seq + 1;
        Ok(Refill { log: self.clone(), next, waiting: Vec::new(), bytes: 0 })
    }

    /// Puts pieces of files back, each in place of what is stored on its subject.
    ///
    /// # Errors
    /// [`LogError::Unavailable`], [`LogError::Refused`].
    pub async fn put_copied(&self, messages: Vec<Copied>) -> Result<(), LogError> {
        stream::iter(messages)
            .map(|message| self.put_one(message))
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }

    async fn put_one(&self, message: Copied) -> Result<(), LogError> {
        let deadline = Instant::now() + BUDGET;
        loop {
            let connection = &self.inner.connection;
            let answer = connection.ask_safely(&message.subject, &message.payload).await?;
            match Outcome::read(&answer) {
                Outcome::Stored { .. } => return Ok(()),
                Outcome::Refused(error) => return Err(not_written(error)),
                Outcome::Later | Outcome::Contended if Instant::now() >= deadline => {
                    return Err(LogError::Unavailable("a piece was not taken".into()));
                }
                Outcome::Later | Outcome::Contended => sleep(PAUSE).await,
            }
        }
    }

    /// Ends the restore of a log that was held back: it is a log again. Of one to which something was added since its copy
    /// was made, the work queues go on where they were at the end, up to that sequence; otherwise they are the copy's.
    ///
    /// # Errors
    /// [`LogError::NoStream`], [`LogError::Unavailable`], [`LogError::Refused`].
    pub async fn complete_restore(
        &self,
        added: Option<(&[Queue], Sequence)>,
    ) -> Result<(), LogError> {
        if let Some((queues, through)) = added {
            self.renew_queues(queues, through).await?;
        }
        let mut config = self.stream_info().await?.config;
        release(&mut config.metadata);
        stream_request(&self.inner.connection, "UPDATE", &config).await??;
        Ok(())
    }

    async fn renew_queues(&self, queues: &[Queue], through: Sequence) -> Result<(), LogError> {
        for queue in self.queues().await? {
            let name = queue.name().unwrap_or_default();
            self.about_queue("DELETE", name, &Value::Null).await?;
        }
        for queue in queues {
            let (Some(name), Some(config)) = (queue.name(), queue.config.as_object()) else {
                continue;
            };
            let mut config = config.clone();
            config.remove("opt_start_time");
            config.insert("deliver_policy".to_owned(), json!("by_start_sequence"));
            config.insert("opt_start_seq".to_owned(), json!(queue.done.min(through) + 1));
            let order = json!({ "stream_name": self.inner.stream, "config": config });
            self.about_queue("DURABLE.CREATE", name, &order).await?;
        }
        Ok(())
    }

    async fn about_queue(&self, verb: &str, name: &str, order: &Value) -> Result<(), LogError> {
        let subject = format!("$JS.API.CONSUMER.{verb}.{}.{name}", self.inner.stream);
        let payload = if order.is_null() { Bytes::new() } else { order.to_string().into() };
        let answer = self.inner.connection.ask_leader(&subject, &payload).await?;
        api::parse::<Value>(&answer)?.map(|_| ()).map_err(LogError::from)
    }

    /// A subject of the log that is no lane.
    fn placeholder(&self) -> String {
        format!("{}.evt.restoring", self.namespace())
    }
}

impl Refill {
    /// The sequence that the next message is to have at least; earlier ones are passed over.
    #[must_use]
    pub fn next(&self) -> Sequence {
        self.next
    }

    /// Writes an event under the sequence it had. They come in order.
    ///
    /// # Errors
    /// [`LogError::Unavailable`], [`LogError::Refused`], [`LogError::Damaged`]: the log cannot be restored.
    pub async fn push(&mut self, message: Copied) -> Result<(), LogError> {
        let Copied { sequence, subject, stored_at, payload } = message;
        if sequence < self.next {
            return Ok(());
        }
        self.pad(sequence).await?;
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static(STORED_AT), stored_at.to_string());
        self.add(Waiting { subject, headers, payload }).await
    }

    /// Writes what is left, and removes what stands in the place of events that are gone; then the log reaches as far as
    /// it should and has every event that is not gone.
    ///
    /// # Errors
    /// As [`Refill::push`].
    pub async fn finish(mut self, through: Sequence, gone: &Holes) -> Result<(), LogError> {
        self.pad(through + 1).await?;
        self.flush().await?;
        let log = &self.log;
        let subject = format!("$JS.API.STREAM.PURGE.{}", log.inner.stream);
        let order = json!({ "filter": log.placeholder() }).to_string();
        let connection = &log.inner.connection;
        let answer = ask_slowly(connection, subject, order.into(), LAST_ANSWER).await?;
        api::parse::<Value>(&answer)?.map_err(LogError::from)?;
        let state = log.stream_info().await?.state;
        let expected = through.saturating_sub(gone.through(through).count());
        if state.last_seq == through && state.messages == expected {
            return Ok(());
        }
        Err(LogError::Damaged(format!(
            "it ends at {} with {} events, and should end at {through} with {expected}",
            state.last_seq, state.messages
        )))
    }

    /// Fills the places up to before a sequence.
    async fn pad(&mut self, before: Sequence) -> Result<(), LogError> {
        while self.next < before {
            let subject = self.log.placeholder();
            let (headers, payload) = (HeaderMap::new(), Bytes::new());
            self.add(Waiting { subject, headers, payload }).await?;
        }
        Ok(())
    }

    async fn add(&mut self, message: Waiting) -> Result<(), LogError> {
        let size = message.payload.len() + message.subject.len();
        if !self.waiting.is_empty() && self.bytes + size > BATCH_BYTES {
            self.flush().await?;
        }
        self.bytes += size;
        self.next += 1;
        self.waiting.push(message);
        if self.waiting.len() >= BATCH { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<(), LogError> {
        self.bytes = 0;
        let messages = std::mem::take(&mut self.waiting);
        let Some((last, before)) = messages.split_last() else { return Ok(()) };
        let mut tries = 0;
        loop {
            match self.send(before, last).await? {
                Outcome::Stored { sequence, .. } if sequence + 1 == self.next => return Ok(()),
                Outcome::Stored { sequence, .. } => {
                    let next = self.next;
                    let what = format!("an event came to {sequence}, and not before {next}");
                    return Err(LogError::Damaged(what));
                }
                Outcome::Refused(error) => return Err(not_written(error)),
                // None of them was stored.
                Outcome::Later | Outcome::Contended if tries < TRIES => {
                    tries += 1;
                    sleep(PAUSE).await;
                }
                Outcome::Later | Outcome::Contended => {
                    return Err(LogError::Unavailable("the events were not taken".into()));
                }
            }
        }
    }

    /// One try: as one atomic batch, or by itself where it is only one.
    async fn send(&self, before: &[Waiting], last: &Waiting) -> Result<Outcome, LogError> {
        let connection = &self.log.inner.connection;
        let client = connection.client();
        let inbox = client.new_inbox();
        let batch = inbox.rsplit('.').next().unwrap_or(&inbox);
        let in_batch = |message: &Waiting, number: usize| {
            let mut headers = message.headers.clone();
            headers.insert(NATS_BATCH_ID, batch);
            headers.insert(NATS_BATCH_SEQUENCE, number.to_string());
            headers
        };
        let parts = |message: &Waiting| (message.subject.clone(), message.payload.clone());
        for (number, message) in (1..).zip(before) {
            let headers = in_batch(message, number);
            let (subject, payload) = parts(message);
            let sent = client.publish_with_headers(subject, headers, payload).await;
            sent.map_err(|error| LogError::Unavailable(error.into()))?;
        }
        let mut headers = last.headers.clone();
        if !before.is_empty() {
            headers = in_batch(last, before.len() + 1);
            headers.insert(NATS_BATCH_COMMIT, NATS_BATCH_COMMIT_FINAL);
        }
        let (subject, payload) = parts(last);
        let answer = connection.ask_for(ANSWER, subject, Some(headers), payload).await;
        let answer = answer.map_err(|why| {
            LogError::Unavailable(format!("events were not acknowledged: {why:?}").into())
        })?;
        Ok(Outcome::read(&answer))
    }
}

fn not_written(error: AppendError) -> LogError {
    match error {
        AppendError::Log(error) => error,
        other => LogError::Unavailable(other.into()),
    }
}
