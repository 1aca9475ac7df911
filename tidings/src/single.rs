//! One service as a process of its own, on servers that run already.

use gateway::Listen;
use telemetry::{Health, Metrics};

use crate::admin;
use crate::config::Config;
use crate::data::make_private;
use crate::failure::Failure;
use crate::private;
use crate::room;
use crate::service_name::ServiceName;
use crate::services;
use crate::shared_deps::{Server, SharedDeps};
use crate::signals::Signals;
use crate::supervisor::Supervisor;
use crate::terminal::{self, Addresses};

/// Runs a service until it is asked to stop.
///
/// # Errors
/// It cannot start, or it ended by itself.
pub(crate) async fn run(service: ServiceName, config: Config) -> Result<(), Failure> {
    let mut signals = Signals::catch()?;
    let mut supervisor = Supervisor::default();
    let started = tokio::select! {
        started = Box::pin(start(service, &config, &mut supervisor)) => started.map(|()| true),
        () = signals.asked_to_stop() => Ok(false),
    };
    let outcome = match started {
        Ok(true) => tokio::select! {
            () = signals.asked_to_stop() => Ok(()),
            failure = supervisor.one_ended() => Err(failure),
        },
        Ok(false) => Ok(()),
        Err(failure) => Err(failure),
    };
    signals.lose_patience();
    supervisor.stop().await;
    tracing::info!("stopped");
    outcome
}

async fn start(
    service: ServiceName,
    config: &Config,
    supervisor: &mut Supervisor,
) -> Result<(), Failure> {
    let url = config.nats_url.as_deref().ok_or_else(|| Failure::wrong_call("no --nats-url"))?;
    if service == ServiceName::Gateway {
        services::try_clients_port(config)?;
    }
    room::wait_to_start(&config.data).await;
    make_private(&config.data).map_err(|error| {
        let folder = config.data.display();
        Failure::because(&format!("the data folder {folder} cannot be made"), &error)
    })?;
    private::take_from_others(&config.data);
    let (metrics, health) = (Metrics::new(), Health::new());
    health.starts();
    // Before anything else: who waits for the start may look at what it waits for.
    let admin = match config.admin_listen {
        Some(listen) => {
            Some(admin::serve(listen, metrics.clone(), health.clone(), supervisor).await?)
        }
        None => None,
    };
    let spinner = terminal::waiting("connecting to the log and the read model");
    let server = Server { url, files: None };
    let shared = SharedDeps::connect(server, service.as_str(), config, metrics, health).await?;
    let http = services::start(service, config, &shared, supervisor).await?;
    let http = match (http, &config.listen) {
        (None, Some(Listen::Tcp(listen))) => {
            let (metrics, health) = (shared.deps.metrics.clone(), shared.deps.health.clone());
            Some(terminal::http_url(admin::serve(*listen, metrics, health, supervisor).await?))
        }
        (http, _) => http,
    };
    shared.deps.health.started();
    shared.wait_until_well().await;
    spinner.finish_and_clear();
    // What clients do not connect to is the operators' altogether.
    let own = http.clone().filter(|_| service != ServiceName::Gateway);
    let admin = admin.map(terminal::http_url).or(own);
    let place = Addresses { http: http.as_deref(), admin: admin.as_deref() };
    terminal::ready_line(place, config, Some(service.as_str()))?;
    tracing::info!(http.url = http, "ready");
    Ok(())
}
