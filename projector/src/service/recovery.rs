//! What the projector does after a failure: stands by, waits for a rebuild to switch, or builds the read model again.

use std::time::{Duration, Instant};

use readmodel::{Answer, Checkpoints, ProjectionStore};
use telemetry::Shutdown;

use super::looks::Looks;
use super::{COMPONENT, HEARTBEAT, Projector};
use crate::error::ProjectError;
use crate::rebuild::{RebuildOptions, rebuild};

/// How often a standby looks at the checkpoint.
const LOOK: Duration = Duration::from_millis(500);
/// A rebuild that has retired a generation and has not switched for so long has died.
const RETIRED_FOR_TOO_LONG: Duration = Duration::from_secs(30);

impl Projector {
    /// Handles a failure before the next try.
    pub(super) async fn recover(&self, error: ProjectError, shutdown: &Shutdown) {
        match error {
            ProjectError::Fenced => {
                self.metrics.fenced.inc();
                self.metrics.active.set(0);
                tracing::info!("another projector is at work; standing by");
                self.stand_by(shutdown).await;
            }
            ProjectError::Retired => self.await_switch(shutdown).await,
            ProjectError::OtherLog(why) => self.build_again(&why).await,
            ProjectError::Poison(poison) => {
                self.metrics.all_stopped();
                let reason = telemetry::error_chain(&poison);
                tracing::error!(
                    event.seq = poison.sequence(),
                    error = reason,
                    "projection stopped"
                );
                self.deps.health.stuck(COMPONENT, reason);
            }
            error => {
                let reason = telemetry::error_chain(&error);
                tracing::error!(error = reason, "the projection failed and is tried again");
                self.deps.health.set(COMPONENT, Err(reason));
            }
        }
    }

    /// Watches the checkpoint until the active projector seems to have gone, or another generation is
    /// live and any projector may write it.
    async fn stand_by(&self, shutdown: &Shutdown) {
        self.metrics.stopped.set(0);
        self.deps.health.set(COMPONENT, Ok::<(), String>(()));
        let generation = self.read_model.generation();
        let mut looks = Looks::every(LOOK, &self.deps.health);
        let mut seen: Option<Checkpoints> = None;
        let mut since = Instant::now();
        loop {
            if !looks.due(shutdown).await || self.read_model.generation() != generation {
                return;
            }
            let store = self.read_model.current();
            let Some(checkpoint) = looks.note(store.checkpoint().await) else { continue };
            self.read_model.note_checkpoints(checkpoint.groups, store.generation());
            let Ok(head) = self.deps.log.head().await else { continue };
            // A group that has stopped is no sign that the projector has: others move, or are at the end.
            if seen != Some(checkpoint.groups) || head <= checkpoint.groups.most() {
                seen = Some(checkpoint.groups);
                since = Instant::now();
            } else if since.elapsed() >= self.config.take_over_after {
                tracing::warn!(
                    event.seq = checkpoint.sequence,
                    "the active projector stands still"
                );
                return;
            }
        }
    }

    /// A rebuild has retired the generation and is about to switch to its own.
    async fn await_switch(&self, shutdown: &Shutdown) {
        let retired = self.read_model.writer();
        let mut looks = Looks::every(HEARTBEAT / 10, &self.deps.health);
        let mut since = Instant::now();
        while since.elapsed() < RETIRED_FOR_TOO_LONG {
            match looks.note(self.is_to_switch(retired.as_ref()).await) {
                Some(true) => {}
                Some(false) => return,
                // Whether the rebuild has switched is not known before it can be read.
                None => since = Instant::now(),
            }
            if !looks.due(shutdown).await {
                return;
            }
        }
        tracing::warn!(
            generation = retired.generation(),
            "a rebuild retired the generation and never switched; going on with it"
        );
        if let Err(error) = retired.set_retired(false).await {
            tracing::error!(%error, "the generation cannot be taken back into use");
        }
    }

    /// Whether a retired generation is still the live one.
    async fn is_to_switch(&self, retired: &dyn ProjectionStore) -> Answer<bool> {
        self.read_model.refresh().await?;
        let is_live = self.read_model.generation() == retired.generation();
        Ok(is_live && retired.checkpoint().await?.retired)
    }

    /// The read model does not belong to this log: it is built again from the log's beginning.
    async fn build_again(&self, why: &str) {
        tracing::error!(why, "THE READ MODEL IS OF ANOTHER LOG and is built again");
        self.deps
            .health
            .set(COMPONENT, Err("the read model is built again: the log is another one"));
        let deps = &self.deps;
        if let Err(error) = deps.log.attach().await {
            tracing::error!(%error, "the log cannot be attached to");
        }
        let options = RebuildOptions::default();
        if let Err(error) = rebuild(&deps.log, &self.read_model, &options, &|_| {}).await {
            let error = telemetry::error_chain(&error);
            tracing::error!(error, "the read model could not be built again");
        }
    }
}
