//! Messages between processes that are not stored: core NATS, never the log.

use std::marker::PhantomData;

use async_nats::Subscriber;
use futures_util::StreamExt;
use schemas::{Ephemeral, EphemeralKind};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Bus, BusError};

/// Messages of one kind as they come; some may be lost.
pub struct EphemeralFeed<T> {
    messages: Subscriber,
    kind: EphemeralKind,
    of: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> EphemeralFeed<T> {
    /// The next message; none when the bus is closed for good. What cannot be read is passed over.
    pub async fn next(&mut self) -> Option<T> {
        loop {
            let message = self.messages.next().await?;
            match serde_json::from_slice(&message.payload) {
                Ok(told) => return Some(told),
                // A newer build may use another format.
                Err(error) => {
                    tracing::debug!(%error, kind = ?self.kind, "a message cannot be read")
                }
            }
        }
    }
}

impl Bus {
    /// Sends a message to every process that listens, this one included. Not acknowledged, not stored.
    ///
    /// # Errors
    /// [`BusError::Encode`], [`BusError::Unavailable`] when the bus is closed for good.
    pub async fn publish_ephemeral(
        &self,
        about: Ephemeral<'_>,
        message: &impl Serialize,
    ) -> Result<(), BusError> {
        let payload = serde_json::to_vec(message).map_err(BusError::Encode)?;
        let client = self.inner.connection.client();
        let sent = client.publish(self.namespace().ephemeral(&about), payload.into()).await;
        sent.map_err(|error| BusError::Unavailable(error.into()))
    }

    /// Listens to messages of one kind.
    ///
    /// # Errors
    /// [`BusError::Unavailable`].
    pub async fn ephemeral<T: DeserializeOwned>(
        &self,
        kind: EphemeralKind,
    ) -> Result<EphemeralFeed<T>, BusError> {
        let client = self.inner.connection.client();
        let subscribed = client.subscribe(self.namespace().all_ephemeral(kind)).await;
        let messages = subscribed.map_err(|error| BusError::Unavailable(error.into()))?;
        Ok(EphemeralFeed { messages, kind, of: PhantomData })
    }
}
