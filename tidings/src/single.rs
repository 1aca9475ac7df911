//! One service as a process of its own, on servers that run already.

use std::net::SocketAddr;

use telemetry::{Health, Metrics, serve_admin};
use tokio::net::TcpListener;

use crate::base::{Base, Server};
use crate::cli::Service;
use crate::config::Config;
use crate::data::make_private;
use crate::failure::Failure;
use crate::parts::{Parts, Stage};
use crate::room;
use crate::services;
use crate::signals::Signals;
use crate::terminal;

/// Runs a service until it is asked to stop.
///
/// # Errors
/// It cannot start, or it ended by itself.
pub(crate) async fn run(service: Service, config: Config) -> Result<(), Failure> {
    let mut signals = Signals::catch()?;
    let mut parts = Parts::default();
    let started = tokio::select! {
        started = Box::pin(start(service, &config, &mut parts)) => started.map(|()| true),
        () = signals.asked_to_stop() => Ok(false),
    };
    let outcome = match started {
        Ok(true) => tokio::select! {
            () = signals.asked_to_stop() => Ok(()),
            failure = parts.one_ended() => Err(failure),
        },
        Ok(false) => Ok(()),
        Err(failure) => Err(failure),
    };
    signals.lose_patience();
    parts.stop().await;
    tracing::info!("stopped");
    outcome
}

async fn start(service: Service, config: &Config, parts: &mut Parts) -> Result<(), Failure> {
    let url = config.nats_url.as_deref().ok_or_else(|| Failure::wrong_call("no --nats-url"))?;
    room::wait_to_start(&config.data).await;
    make_private(&config.data).map_err(|error| {
        let folder = config.data.display();
        Failure::because(&format!("the data folder {folder} cannot be made"), &error)
    })?;
    let (metrics, health) = (Metrics::new(), Health::new());
    let spinner = terminal::waiting("connecting to the log and the read model");
    let server = Server { url, files: None };
    let base = Base::connect(server, service.name(), config, metrics, health).await?;
    let address = services::start(service, config, &base, parts).await?;
    let address = match (address, config.listen) {
        (None, Some(listen)) => Some(admin(listen, &base, parts).await?),
        (address, _) => address,
    };
    base.wait_until_well().await;
    spinner.finish_and_clear();
    let http = address.map(terminal::http_url);
    terminal::ready_line(http.as_deref(), config, Some(service.name()))?;
    tracing::info!(http.url = http, "ready");
    Ok(())
}

/// Health and metrics of a process that clients do not connect to.
async fn admin(listen: SocketAddr, base: &Base, parts: &mut Parts) -> Result<SocketAddr, Failure> {
    let cannot = |error: std::io::Error| {
        Failure::because(&format!("{listen} cannot be listened on"), &error)
    };
    let listener = TcpListener::bind(listen).await.map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    let (metrics, health) = (base.metrics.clone(), base.health.clone());
    // It stops last: as long as anything runs, somebody may ask how it is.
    parts.run("admin", Stage::Admin, |shutdown| async move {
        serve_admin(listener, metrics, health, shutdown).await;
        Ok(())
    });
    Ok(address)
}
