//! Removing what nothing needs: uploads that were never completed, files that never came into a message, and the bytes
//! of media that are removed.

use std::sync::Arc;
use std::time::Duration;

use blobs::{Area, BlobName};
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
/// Media of the store that are looked at in one go, besides those of uploads; the next go continues.
const LOOKED_AT: usize = 10_000;

impl Chat {
    /// Removes until asked to stop.
    pub(crate) async fn keep_media(self: Arc<Self>, mut purges: Purges, stop: Shutdown) {
        let every = self.files.config.look_every;
        let mut lease = Lease::of(self.log.secrets("leases"), "media", every * 3);
        let mut look = tokio::time::interval(every);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (mut swept, mut place): (Option<Instant>, _) = (None, Place::start());
        loop {
            tokio::select! {
                biased;
                () = stop.wait() => break,
                Some(id) = purges.recv() => unless(&stop, self.purge_or_warn(&id)).await,
                _ = look.tick() => if lease.hold().await {
                    Box::pin(self.look(&stop)).await;
                    if swept.is_none_or(|at| at.elapsed() >= SWEEP_EVERY) {
                        unless(&stop, async {
                            // A store that is away is looked through when it is back.
                            swept = self.sweep(&mut place).await.then(Instant::now).or(swept);
                        })
                        .await;
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
                let ended = async {
                    if let Err(error) = self.end_unneeded(&id, before).await {
                        tracing::warn!(media.id = %id, ?error, "a file that nothing needs is not removed");
                    }
                };
                unless(stop, ended).await;
            }
        }
    }

    /// Removes what is left of files in the store; whether all of it could be looked at.
    async fn sweep(&self, place: &mut Place) -> bool {
        match self.files.store.sweep().await {
            Ok(0) => {}
            Ok(files) => tracing::info!(files, "removed what was left of uploads"),
            Err(error) => {
                tracing::warn!(error = %telemetry::error_chain(&error), "cannot look for what is left of uploads");
                return false;
            }
        }
        // Who has a URL of the store itself may use it when the upload is over: those are looked at every time.
        let uploads = self.drop_strays(&mut Place::at(Area::Upload), usize::MAX).await;
        let others = self.drop_strays(place, LOOKED_AT).await;
        if let Err(error) = &uploads.and(others) {
            tracing::warn!(?error, "cannot look through the store of files");
            return false;
        }
        true
    }

    /// Removes what lies in the store under the names of media that do not need it, from a place on. What the log does not
    /// know stays: it may be another installation's, or of a log that is older than the store.
    async fn drop_strays(&self, place: &mut Place, most: usize) -> Result<(), Failure> {
        let mut looked = 0;
        while looked < most {
            let ids = self.files.store.media_in(place.area, place.after.as_ref()).await;
            let ids = ids.map_err(|error| store_failed(&error))?;
            if ids.is_empty() {
                place.next();
                return Ok(());
            }
            looked += ids.len();
            for id in ids {
                if let Err(error) = self.drop_stray(place.area, &id).await {
                    tracing::warn!(media.id = %id, ?error, "what a file left in the store is removed later");
                }
                place.after = Some(id);
            }
        }
        Ok(())
    }

    async fn drop_stray(&self, area: Area, id: &MediaId) -> Result<(), Failure> {
        let state = load::<Media>(&self.log, id).await?.state;
        if state.is_some_and(|media| is_stray(area, media.status)) {
            let removed = self.files.store.remove(&area.name_of(*id)).await;
            removed.map_err(|error| store_failed(&error))?;
            tracing::info!(media.id = %id, "removed what a file left in the store");
        }
        Ok(())
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

    /// Removes the bytes of a removed medium, those too that came after the others were removed.
    pub(crate) async fn purge(&self, id: &MediaId) -> Result<(), Failure> {
        let found = load::<Media>(&self.log, id).await?;
        let Some(state) = found.state.filter(media::is_over) else { return Ok(()) };
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

/// Where a look through the store continues.
struct Place {
    area: Area,
    after: Option<MediaId>,
}

impl Place {
    const fn at(area: Area) -> Self {
        Self { area, after: None }
    }

    const fn start() -> Self {
        Self::at(Area::File)
    }

    /// The part of the store after this one; uploads are looked at besides.
    fn next(&mut self) {
        *self = match self.area {
            Area::File => Self::at(Area::Thumbnail),
            Area::Thumbnail | Area::Upload => Self::start(),
        };
    }
}

/// Whether a medium of this status does not need what lies under its name in a part of the store. One that is removed is another
/// matter: its bytes are removed with it.
const fn is_stray(area: Area, status: MediaStatus) -> bool {
    match (area, status) {
        (_, MediaStatus::Purged) | (Area::Upload, MediaStatus::Stored) => true,
        (Area::File | Area::Thumbnail, MediaStatus::Stored)
        | (_, MediaStatus::Requested | MediaStatus::Removed) => false,
    }
}

/// Does something that may take long and may be begun again, unless the process stops.
async fn unless(stop: &Shutdown, work: impl Future<Output = ()>) {
    tokio::select! {
        biased;
        () = stop.wait() => {}
        () = work => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_no_medium_needs_is_a_stray() {
        for area in [Area::Upload, Area::File, Area::Thumbnail] {
            assert!(is_stray(area, MediaStatus::Purged));
            assert!(
                !is_stray(area, MediaStatus::Requested) && !is_stray(area, MediaStatus::Removed)
            );
        }
        assert!(is_stray(Area::Upload, MediaStatus::Stored));
        assert!(!is_stray(Area::File, MediaStatus::Stored));
        assert!(!is_stray(Area::Thumbnail, MediaStatus::Stored));
    }
}
