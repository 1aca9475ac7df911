//! How far the projector is, and the barrier that orders this connection with the server.

use std::collections::BTreeMap;
use std::time::Duration;

use async_nats::Subscriber;
use futures_util::StreamExt;
use schemas::{Position, Sequence, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout_at};

use crate::{Bus, BusError};

/// How long a barrier is waited for.
const BARRIER: Duration = Duration::from_secs(10);
/// How long one try waits before the message is sent again.
const BARRIER_TRY: Duration = Duration::from_secs(2);

/// How far a generation of the read model is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Everything up to here is in the read model, in all of its groups.
    pub position: Position,
    /// How far each group is, by its name; none of a group means `position`.
    #[serde(default)]
    pub groups: BTreeMap<String, Sequence>,
    /// The groups that have stopped, by name, with the event each stopped before. Waiting for them is pointless.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub stopped: BTreeMap<String, Sequence>,
    /// Which generation of the read model.
    pub generation: String,
    /// When the projector published it.
    pub at: Timestamp,
}

/// Checkpoints as the projector publishes them: some may be lost, later ones replace them.
pub struct CheckpointFeed {
    messages: Subscriber,
}

impl CheckpointFeed {
    /// The next checkpoint; none when the bus is closed for good.
    pub async fn next(&mut self) -> Option<Checkpoint> {
        loop {
            let message = self.messages.next().await?;
            match serde_json::from_slice(&message.payload) {
                Ok(checkpoint) => return Some(checkpoint),
                Err(error) => tracing::warn!(%error, "a checkpoint cannot be read"),
            }
        }
    }
}

impl Bus {
    /// Publishes how far the read model is. Not acknowledged: publish it again from time to time.
    ///
    /// # Errors
    /// [`BusError::Encode`], [`BusError::Unavailable`] when the bus is closed for good.
    pub async fn publish_checkpoint(&self, checkpoint: &Checkpoint) -> Result<(), BusError> {
        let payload = serde_json::to_vec(checkpoint).map_err(BusError::Encode)?;
        let subject = self.namespace().checkpoint();
        let client = self.inner.connection.client();
        let sent = client.publish(subject, payload.into()).await;
        sent.map_err(|error| BusError::Unavailable(error.into()))
    }

    /// Follows the projector's checkpoints.
    ///
    /// # Errors
    /// [`BusError::Unavailable`].
    pub async fn checkpoints(&self) -> Result<CheckpointFeed, BusError> {
        let messages = self.subscribe(self.namespace().checkpoint()).await?;
        self.barrier().await?;
        Ok(CheckpointFeed { messages })
    }

    /// Returns when the server has dealt with everything this connection sent before: subscriptions made
    /// before are in force, so history read after it and the subscription together miss nothing. (A flush
    /// would only say that the bytes have left.)
    ///
    /// # Errors
    /// [`BusError::Unavailable`] when the server does not answer for 10 s.
    pub async fn barrier(&self) -> Result<(), BusError> {
        let client = self.inner.connection.client();
        let inbox = client.new_inbox();
        let subject = self.namespace().barrier(inbox.rsplit('.').next().unwrap_or(&inbox));
        let mut messages = self.subscribe(subject.clone()).await?;
        let deadline = Instant::now() + BARRIER;
        while Instant::now() < deadline {
            let sent = client.publish(subject.clone(), bytes::Bytes::new()).await;
            sent.map_err(|error| BusError::Unavailable(error.into()))?;
            let patience = deadline.min(Instant::now() + BARRIER_TRY);
            if let Ok(Some(_)) = timeout_at(patience, messages.next()).await {
                return Ok(());
            }
        }
        Err(BusError::Unavailable("the barrier did not come back".into()))
    }

    async fn subscribe(&self, subject: String) -> Result<Subscriber, BusError> {
        let client = self.inner.connection.client();
        client.subscribe(subject).await.map_err(|error| BusError::Unavailable(error.into()))
    }
}
