//! Removing what nothing needs: uploads that were never completed, files that never came into a message, and the bytes
//! of media that are removed.

use std::sync::Arc;
use std::time::Duration;

use blobs::BlobName;
use decider::{Call, Fact, Failure, load};
use eventlog::Expect;
use readmodel::Waiting;
use schemas::commands::CallContext;
use schemas::media::MediaStatus;
use schemas::{MediaId, Sequence, Timestamp};
use telemetry::Shutdown;
use tokio::time::Instant;

use crate::chat::Chat;
use crate::domain::media;
use crate::lanes::Media;
use crate::lease::Lease;
use crate::media::{Purges, store_failed};

/// An upload that was not completed so long after it was asked for never will be: its URL holds for an hour.
const UPLOAD_WITHIN: Duration = Duration::from_secs(2 * 60 * 60);
/// What was removed so long ago has been forgotten by who removed it.
const PURGED_WITHIN: Duration = Duration::from_secs(30);
/// What is left of files under no name is looked for so often.
const SWEEP_EVERY: Duration = Duration::from_secs(6 * 60 * 60);
/// Media looked at in one go.
const AT_ONCE: usize = 200;

impl Chat {
    /// Removes until asked to stop.
    pub(crate) async fn keep_media(self: Arc<Self>, mut purges: Purges, stop: Shutdown) {
        let every = self.files.config.look_every;
        let mut lease = Lease::of(self.log.secrets("leases"), "media", every * 3);
        let mut look = tokio::time::interval(every);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut swept: Option<Instant> = None;
        loop {
            tokio::select! {
                biased;
                () = stop.wait() => break,
                Some(id) = purges.recv() => self.purge_or_warn(&id).await,
                _ = look.tick() => if lease.hold().await {
                    self.look(&stop).await;
                    if swept.is_none_or(|at| at.elapsed() >= SWEEP_EVERY) {
                        swept = Some(Instant::now());
                        self.sweep().await;
                    }
                },
            }
        }
        lease.release().await;
    }

    /// Removes what has waited for too long.
    async fn look(&self, stop: &Shutdown) {
        let unused = self.files.config.unused_after;
        let kinds = [
            (Waiting::Upload, UPLOAD_WITHIN.min(unused)),
            (Waiting::Use, unused),
            (Waiting::Purge, PURGED_WITHIN.min(unused)),
        ];
        for (waiting, patience) in kinds {
            let patience = i64::try_from(patience.as_millis()).unwrap_or(i64::MAX);
            let before = Timestamp::from_millis(Timestamp::now().millis().saturating_sub(patience));
            // A read model that does not answer is asked again.
            let found = self.index.media_waiting(waiting, before, AT_ONCE).await;
            for id in found.unwrap_or_default() {
                if stop.is_triggered() {
                    return;
                }
                let ended = self.end_unneeded(&id, before).await;
                if let Err(error) = ended {
                    tracing::warn!(media.id = %id, ?error, "a file that nothing needs is not removed");
                }
            }
        }
    }

    async fn sweep(&self) {
        match self.files.store.sweep().await {
            Ok(0) => {}
            Ok(files) => tracing::info!(files, "removed what was left of uploads"),
            Err(error) => {
                tracing::warn!(error = %telemetry::error_chain(&error), "cannot look for what is left of uploads");
            }
        }
    }

    /// Removes a medium that waits since before a time, as the log has it.
    async fn end_unneeded(&self, id: &MediaId, before: Timestamp) -> Result<(), Failure> {
        let found = load::<Media>(&self.log, id).await?;
        let Some(state) = &found.state else { return Ok(()) };
        let idle = state.status == MediaStatus::Requested || state.is_idle();
        if idle
            && state.changed_at < before
            && let Some(fact) = media::end(state, Timestamp::now())
        {
            self.write_media(fact, found.at).await?;
        }
        self.purge(id).await
    }

    async fn purge_or_warn(&self, id: &MediaId) {
        if let Err(error) = self.purge(id).await {
            tracing::warn!(media.id = %id, ?error, "the bytes of a removed file are removed later");
        }
    }

    /// Removes the bytes of a removed medium.
    pub(crate) async fn purge(&self, id: &MediaId) -> Result<(), Failure> {
        let found = load::<Media>(&self.log, id).await?;
        let state = found.state.filter(|state| state.status == MediaStatus::Removed);
        let Some(state) = state else { return Ok(()) };
        self.remove_bytes(id).await?;
        match media::purged(&state, Timestamp::now()) {
            Some(fact) => self.write_media(fact, found.at).await.map(|_| ()),
            None => Ok(()),
        }
    }

    /// Removes everything that is kept of a medium in the store of files.
    pub(crate) async fn remove_bytes(&self, id: &MediaId) -> Result<(), Failure> {
        for name in BlobName::all_of(id) {
            self.files.store.remove(&name).await.map_err(|error| store_failed(&error))?;
        }
        Ok(())
    }

    /// Writes an event of a medium that no user asked for; where.
    pub(crate) async fn write_media(&self, fact: Fact, at: Sequence) -> Result<Sequence, Failure> {
        let call = Call::new("keep_media", CallContext::default());
        let fact = Fact { expect: Expect::At(at), ..fact };
        Ok(decider::record(&self.log, &call, fact).await?.position.sequence)
    }
}
