//! Putting the notifier together and running it.

use std::sync::Arc;
use std::time::Duration;

use bus::{BusError, ServiceHandle};
use eventlog::{EventLog, LogError};
use service::{BoxFuture, Deps, Service, Stage};
use telemetry::Shutdown;
use tokio::task::JoinSet;

use crate::channel::Channel;
use crate::commands;
use crate::config::{Config, Needs, Retry};
use crate::context::ContextSource;
use crate::digests::{Digests, Parts};
use crate::inbox::Inbox;
use crate::mail::Mailer;
use crate::open::Open;
use crate::watch::{COMPONENT, Watch};
use crate::worker::Worker;

/// How often it is counted what waits in the queues.
const COUNT_EVERY: Duration = Duration::from_secs(10);

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

/// The notifier, with its queues open and its commands served.
pub struct Notifier {
    workers: Vec<Worker>,
    digests: Arc<Digests>,
    commands: ServiceHandle,
    watch: Watch,
    log: EventLog,
}

impl Service for Notifier {
    const NAME: &'static str = COMPONENT;
    const STAGE: Stage = Stage::Services;
    type Config = Config;
    type Needs = Needs;
    type Error = StartError;

    /// Opens the queues and begins to serve the `notify` commands.
    fn build(
        config: Config,
        needs: Needs,
        deps: Deps,
    ) -> BoxFuture<'static, Result<Self, StartError>> {
        Box::pin(start(config, needs, deps))
    }

    fn run_until_stopped(self, shutdown: Shutdown) -> BoxFuture<'static, Result<(), StartError>> {
        Box::pin(self.work(shutdown))
    }
}

async fn start(config: Config, needs: Needs, deps: Deps) -> Result<Notifier, StartError> {
    let Needs { names, codes, read_model, site } = needs;
    let watch = Watch::new(&deps.metrics, &deps.health);
    let mailer = Arc::new(Mailer::new(&config, codes, &deps.log).map_err(StartError::Mail)?);
    let open = Open::new();
    tokio::spawn(open.clone().follow(deps.bus.live().await?));
    let inbox = Inbox::new(deps.log.clone(), read_model.clone(), open);
    let contexts = ContextSource::new(deps.log.clone());
    let digests = Arc::new(Digests::new(Parts {
        log: deps.log.clone(),
        bus: deps.bus.clone(),
        read_model: read_model.clone(),
        names: names.clone(),
        mailer: Arc::clone(&mailer),
        site,
        retry: config.mail_retry.clone(),
        watch: watch.clone(),
    }));
    let channels: [(Arc<dyn Channel>, Retry); 3] = [
        (Arc::new(inbox), config.retry.clone()),
        (mailer, config.mail_retry),
        (Arc::clone(&digests) as _, config.retry),
    ];
    let mut workers = Vec::with_capacity(channels.len());
    for (channel, retry) in channels {
        workers.push(Worker::open(channel, &deps.log, contexts.clone(), retry, &watch).await?);
    }
    let commands = commands::serve(names, read_model, &deps).await?;
    Ok(Notifier { workers, digests, commands, watch, log: deps.log })
}

impl Notifier {
    async fn work(self, shutdown: Shutdown) -> Result<(), StartError> {
        let mut running = JoinSet::new();
        let channels = self.workers.iter().map(Worker::channel).collect();
        let counting = tokio::spawn(count_waiting(self.log, channels, self.watch.clone()));
        for worker in self.workers {
            let shutdown = shutdown.clone();
            running.spawn(Box::pin(worker.run(shutdown)));
        }
        running.spawn(Box::pin(self.digests.run(shutdown)));
        self.watch.well();
        while let Some(ended) = running.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a worker of the notifier ended badly");
                self.watch.broken("a worker ended badly");
            }
        }
        counting.abort();
        self.commands.stop().await;
        Ok(())
    }
}

/// Asks again and again how much waits in the queues, for operators.
async fn count_waiting(log: EventLog, channels: Vec<&'static str>, watch: Watch) {
    let mut next = tokio::time::interval(COUNT_EVERY);
    loop {
        next.tick().await;
        for channel in &channels {
            match log.unanswered(channel).await {
                Ok(waiting) => watch.waiting(channel, waiting),
                Err(error) => tracing::debug!(%error, channel, "what waits was not counted"),
            }
        }
    }
}
