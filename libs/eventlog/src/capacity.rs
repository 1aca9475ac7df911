//! Whether the store takes writes: noticed when the first write is refused or unanswered, then checked until writes
//! are taken again.
//!
//! A store is full because of the stream's own limit, a limit of the account or the server, or the disk. The server
//! answers with an error for the first two. When the disk is full or fails, the server does not answer at all, and
//! takes no more writes for that stream, even with room again, until it is restarted. Both can be seen without
//! writing an event: the limit in the stream's description, the failed write in the answer to deleting a message that
//! never existed. What neither shows is found by writing a small entry to a bucket beside the log.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::api;
use crate::error::{AppendError, LogError};
use crate::log::EventLog;
use crate::secrets::SecretError;
use crate::store::Store;
use crate::topology::info_of;

/// Pause between two checks of a store that takes no writes.
const LOOK: Duration = Duration::from_secs(1);
/// How long a check may take: a store that does not answer does not take writes either.
const LOOK_FOR: Duration = Duration::from_secs(5);
/// Free bytes below which the stream's own limit counts as reached: more than any event.
const ROOM: i64 = 128 * 1024;
/// Where a write is tried.
const BUCKET: &str = "store_probe";
/// An entry that was left behind expires after this time.
const LEFT: Duration = Duration::from_secs(60);
/// A sequence no stream ever reaches.
const NEVER: u64 = u64::MAX / 2;
/// The server's answers to deleting a message that does not exist: the sequence is unknown, or beyond the end.
const SEQUENCE_NOT_FOUND: u64 = 10_043;
const BEYOND_THE_END: &str = "EOF";

impl EventLog {
    /// A watch on whether the store takes writes, for health checks and for the supervisor that can restart the
    /// server. It changes with the first write that is refused for lack of room or unanswered because the disk failed,
    /// and returns to [`Store::Open`] within seconds after writes are taken again.
    #[must_use]
    pub fn watch_store(&self) -> watch::Receiver<Store> {
        self.inner.store.subscribe()
    }

    /// Records that the server could not write to its files, as its supervisor read in its log.
    pub fn note_store_failed(&self) {
        self.note_store(Store::Failed);
    }

    /// Whether writes are pointless at the moment.
    pub(crate) fn store_failed(&self) -> bool {
        *self.inner.store.borrow() == Store::Failed
    }

    /// Passes a failure on, and records it when its cause is lack of room.
    pub(crate) fn noted(&self, error: AppendError) -> AppendError {
        if matches!(error, AppendError::StorageFull) {
            self.note_store(Store::Full);
        }
        error
    }

    /// Called when a write got no answer over a live connection: finds out whether the server could not write to its
    /// files.
    pub(crate) fn suspect(&self, stream: &str) {
        if *self.inner.store.borrow() != Store::Open || self.inner.has_copies() {
            return;
        }
        if self.inner.suspecting.swap(true, Ordering::AcqRel) {
            return;
        }
        let (log, stream) = (self.clone(), stream.to_owned());
        tokio::spawn(async move {
            let looked = timeout(LOOK_FOR, log.write_error(&stream)).await;
            log.inner.suspecting.store(false, Ordering::Release);
            if let Ok(Ok(Some(reason))) = looked {
                tracing::error!(
                    nats.stream = stream,
                    reason,
                    "the server cannot write to its files"
                );
                log.inner.failed_streams.lock().insert(stream);
                log.note_store(Store::Failed);
            }
        });
    }

    fn note_store(&self, now: Store) {
        let mut was_open = false;
        self.inner.store.send_if_modified(|store| {
            was_open = *store == Store::Open;
            let worse = now > *store;
            *store = now.max(*store);
            worse
        });
        if was_open {
            tracing::error!(store = ?now, "the store of the log takes no writes");
            tokio::spawn(self.clone().wait_for_room());
        }
    }

    async fn wait_for_room(self) {
        loop {
            sleep(LOOK).await;
            if let Ok(true) = timeout(LOOK_FOR, self.takes_writes()).await {
                tracing::info!("the store of the log takes writes again");
                self.inner.failed_streams.lock().clear();
                self.inner.store.send_replace(Store::Open);
                return;
            }
        }
    }

    async fn takes_writes(&self) -> bool {
        let info = info_of(&self.inner.connection, &self.inner.stream).await;
        let Ok(Some(info)) = info else { return false };
        let limit = info.config.max_bytes;
        if limit > 0 && limit.saturating_sub(info.state.bytes) < ROOM {
            return false;
        }
        let mut streams = self.inner.failed_streams.lock().clone();
        if self.store_failed() {
            streams.insert(self.inner.stream.clone());
        }
        for stream in &streams {
            match self.write_error(stream).await {
                Ok(None) => {}
                Ok(Some(_)) => {
                    self.note_store(Store::Failed);
                    return false;
                }
                Err(_) => return false,
            }
        }
        let tried = self.try_write().await;
        if let Err(SecretError::Full) = tried {
            self.note_store(Store::Refused);
        }
        tried.is_ok()
    }

    /// The server's error about a stream whose files it could not write; changes nothing. A stream that has copies hands
    /// its leadership to another server, and there is nothing to ask.
    async fn write_error(&self, stream: &str) -> Result<Option<String>, LogError> {
        if self.inner.has_copies() {
            return Ok(None);
        }
        let subject = format!("$JS.API.STREAM.MSG.DELETE.{stream}");
        let request = Bytes::from(format!("{{\"seq\":{NEVER}}}"));
        let answer = self.inner.connection.ask_safely(&subject, &request).await?;
        match api::parse::<serde_json::Value>(&answer)? {
            Ok(_) => Ok(None),
            Err(error) if error.code == api::NO_LEADER => {
                Err(LogError::Unavailable(error.description.into()))
            }
            Err(error) if is_of_no_message(&error) => Ok(None),
            Err(error) => Ok(Some(error.description)),
        }
    }

    /// Creates the bucket for test writes in advance: on a full disk it could not be created.
    pub(crate) async fn prepare_to_look(&self) {
        if let Err(error) = self.secrets(BUCKET).ready().await {
            tracing::warn!(%error, "cannot test whether the store takes writes again");
        }
    }

    async fn try_write(&self) -> Result<(), SecretError> {
        let probe = self.secrets(BUCKET);
        let inbox = self.inner.connection.client().new_inbox();
        let key = inbox.rsplit('.').next().unwrap_or(&inbox);
        probe.probe(key, vec![0; 4096], LEFT).await?;
        probe.delete(key).await.map(drop)
    }
}

fn is_of_no_message(error: &api::ApiError) -> bool {
    error.err_code == SEQUENCE_NOT_FOUND || error.description.contains(BEYOND_THE_END)
}
