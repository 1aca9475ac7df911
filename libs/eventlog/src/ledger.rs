//! What is known of the log besides the log itself: how far it once reached, and which of its events are
//! gone for a reason.
//!
//! nats-server skips a message whose checksum is wrong as if it had been deleted, and truncates a block where it
//! cannot be read (docs/adr/0013). Sequences are dense, so a missing event shows as a hole, and a lost end as a head
//! below the mark. The ledger is a bucket of its own, so that damage to the log's files need not damage it.

use std::time::Duration;

use schemas::{Epoch, Sequence};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::error::LogError;
use crate::holes::Holes;
use crate::log::EventLog;
use crate::secrets::{SecretError, SecretStore};
use crate::topology::info_of;

const BUCKET: &str = "ledger";
const KEY: &str = "log";
/// After how long the mark is looked at although it cannot be behind: the bucket may have been lost.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// What the bucket holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ledger {
    /// The log the mark belongs to; a mark of another log says nothing.
    pub(crate) epoch: Option<Epoch>,
    /// The log had an event with this sequence.
    pub(crate) reached: Sequence,
    /// Events that are gone for a reason: erased, or their loss was accepted.
    pub(crate) holes: Holes,
}

impl EventLog {
    pub(crate) fn ledger(&self) -> SecretStore {
        self.secrets(BUCKET)
    }

    /// Reads the ledger; an empty one when there is none yet. Makes nothing.
    pub(crate) async fn read_ledger(&self) -> Result<(Ledger, u64), LogError> {
        if !ledger_is_there(self).await? {
            return Ok((Ledger::default(), 0));
        }
        let Some((value, revision)) = self.ledger().get(KEY).await.map_err(log_error)? else {
            return Ok((Ledger::default(), 0));
        };
        let ledger = serde_json::from_slice(&value).map_err(|e| LogError::BadAnswer(e.into()))?;
        Ok((ledger, revision))
    }

    /// Notes how far the log has got, so that a later start notices when it has lost its end. To be called
    /// every second or so by any of the processes; costs a read and a write when there is news, and nothing else but a
    /// read now and then.
    ///
    /// # Errors
    /// [`LogError::Unavailable`], [`LogError::NotAttached`].
    pub async fn note_mark(&self) -> Result<(), LogError> {
        let (epoch, seen) = (self.attached()?.epoch, self.seen());
        if self.is_marked(&epoch, seen) {
            return Ok(());
        }
        let (mut ledger, revision) = self.read_ledger().await?;
        let read = Instant::now();
        if ledger.epoch.as_ref() != Some(&epoch) || ledger.reached < seen {
            (ledger.epoch, ledger.reached) = (Some(epoch), seen);
            // Another may have been first, with less: the next look tells.
            return self.write_ledger(&ledger, revision).await;
        }
        *self.inner.marked.lock() = Some((epoch, ledger.reached, read));
        Ok(())
    }

    /// Whether the ledger held this mark or a later one a moment ago.
    fn is_marked(&self, epoch: &Epoch, seen: Sequence) -> bool {
        self.inner.marked.lock().as_ref().is_some_and(|(of, reached, read)| {
            of == epoch && *reached >= seen && read.elapsed() < LOOK_AGAIN
        })
    }

    /// Replaces the ledger that has this revision. Another process's newer one is as good.
    pub(crate) async fn write_ledger(
        &self,
        ledger: &Ledger,
        revision: u64,
    ) -> Result<(), LogError> {
        let value = serde_json::to_vec(ledger).map_err(|e| LogError::BadAnswer(e.into()))?;
        let store = self.ledger();
        let written = if revision == 0 {
            store.create(KEY, value, None).await
        } else {
            store.update(KEY, value, revision, None).await
        };
        match written {
            Ok(_) | Err(SecretError::Conflict) => Ok(()),
            Err(error) => Err(log_error(error)),
        }
    }
}

/// Whether the bucket was made already: reading from it would make it.
pub(crate) async fn ledger_is_there(log: &EventLog) -> Result<bool, LogError> {
    let stream = format!("KV_{}", log.namespace().bucket(BUCKET));
    Ok(info_of(&log.inner.connection, &stream).await?.is_some())
}

pub(crate) fn log_error(error: SecretError) -> LogError {
    match error {
        SecretError::Log(error) => error,
        other => LogError::Unavailable(other.into()),
    }
}
