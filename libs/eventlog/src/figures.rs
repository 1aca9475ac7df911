//! What operators are told of the log.

use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;

use crate::api;
use crate::error::LogError;
use crate::log::EventLog;
use crate::size::LogSize;

/// What the server says of a consumer.
#[derive(Deserialize)]
struct ConsumerState {
    num_ack_pending: u64,
}

impl EventLog {
    /// How much the log holds now.
    ///
    /// # Errors
    /// [`LogError::Unavailable`], [`LogError::NoStream`].
    pub async fn size(&self) -> Result<LogSize, LogError> {
        Ok(self.stream_info().await?.state.size())
    }

    /// How much the log held when the server was asked last, for whatever reason; none before.
    #[must_use]
    pub fn known_size(&self) -> Option<LogSize> {
        *self.inner.size.lock()
    }

    /// Tells how long each append takes, from now on: until the log has acknowledged it or it has failed. Of several
    /// callers the first is told.
    pub fn observe_appends(&self, observer: impl Fn(Duration) + Send + Sync + 'static) {
        let _ = self.inner.appends.set(Box::new(observer));
    }

    /// How many events a work queue has handed out that are not answered yet: they are being worked on, or wait to
    /// be tried again.
    ///
    /// # Errors
    /// [`LogError::Unavailable`], [`LogError::Refused`].
    pub async fn unanswered(&self, consumer: &str) -> Result<u64, LogError> {
        let subject = format!("$JS.API.CONSUMER.INFO.{}.{consumer}", self.inner.stream);
        let answer = self.inner.connection.ask_safely(&subject, &Bytes::new()).await?;
        Ok(api::parse::<ConsumerState>(&answer)?.map_err(LogError::from)?.num_ack_pending)
    }
}
