//! Looks after the log as long as the process runs: that it is all there, and how far it has got.
//!
//! A start refuses a log that is less than what was built from it (`checks.rs`). Later a lost end or a missing block
//! shows in the answer to the question for the head, asked every second. What only reading finds, an
//! event the server cannot read any more, is found by reading everything, slowly: after a start, whenever the
//! server was away, and once a day.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use eventlog::{EventLog, LogError};
use service::{Deps, Stage, ticks};
use telemetry::prometheus_client::metrics::gauge::Gauge;
use telemetry::{Health, Metrics, Shutdown, error_chain};

use crate::supervisor::Supervisor;

/// Reports on the head of the log, and on what reading all of it found.
const LOG: &str = "log";
const HISTORY: &str = "history";
/// How often the head is asked for and the mark is set.
const EVERY: Duration = Duration::from_secs(1);
/// Events a second when everything is read: about one per cent of a core.
const PACE: u32 = 2000;
/// How long after everything was read it is read again; sooner while something is wrong.
const READ_AGAIN: Duration = Duration::from_secs(24 * 60 * 60);
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// Runs until the process stops; `everything`: also reads all of the log from time to time, which one
/// process of an installation does.
pub(crate) fn watch(deps: &Deps, everything: bool, supervisor: &mut Supervisor) {
    let watch = Watch {
        log: deps.log.clone(),
        health: deps.health.clone(),
        damaged: damaged_gauge(&deps.metrics),
        found: Mutex::default(),
    };
    supervisor.run("log watch", Stage::Projection, |shutdown| async move {
        let reading = async {
            if everything { watch.read_everything().await } else { std::future::pending().await }
        };
        tokio::select! {
            () = watch.ask_for_the_head(&shutdown) => {}
            () = reading => {}
        }
        watch.mark().await;
        Ok(())
    });
}

fn damaged_gauge(metrics: &Metrics) -> Gauge {
    let damaged = Gauge::default();
    let registered = damaged.clone();
    metrics.register(|all| {
        all.register("log_damaged", "Whether events of the log are lost or changed", registered);
    });
    damaged
}

struct Watch {
    log: EventLog,
    health: Health,
    damaged: Gauge,
    /// The components that found damage when they looked last.
    found: Mutex<BTreeSet<&'static str>>,
}

impl Watch {
    async fn ask_for_the_head(&self, shutdown: &Shutdown) {
        let mut next = ticks(EVERY);
        while !shutdown.is_triggered() {
            let head = self.log.recent_head().await;
            self.say(LOG, head.as_ref().err());
            if head.is_ok() {
                self.mark().await;
            }
            tokio::select! {
                () = shutdown.wait() => {}
                _ = next.tick() => {}
            }
        }
    }

    async fn read_everything(&self) {
        let mut link = self.log.watch_connection();
        loop {
            let generation = link.borrow_and_update().generation;
            let read = self.log.check_everything(Some(PACE)).await;
            self.say(HISTORY, read.as_ref().err());
            let pause = if read.is_ok() { READ_AGAIN } else { LOOK_AGAIN };
            // A server that was away may have come back with other files.
            let back = link.wait_for(|link| link.connected && link.generation != generation);
            if let Ok(Err(_)) = tokio::time::timeout(pause, back).await {
                return;
            }
        }
    }

    /// Tells what is wrong with the log itself; that it does not answer, others tell.
    fn say(&self, component: &'static str, error: Option<&LogError>) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        match error {
            Some(error @ (LogError::Damaged(_) | LogError::Replaced)) => {
                let reason = error_chain(error);
                tracing::error!(component, error = reason, "THE LOG IS NOT WHAT IT WAS");
                found.insert(component);
                self.health.set(component, Err(reason));
            }
            Some(error) => tracing::debug!(component, %error, "the log was not looked at"),
            None => {
                found.remove(component);
                self.health.set(component, Ok::<(), String>(()));
            }
        }
        self.damaged.set(i64::from(!found.is_empty()));
    }

    async fn mark(&self) {
        if let Err(error) = self.log.note_mark().await {
            tracing::debug!(%error, "how far the log has got was not noted");
        }
    }
}
