//! One service as a process of its own, on servers that run already.

use telemetry::{Health, Metrics};

use crate::admin;
use crate::base::{Base, Server};
use crate::cli::Service;
use crate::config::Config;
use crate::data::make_private;
use crate::failure::Failure;
use crate::parts::Parts;
use crate::private;
use crate::room;
use crate::services;
use crate::signals::Signals;
use crate::terminal::{self, Addresses};

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
    private::take_from_others(&config.data);
    let (metrics, health) = (Metrics::new(), Health::new());
    // Before anything else: who waits for the start may look at what it waits for.
    let admin = match config.admin_listen {
        Some(listen) => Some(admin::serve(listen, metrics.clone(), health.clone(), parts).await?),
        None => None,
    };
    let spinner = terminal::waiting("connecting to the log and the read model");
    let server = Server { url, files: None };
    let base = Base::connect(server, service.name(), config, metrics, health).await?;
    let address = services::start(service, config, &base, parts).await?;
    let address = match (address, config.listen) {
        (None, Some(listen)) => {
            let (metrics, health) = (base.metrics.clone(), base.health.clone());
            Some(admin::serve(listen, metrics, health, parts).await?)
        }
        (address, _) => address,
    };
    base.wait_until_well().await;
    spinner.finish_and_clear();
    let http = address.map(terminal::http_url);
    // What clients do not connect to is the operators' altogether.
    let own = address.filter(|_| service != Service::Gateway);
    let admin = admin.or(own).map(terminal::http_url);
    let place = Addresses { http: http.as_deref(), admin: admin.as_deref() };
    terminal::ready_line(place, config, Some(service.name()))?;
    tracing::info!(http.url = http, "ready");
    Ok(())
}
