//! Where a work queue's deliveries come from.

use std::time::Duration;

use async_nats::jetstream;
use async_nats::jetstream::consumer::{Consumer, pull};
use futures_util::StreamExt;
use tokio::time::sleep;

use crate::api::consumer_error;
use crate::error::LogError;
use crate::log::EventLog;

const HEARTBEAT: Duration = Duration::from_secs(5);
const PULL_EXPIRES: Duration = Duration::from_secs(30);
const REOPEN_PAUSE: Duration = Duration::from_millis(200);

/// One durable consumer, opened anew whenever its stream of deliveries ends.
pub(crate) struct Source {
    pub(crate) log: EventLog,
    stream: String,
    config: pull::Config,
    /// Deliveries taken ahead at most.
    pub(crate) prefetch: usize,
    pub(crate) open: Option<pull::Stream>,
}

impl Source {
    pub(crate) fn new(
        log: &EventLog,
        stream: String,
        config: pull::Config,
        prefetch: usize,
    ) -> Self {
        Self { log: log.clone(), stream, config, prefetch: prefetch.max(1), open: None }
    }

    /// The next delivery. Losing the connection and missing heartbeats are mended here.
    pub(crate) async fn next(&mut self) -> Result<jetstream::Message, LogError> {
        loop {
            let Some(stream) = &mut self.open else {
                match self.try_open().await {
                    Err(LogError::Unavailable(_)) => sleep(REOPEN_PAUSE).await,
                    other => other?,
                }
                continue;
            };
            // A reconnect is no reason to open anew: the stream of deliveries asks again by itself, and
            // what is on its way to it would be missing until `ack_wait` has passed.
            match stream.next().await {
                Some(Ok(message)) => return Ok(message),
                Some(Err(error)) => {
                    tracing::debug!(%error, "a work queue opens anew");
                    self.open = None;
                }
                None => self.open = None,
            }
        }
    }

    pub(crate) async fn try_open(&mut self) -> Result<(), LogError> {
        if !self.log.is_connected() {
            return Err(LogError::Unavailable("not connected".into()));
        }
        let consumer = self.ensure().await?;
        let stream = consumer
            .stream()
            .max_messages_per_batch(self.prefetch)
            .expires(PULL_EXPIRES)
            .heartbeat(HEARTBEAT)
            .messages()
            .await
            .map_err(|error| LogError::Unavailable(error.into()))?;
        self.open = Some(stream);
        Ok(())
    }

    async fn ensure(&self) -> Result<Consumer<pull::Config>, LogError> {
        let jetstream = &self.log.inner.jetstream;
        let name = self.config.durable_name.clone().unwrap_or_default();
        let mut config = self.config.clone();
        let existing: Result<Consumer<pull::Config>, _> =
            jetstream.get_consumer_from_stream(name, self.stream.clone()).await;
        if let Ok(existing) = existing {
            // Where it began cannot be changed and does not matter any more.
            config.deliver_policy = existing.cached_info().config.deliver_policy;
        }
        let made = jetstream.create_consumer_on_stream(config, self.stream.clone()).await;
        made.map_err(consumer_error)
    }
}
