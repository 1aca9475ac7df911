//! Where a work queue's deliveries come from.
//!
//! A queue with a standing request receives every event by itself, which costs the server and this process a
//! wake-up and a write each. So a request waits only for the first event after a silence; the events behind it are
//! fetched a moment later, together.

use std::time::Duration;

use async_nats::jetstream;
use async_nats::jetstream::consumer::{Consumer, pull};
use futures_util::StreamExt;
use tokio::time::{Instant, sleep_until};

use crate::api::consumer_error;
use crate::error::LogError;
use crate::log::EventLog;

/// How long one request waits for the first event.
const WAITS: Duration = Duration::from_secs(5);
/// How long after its expiry a request may still be answered.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);
const REOPEN_PAUSE: Duration = Duration::from_millis(200);

/// One durable consumer, opened anew whenever something is wrong with it.
pub(crate) struct Source {
    pub(crate) log: EventLog,
    stream: String,
    config: pull::Config,
    /// Deliveries taken ahead at most.
    pub(crate) prefetch: usize,
    /// How long events accumulate between two requests.
    gather: Duration,
    consumer: Option<Consumer<pull::Config>>,
    pub(crate) open: Option<Pull>,
    /// Whether the last request returned something: there may be more.
    lively: bool,
    /// The earliest moment of the next request.
    rest: Option<Instant>,
}

/// A request for deliveries.
pub(crate) struct Pull {
    pub(crate) batch: pull::Batch,
    /// The connection it was made over.
    generation: u64,
    /// When it has certainly expired.
    until: Instant,
    brought: usize,
}

impl Source {
    pub(crate) fn new(
        log: &EventLog,
        stream: String,
        config: pull::Config,
        (prefetch, gather): (usize, Duration),
    ) -> Self {
        Self {
            log: log.clone(),
            stream,
            config,
            prefetch: prefetch.max(1),
            gather,
            consumer: None,
            open: None,
            lively: true,
            rest: None,
        }
    }

    /// The next delivery. Reopens a consumer that has gone and recovers from a lost connection. Dropping the future
    /// loses nothing.
    pub(crate) async fn next(&mut self) -> Result<jetstream::Message, LogError> {
        loop {
            if let Some(pull) = &mut self.open {
                let connection = &self.log.inner.connection;
                // Whatever has arrived is taken before a lost connection ends the request: it would
                // otherwise be missing until `ack_wait` has passed.
                let delivery = tokio::select! {
                    biased;
                    delivery = pull.batch.next() => delivery,
                    () = connection.lost(pull.generation) => None,
                    // The server that should answer may be gone without this connection having noticed.
                    () = sleep_until(pull.until) => None,
                };
                match delivery {
                    Some(Ok(message)) => {
                        pull.brought += 1;
                        return Ok(message);
                    }
                    Some(Err(error)) => {
                        tracing::debug!(%error, "a work queue opens anew");
                        self.fails();
                    }
                    None => self.ends(),
                }
                continue;
            }
            if let Some(rest) = self.rest {
                sleep_until(rest).await;
                self.rest = None;
            }
            match self.try_open().await {
                Err(LogError::Unavailable(_)) => self.fails(),
                other => other?,
            }
        }
    }

    /// A request has returned everything that was available.
    fn ends(&mut self) {
        let Some(pull) = self.open.take() else { return };
        self.lively = pull.brought > 0;
        if self.lively && pull.brought < self.prefetch {
            self.rest = Some(Instant::now() + self.gather);
        }
        if !self.log.is_connected() || Instant::now() >= pull.until {
            self.fails();
        }
    }

    fn fails(&mut self) {
        (self.consumer, self.open) = (None, None);
        self.rest = Some(Instant::now() + REOPEN_PAUSE);
    }

    /// Creates the consumer if it is missing, and sends a request.
    pub(crate) async fn try_open(&mut self) -> Result<(), LogError> {
        if !self.log.is_connected() {
            return Err(LogError::Unavailable("not connected".into()));
        }
        let generation = self.log.inner.connection.state().generation;
        let consumer = match &mut self.consumer {
            Some(consumer) => consumer,
            none => {
                let made = ensure(&self.log, &self.stream, &self.config).await?;
                none.insert(made)
            }
        };
        let batch = match self.lively {
            true => consumer.fetch().max_messages(self.prefetch).messages().await,
            false => consumer.batch().max_messages(1).expires(WAITS).messages().await,
        };
        let batch = batch.map_err(|error| LogError::Unavailable(error.into()))?;
        let until = Instant::now() + WAITS + ANSWERS_WITHIN;
        self.open = Some(Pull { batch, generation, until, brought: 0 });
        Ok(())
    }
}

async fn ensure(
    log: &EventLog,
    stream: &str,
    config: &pull::Config,
) -> Result<Consumer<pull::Config>, LogError> {
    let jetstream = &log.inner.jetstream;
    let name = config.durable_name.clone().unwrap_or_default();
    let mut config = config.clone();
    let existing: Result<Consumer<pull::Config>, _> =
        jetstream.get_consumer_from_stream(name, stream.to_owned()).await;
    let is_new = existing.is_err();
    if let Ok(existing) = existing {
        // Its start position cannot be changed and no longer matters.
        config.deliver_policy = existing.cached_info().config.deliver_policy;
    }
    let made = jetstream.create_consumer_on_stream(config, stream.to_owned()).await;
    let made = made.map_err(consumer_error)?;
    if is_new {
        log.inner.connection.sync_stream(stream).await?;
    }
    Ok(made)
}
