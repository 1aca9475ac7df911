//! Whether the store takes writes: learnt from the first that is refused, asked again until it does.
//!
//! A store is full by the stream's own limit, by a limit of the account or the server, or because the disk is.
//! The first can be read from the stream; the others show only when something is written, so while the store
//! is full a small entry is tried in a bucket beside the log.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use crate::error::AppendError;
use crate::log::EventLog;
use crate::secrets::SecretError;
use crate::topology::info_of;

/// Pause between two looks at a full store.
const LOOK: Duration = Duration::from_secs(1);
/// Free bytes below which the stream's own limit counts as reached: more than any event.
const ROOM: i64 = 128 * 1024;
/// Where a write is tried.
const BUCKET: &str = "store_probe";
/// A try that was left behind goes by itself.
const LEFT: Duration = Duration::from_secs(60);

impl EventLog {
    /// A watch on whether the store is full, for health checks. It turns true with the first write that is
    /// refused for want of room, and false at most some seconds after there is room again.
    #[must_use]
    pub fn watch_store_full(&self) -> watch::Receiver<bool> {
        self.inner.store_full.subscribe()
    }

    /// Hands a failure on, and notes when it is want of room.
    pub(crate) fn noted(&self, error: AppendError) -> AppendError {
        if matches!(error, AppendError::StorageFull) {
            self.note_store_full();
        }
        error
    }

    /// A write was refused for want of room.
    fn note_store_full(&self) {
        let news = self.inner.store_full.send_if_modified(|full| !std::mem::replace(full, true));
        if news {
            tracing::error!("the store of the log is full: writes are refused");
            tokio::spawn(self.clone().wait_for_room());
        }
    }

    async fn wait_for_room(self) {
        loop {
            sleep(LOOK).await;
            if self.has_room().await {
                tracing::info!("the store of the log has room again");
                self.inner.store_full.send_replace(false);
                return;
            }
        }
    }

    async fn has_room(&self) -> bool {
        let info = info_of(&self.inner.connection, &self.inner.stream).await;
        let Ok(Some(info)) = info else { return false };
        let limit = info.config.max_bytes;
        if limit > 0 && limit.saturating_sub(info.state.bytes) < ROOM {
            return false;
        }
        self.try_write().await.is_ok()
    }

    async fn try_write(&self) -> Result<(), SecretError> {
        let probe = self.secrets(BUCKET);
        let inbox = self.inner.connection.client().new_inbox();
        let key = inbox.rsplit('.').next().unwrap_or(&inbox);
        probe.create(key, vec![0; 4096], Some(LEFT)).await?;
        probe.delete(key).await.map(drop)
    }
}
