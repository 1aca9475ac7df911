//! Work to be done once per event, outside the order of the log: mail, notifications.
//!
//! A work queue is a durable consumer of the log. A delivery that is not answered in time is repeated. Several
//! processes may share one queue. An event that is delivered too often becomes a dead letter, and a redriven dead
//! letter comes back through the same queue.

use std::time::Duration;

use async_nats::jetstream;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use bytes::Bytes;
use futures_util::StreamExt;
use schemas::subjects::LaneKind;
use schemas::{Lane, Sequence};
use tokio::time::timeout;

use crate::dead_letters::{DeadLetters, Letter, REDRIVES, Redrive};
use crate::deliveries::Source;
use crate::error::{AppendError, LogError};
use crate::log::EventLog;
use crate::read::{Stored, stored_at};

/// Everything the server has already sent has arrived once nothing came for this long.
const ON_ITS_WAY: Duration = Duration::from_millis(100);

/// Where a consumer begins when it is made; afterwards it goes on where it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartAt {
    /// With the oldest event.
    Beginning,
    /// With what is written from now on.
    Now,
    /// With the event after this one.
    After(Sequence),
}

/// A work queue as data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerSpec {
    /// Its name on the server: 1 to 32 of `[a-z0-9_]`.
    pub name: &'static str,
    /// The kinds of lane it wants; none means all.
    pub kinds: Vec<LaneKind>,
    /// Where it begins.
    pub start: StartAt,
    /// How long a delivery may take before it is delivered again.
    pub ack_wait: Duration,
    /// How often an event is delivered before it becomes a dead letter; at least 1.
    pub max_deliver: u32,
    /// How many deliveries one process takes ahead; near the number worked on at the same time.
    pub prefetch: usize,
    /// How long events accumulate that follow others: each fetch of them wakes the server and this process. The
    /// first event after a silence is delivered at once.
    pub gather: Duration,
}

impl ConsumerSpec {
    /// A queue over some kinds of lane, from now on, 30 s for each delivery, 8 deliveries, 16 ahead, 10 ms to gather.
    #[must_use]
    pub fn new(name: &'static str, kinds: Vec<LaneKind>) -> Self {
        Self {
            name,
            kinds,
            start: StartAt::Now,
            ack_wait: Duration::from_secs(30),
            max_deliver: 8,
            prefetch: 16,
            gather: Duration::from_millis(10),
        }
    }
}

/// A durable queue of events to work on. Made by [`EventLog::consumer`].
pub struct WorkQueue {
    dead: DeadLetters,
    spec: ConsumerSpec,
    events: Source,
    redrives: Source,
}

/// An event to work on. Dropping it without an answer means it is delivered again after `ack_wait`.
pub struct Delivery {
    /// The event.
    pub stored: Stored,
    /// Which delivery of it this is, from 1.
    pub attempt: u32,
    /// No further delivery will come: `retry_after` gives up.
    pub last_attempt: bool,
    queue: DeadLetters,
    log: EventLog,
    consumer: &'static str,
    reply: String,
    /// The order in the dead-letter stream, when this is a redriven one.
    redrive: Option<u64>,
}

impl EventLog {
    /// Opens a work queue, and makes its consumer and the dead-letter stream when they are not there.
    /// What may change of an existing consumer is brought to the spec.
    ///
    /// # Errors
    /// [`LogError::NotAttached`], [`LogError::Foreign`], [`LogError::Refused`], [`LogError::Unavailable`].
    pub async fn consumer(&self, spec: ConsumerSpec) -> Result<WorkQueue, LogError> {
        let dead = self.dead_letters().await?;
        let namespace = self.namespace();
        let ahead = i64::try_from(spec.prefetch.max(1)).unwrap_or(i64::MAX);
        let common = pull::Config {
            ack_policy: AckPolicy::Explicit,
            ack_wait: spec.ack_wait,
            max_deliver: spec.max_deliver.max(1).into(),
            max_ack_pending: ahead.saturating_mul(16).max(1024),
            ..pull::Config::default()
        };
        let events = pull::Config {
            durable_name: Some(spec.name.to_owned()),
            deliver_policy: match spec.start {
                StartAt::Beginning | StartAt::After(0) => DeliverPolicy::All,
                StartAt::Now => DeliverPolicy::New,
                StartAt::After(sequence) => {
                    DeliverPolicy::ByStartSequence { start_sequence: sequence + 1 }
                }
            },
            filter_subjects: spec.kinds.iter().map(|kind| namespace.events_of(*kind)).collect(),
            ..common.clone()
        };
        let redrives = pull::Config {
            durable_name: Some(format!("{}{REDRIVES}", spec.name)),
            filter_subject: namespace.redrives_subject(spec.name),
            ..common
        };
        let stream = self.inner.stream.clone();
        let mut events = Source::new(self, stream, events, (spec.prefetch, spec.gather));
        let letters = namespace.dead_letters_stream();
        let mut redrives = Source::new(self, letters, redrives, (1, spec.gather));
        events.try_open().await?;
        redrives.try_open().await?;
        Ok(WorkQueue { dead, spec, events, redrives })
    }
}

impl WorkQueue {
    /// Waits for the next event to work on; reconnects by itself. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`LogError::Refused`] and the like, when the server will not deliver; trying again may help.
    pub async fn next(&mut self) -> Result<Delivery, LogError> {
        loop {
            tokio::select! {
                message = self.events.next() => {
                    if let Some(delivery) = self.event(&message?).await? {
                        return Ok(delivery);
                    }
                }
                message = self.redrives.next() => {
                    if let Some(delivery) = self.redriven(&message?).await? {
                        return Ok(delivery);
                    }
                }
            }
        }
    }

    /// Hands back what was taken ahead, so that it does not have to wait for `ack_wait` to pass before
    /// another process gets it. Deliveries given out are not touched.
    pub async fn close(mut self) {
        for source in [&mut self.events, &mut self.redrives] {
            let Some(mut pull) = source.open.take() else { continue };
            let mut ahead = Vec::new();
            while ahead.len() < source.prefetch
                && let Ok(Some(Ok(message))) = timeout(ON_ITS_WAY, pull.batch.next()).await
            {
                ahead.push(message);
            }
            // A request that is still open would be given what is handed back here.
            drop(pull);
            let client = source.log.inner.connection.client();
            for message in ahead {
                let nak = client.publish(reply_of(&message), Bytes::from_static(b"-NAK")).await;
                if let Err(error) = nak {
                    tracing::debug!(%error, "a delivery taken ahead could not be handed back");
                }
            }
        }
    }

    async fn event(&self, message: &jetstream::Message) -> Result<Option<Delivery>, LogError> {
        let info = message.info().map_err(LogError::BadAnswer)?;
        let sequence = info.stream_sequence;
        let attempt = u32::try_from(info.delivered).unwrap_or(u32::MAX);
        let reply = reply_of(message);
        let Ok(lane) = Lane::parse(self.events.log.namespace(), message.subject.as_str()) else {
            let reason = "on no lane this version knows";
            self.give_up(sequence, attempt, reason, 0).await?;
            self.events.log.settle(&reply, Bytes::from_static(b"+ACK")).await?;
            return Ok(None);
        };
        let stored = Stored {
            sequence,
            lane,
            payload: message.payload.clone(),
            stored_at: stored_at(message, &info),
            previous: None,
        };
        Ok(Some(self.delivery(stored, attempt, reply, None)))
    }

    async fn redriven(&self, message: &jetstream::Message) -> Result<Option<Delivery>, LogError> {
        let info = message.info().map_err(LogError::BadAnswer)?;
        let order = info.stream_sequence;
        let attempt = u32::try_from(info.delivered).unwrap_or(u32::MAX);
        let reply = reply_of(message);
        let found = match serde_json::from_slice::<Redrive>(&message.payload) {
            Ok(redrive) => self.events.log.get(redrive.event).await?,
            Err(_) => None,
        };
        let Some(stored) = found else {
            tracing::warn!(letter = order, "a redriven event is gone; dropped");
            self.events.log.settle(&reply, Bytes::from_static(b"+ACK")).await?;
            self.dead.delete(order).await?;
            return Ok(None);
        };
        Ok(Some(self.delivery(stored, attempt, reply, Some(order))))
    }

    fn delivery(
        &self,
        stored: Stored,
        attempt: u32,
        reply: String,
        redrive: Option<u64>,
    ) -> Delivery {
        Delivery {
            stored,
            attempt,
            last_attempt: attempt >= self.spec.max_deliver.max(1),
            queue: self.dead.clone(),
            log: self.events.log.clone(),
            consumer: self.spec.name,
            reply,
            redrive,
        }
    }

    async fn give_up(
        &self,
        event: Sequence,
        attempts: u32,
        reason: &str,
        about: u64,
    ) -> Result<(), LogError> {
        let letter = Letter::now(self.spec.name, event, attempts, reason);
        self.dead.write(&letter, about).await.map_err(as_log_error)
    }
}

impl Delivery {
    /// Whether it was a dead letter that an operator handed back: parts of it may have been done before.
    #[must_use]
    pub const fn redriven(&self) -> bool {
        self.redrive.is_some()
    }

    /// Reports success. Returns when the server has recorded it; after an error the event may be delivered again, so
    /// an effect must be recognisable.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    pub async fn ack(self) -> Result<(), LogError> {
        self.finish().await
    }

    /// Reports that there was nothing to do, without waiting for the server: a repeated delivery has nothing to do
    /// either.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    pub async fn pass(self) -> Result<(), LogError> {
        if self.redrive.is_some() {
            return self.finish().await;
        }
        let answered = self.log.inner.connection.client().publish(self.reply, "+ACK".into()).await;
        answered.map_err(|error| LogError::Unavailable(error.into()))
    }

    /// Reports a failure and asks for another delivery after `pause`. The last attempt becomes a dead letter.
    ///
    /// # Errors
    /// [`LogError::Unavailable`]; it is then delivered again after `ack_wait`.
    pub async fn retry_after(self, pause: Duration, reason: &str) -> Result<(), LogError> {
        if self.last_attempt {
            return self.dead_letter(reason).await;
        }
        let nak = format!("-NAK {{\"delay\":{}}}", pause.as_nanos());
        self.log.settle(&self.reply, nak.into()).await
    }

    /// Reports a failure that no retry will mend: keeps a dead letter with the reason, which must hold no secret.
    ///
    /// # Errors
    /// [`LogError::Unavailable`]; it is then delivered again after `ack_wait`.
    pub async fn dead_letter(self, reason: &str) -> Result<(), LogError> {
        let letter = Letter::now(self.consumer, self.stored.sequence, self.attempt, reason);
        let about = self.redrive.unwrap_or(0);
        self.queue.write(&letter, about).await.map_err(as_log_error)?;
        self.finish().await
    }

    /// A handle that asks for more time.
    #[must_use]
    pub fn hold(&self) -> Hold {
        Hold { log: self.log.clone(), reply: self.reply.clone() }
    }

    async fn finish(self) -> Result<(), LogError> {
        self.log.settle(&self.reply, Bytes::from_static(b"+ACK")).await?;
        if let Some(order) = self.redrive {
            self.queue.delete(order).await?;
        }
        Ok(())
    }
}

/// Asks for more time for one delivery.
#[derive(Clone)]
pub struct Hold {
    log: EventLog,
    reply: String,
}

impl Hold {
    /// Restarts `ack_wait`, without waiting for the server: if the message is lost the event is delivered again. Has
    /// no effect on a delivery that was answered.
    pub async fn extend(&self) {
        let connection = &self.log.inner.connection;
        if connection.is_connected() {
            let said = connection.client().publish(self.reply.clone(), "+WPI".into()).await;
            if let Err(error) = said {
                tracing::debug!(%error, "a delivery was not extended");
            }
        }
    }
}

impl EventLog {
    /// Answers a delivery and waits until the server has recorded it. Repeating it is harmless.
    async fn settle(&self, reply: &str, answer: Bytes) -> Result<(), LogError> {
        self.inner.connection.ask_safely(reply, &answer).await.map(|_| ())
    }
}

fn reply_of(message: &jetstream::Message) -> String {
    message.reply.as_ref().map(ToString::to_string).unwrap_or_default()
}

fn as_log_error(error: AppendError) -> LogError {
    match error {
        AppendError::Log(error) => error,
        other => LogError::Unavailable(other.into()),
    }
}
