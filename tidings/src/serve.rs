//! `tidings serve`: everything in one process.

use bus::Bus;
use eventlog::EventLog;
use telemetry::{Health, Metrics};

use crate::admin;
use crate::config::Config;
use crate::data::{self, Claim, DataFolder, Run};
use crate::failure::Failure;
use crate::first_screen::FirstScreen;
use crate::nats::{PrivateServer, Start, heal};
use crate::room;
use crate::services;
use crate::shared_deps::{Server, SharedDeps};
use crate::signals::Signals;
use crate::supervisor::Supervisor;
use crate::terminal::{self, Addresses};

/// Runs everything until it is asked to stop, then stops it: sockets first, then services, then
/// the nats-server.
///
/// # Errors
/// A second `serve` on the same data folder, a start that fails, a part that ends by itself.
pub(crate) async fn serve(mut config: Config) -> Result<(), Failure> {
    let mut signals = Signals::catch()?;
    tokio::select! {
        () = room::wait_to_start(&config.data) => {}
        () = signals.asked_to_stop() => return Ok(()),
    }
    let folder = claim(&config)?;
    services::try_clients_port(&config)?;
    folder.path().clone_into(&mut config.data);
    let mut stack = Stack::new(folder);
    let started = tokio::select! {
        started = Box::pin(stack.start(&config)) => started.map(|()| true),
        () = signals.asked_to_stop() => Ok(false),
    };
    let outcome = match started {
        Ok(true) => tokio::select! {
            () = signals.asked_to_stop() => Ok(()),
            failure = stack.supervisor.one_ended() => Err(failure),
        },
        Ok(false) => Ok(()),
        Err(failure) => Err(failure),
    };
    signals.lose_patience();
    terminal::tell("\nStopping: sockets, then services, then the nats-server.");
    stack.stop().await;
    outcome
}

fn claim(config: &Config) -> Result<DataFolder, Failure> {
    match DataFolder::claim(&config.data)? {
        Claim::Ours(folder) => Ok(folder),
        Claim::InUse => {
            let folder = config.data.display();
            let who = data::running(&config.data).map_or_else(
                || "another tidings, which is just starting or stopping".to_owned(),
                |run| format!("`tidings serve` with process id {} at {}", run.pid, run.http),
            );
            Err(Failure::wrong_call(format!("the data folder {folder} is in use by {who}")))
        }
    }
}

/// What has been started so far, so that it can be stopped from any point.
struct Stack {
    folder: DataFolder,
    health: Health,
    metrics: Metrics,
    server: Option<PrivateServer>,
    /// The connections to the NATS server, once there are some.
    connected: Option<(EventLog, Bus)>,
    supervisor: Supervisor,
}

impl Stack {
    fn new(folder: DataFolder) -> Self {
        Self {
            folder,
            health: Health::new(),
            metrics: Metrics::new(),
            server: None,
            connected: None,
            supervisor: Supervisor::with_background_runtime(),
        }
    }

    async fn start(&mut self, config: &Config) -> Result<(), Failure> {
        // Before anything else: who waits for the start may look at what it waits for.
        self.health.starts();
        let admin = self.admin(config).await?;
        let nats = self.nats(config).await?;
        let spinner = terminal::waiting("connecting to the log and the read model");
        let (metrics, health) = (self.metrics.clone(), self.health.clone());
        let files = self.server.as_ref().map(PrivateServer::store);
        let server = Server { url: &nats, files };
        let shared = SharedDeps::connect(server, "tidings", config, metrics, health).await?;
        self.connected = Some((shared.deps.log.clone(), shared.deps.bus.clone()));
        if let Some(server) = &self.server {
            tokio::spawn(heal(shared.deps.log.clone(), server.restarter()));
        }
        spinner.set_message("starting services");
        let http = services::start_all(config, &shared, &mut self.supervisor).await?;
        self.health.started();
        spinner.set_message("catching up with the log");
        shared.wait_until_well().await;
        spinner.finish_and_clear();
        let (pid, at) = (std::process::id(), http.clone());
        self.folder.announce(&Run { pid, http: at, admin: Some(admin.clone()), nats })?;
        let addresses = Addresses { http: Some(&http), admin: Some(&admin) };
        terminal::ready_line(addresses, config, None)?;
        terminal::tell(&FirstScreen::of(config, &http, &admin).to_string());
        tracing::info!(http.url = http, "tidings serves");
        Ok(())
    }

    /// Opens the port for operators; its address.
    async fn admin(&mut self, config: &Config) -> Result<String, Failure> {
        let listen = config.admin_listen.ok_or_else(|| Failure::wrong_call("no --admin-listen"))?;
        let (metrics, health) = (self.metrics.clone(), self.health.clone());
        let address = admin::serve(listen, metrics, health, &mut self.supervisor).await?;
        Ok(terminal::http_url(address))
    }

    /// The address of the NATS server to use; starts a private one when none was named.
    async fn nats(&mut self, config: &Config) -> Result<String, Failure> {
        if let Some(url) = &config.nats_url {
            return Ok(url.clone());
        }
        let spinner = terminal::waiting("starting nats-server");
        let data = self.folder.path();
        let start = Start { data, config, health: &self.health };
        let server = PrivateServer::start(start).await?;
        spinner.finish_and_clear();
        let url = server.url();
        self.server = Some(server);
        Ok(url)
    }

    async fn stop(self) {
        let Self { mut folder, server, connected, supervisor, .. } = self;
        folder.withdraw();
        supervisor.stop().await;
        if let Some(mut server) = server {
            if let Some((log, bus)) = &connected {
                log.expect_end();
                bus.expect_end();
            }
            server.stop().await;
        }
        // Last: the process that finds the lock free finds the store closed.
        drop(folder);
        tracing::info!("stopped");
    }
}
