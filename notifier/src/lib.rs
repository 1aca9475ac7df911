//! Events to notifications and mail, off the path of any request.
//!
//! Owns the inboxes (`evt.inbox.<user>`) and the mails that are sent. [`policy`] says, purely, which
//! effects an event has; a channel carries out one kind of effect. Each channel follows the log with
//! a durable queue of its own, so a mail server that is down delays no inbox. An effect that fails is tried
//! again with growing pauses; what cannot be done becomes a dead letter with the reason and can be redriven.
//! It must not know how a message is stored or shown, and no effect may contain what a message says: that
//! would outlive the message's deletion.

mod channel;
mod commands;
mod context;
mod inbox;
mod keeper;
mod ledger;
mod mail;
mod mail_templates;
mod notices;
mod open;
pub mod policy;
mod watch;
mod worker;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bus::{Bus, BusError, ServiceHandle};
use eventlog::{EventLog, LogError};
use futures_util::future::BoxFuture;
use readmodel::ReadModel;
use schemas::NameKey;
use telemetry::{Health, Metrics, Shutdown};
use tokio::task::JoinSet;

use crate::channel::Channel;
use crate::context::ContextSource;
use crate::inbox::Inbox;
use crate::mail::Mailer;
use crate::open::Open;
use crate::watch::Watch;
use crate::worker::Worker;

/// What can be set.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where mail is handed over: `smtp://[user:password@]host[:port]` (STARTTLS when the server offers it) or
    /// `smtps://...`. None: mails are written as `.eml` files into `mail_dir`.
    pub smtp_url: Option<String>,
    /// The sender of mails, such as `Tidings <tidings@example.org>`.
    pub mail_from: String,
    /// The folder for mails without an SMTP server; made when it is needed.
    pub mail_dir: PathBuf,
    /// How failing effects are tried again.
    pub retry: Retry,
}

/// How an effect that fails is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// The first pause; each further one is twice as long.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// Tries in all, the first included; at least 1. Then it is a dead letter.
    pub attempts: u32,
}

impl Default for Retry {
    /// 1 s, 2 s, 4 s ... 10 min; 12 tries, which outlasts a mail server that is away for half an hour.
    fn default() -> Self {
        Self {
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(600),
            attempts: 12,
        }
    }
}

impl Retry {
    /// The pause after a failed attempt (from 1).
    #[must_use]
    pub fn pause_after(&self, attempt: u32) -> Duration {
        let doublings = attempt.saturating_sub(1).min(31);
        self.first_pause.saturating_mul(1 << doublings).min(self.longest_pause)
    }
}

/// What the notifier shares with the other services of its process.
#[derive(Clone)]
pub struct Deps {
    /// The log, attached.
    pub log: EventLog,
    /// The key of the lanes of names; that of the log ([`EventLog::note_names`]).
    pub names: NameKey,
    /// Where commands come from.
    pub bus: Bus,
    /// To look up inbox entries.
    pub read_model: ReadModel,
    /// The process's metrics.
    pub metrics: Metrics,
    /// The process's health; the component is `notifier`.
    pub health: Health,
}

/// Why the notifier cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The queues cannot be opened.
    #[error("the notifier's queue cannot be opened")]
    Log(#[from] LogError),
    /// The commands cannot be served.
    #[error("the notifier's commands cannot be served")]
    Bus(#[from] BusError),
    /// The sender address, the SMTP address or the mail folder is not usable.
    #[error("mail cannot be set up: {0}")]
    Mail(String),
}

/// The notifier, with its queues open and its commands served. Made by [`build`].
pub struct Notifier {
    workers: Vec<Worker>,
    commands: ServiceHandle,
    watch: Watch,
}

/// Opens the queues and begins to serve the `notify` commands.
///
/// # Errors
/// See [`StartError`].
pub fn build(config: Config, deps: Deps) -> BoxFuture<'static, Result<Notifier, StartError>> {
    // Boxed here, so that its code is generated in this crate and not in each that calls it.
    Box::pin(start(config, deps))
}

async fn start(config: Config, deps: Deps) -> Result<Notifier, StartError> {
    let watch = Watch::new(&deps.metrics, &deps.health);
    let mailer = Mailer::new(&config, &deps.log).map_err(StartError::Mail)?;
    let open = Open::new();
    tokio::spawn(open.clone().follow(deps.bus.live().await?));
    let inbox = Inbox::new(deps.log.clone(), deps.read_model.clone(), open);
    let contexts = ContextSource::new(deps.log.clone());
    let channels: Vec<Arc<dyn Channel>> = vec![Arc::new(inbox), Arc::new(mailer)];
    let mut workers = Vec::with_capacity(channels.len());
    for channel in channels {
        workers
            .push(Worker::open(channel, &deps.log, contexts.clone(), config.retry, &watch).await?);
    }
    let commands = commands::serve(&deps).await?;
    Ok(Notifier { workers, commands, watch })
}

impl Notifier {
    /// Works until asked to stop, then finishes what it has begun.
    ///
    /// # Errors
    /// None at present; the services of a process share this shape.
    pub fn run_until_stopped(
        self,
        shutdown: Shutdown,
    ) -> BoxFuture<'static, Result<(), StartError>> {
        // Boxed here, so that its code is generated in this crate and not in each that calls it.
        Box::pin(self.work(shutdown))
    }

    async fn work(self, shutdown: Shutdown) -> Result<(), StartError> {
        let mut running = JoinSet::new();
        for worker in self.workers {
            let shutdown = shutdown.clone();
            running.spawn(Box::pin(worker.run(shutdown)));
        }
        self.watch.well();
        while let Some(ended) = running.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a worker of the notifier ended badly");
                self.watch.broken("a worker ended badly");
            }
        }
        self.commands.stop().await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let retry = Retry::default();
        let pauses: Vec<u64> = (1..=12).map(|n| retry.pause_after(n).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]);
        assert_eq!(retry.pause_after(u32::MAX), Duration::from_secs(600));
    }
}
