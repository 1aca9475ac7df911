//! Builds the services from settings and what they share, and sets them running.

use std::net::SocketAddr;
use std::sync::Arc;

use schemas::NameKey;
use telemetry::error_chain;

use crate::base::Base;
use crate::cli::Service;
use crate::config::Config;
use crate::failure::Failure;
use crate::names;
use crate::parts::{Parts, Stage};
use crate::rate::Rate;
use crate::watch;

/// Starts all of them, whoever is called before whoever calls; returns where clients connect.
///
/// # Errors
/// One of them cannot be built.
pub(crate) async fn start_all(
    config: &Config,
    base: &Base,
    parts: &mut Parts,
) -> Result<SocketAddr, Failure> {
    watch::watch(base, true, parts);
    projector(config, base, parts).await?;
    let names = names::open(&config.name_key, &base.log).await?;
    notifier(config, base, &names, parts).await?;
    chat(config, base, &names, parts).await?;
    auth(config, base, &names, parts).await?;
    gateway(config, base, parts).await
}

/// Starts one of them; returns where clients connect, if they connect to it.
///
/// # Errors
/// It cannot be built.
pub(crate) async fn start(
    service: Service,
    config: &Config,
    base: &Base,
    parts: &mut Parts,
) -> Result<Option<SocketAddr>, Failure> {
    watch::watch(base, service == Service::Projector, parts);
    match service {
        Service::Projector => projector(config, base, parts).await.map(|()| None),
        Service::Gateway => gateway(config, base, parts).await.map(Some),
        Service::Notifier | Service::ChatSvc | Service::AuthSvc => {
            let names = names::open(&config.name_key, &base.log).await?;
            match service {
                Service::ChatSvc => chat(config, base, &names, parts).await?,
                Service::AuthSvc => auth(config, base, &names, parts).await?,
                _ => notifier(config, base, &names, parts).await?,
            }
            Ok(None)
        }
    }
}

fn cannot(service: Service, error: &dyn std::error::Error) -> Failure {
    Failure::because(&format!("{} cannot start", service.name()), error)
}

async fn projector(config: &Config, base: &Base, parts: &mut Parts) -> Result<(), Failure> {
    let deps = projector::Deps {
        log: base.log.clone(),
        bus: base.bus.clone(),
        read_model: base.read_model.clone(),
        metrics: base.metrics.clone(),
        health: base.health.clone(),
    };
    let kept = config.memory.part_of(projector::Config::default().kept);
    let settings = projector::Config { kept, ..projector::Config::default() };
    let service = projector::build(settings, deps)
        .await
        .map_err(|error| cannot(Service::Projector, &error))?;
    parts.run_aside(Service::Projector.name(), Stage::Projection, |shutdown| async move {
        service.run_until_stopped(shutdown).await;
        Ok(())
    });
    Ok(())
}

async fn notifier(
    config: &Config,
    base: &Base,
    names: &NameKey,
    parts: &mut Parts,
) -> Result<(), Failure> {
    let settings = notifier::Config {
        smtp_url: config.smtp_url.clone(),
        mail_from: config.mail_from.clone(),
        mail_dir: config.data.join("mail"),
        retry: notifier::Retry::default(),
    };
    let deps = notifier::Deps {
        log: base.log.clone(),
        names: names.clone(),
        bus: base.bus.clone(),
        read_model: base.read_model.clone(),
        metrics: base.metrics.clone(),
        health: base.health.clone(),
    };
    let service =
        notifier::build(settings, deps).await.map_err(|error| cannot(Service::Notifier, &error))?;
    parts.run_aside(Service::Notifier.name(), Stage::Services, |shutdown| async move {
        let done = service.run_until_stopped(shutdown).await;
        done.map_err(|error| Failure::new(error_chain(&error)))
    });
    Ok(())
}

async fn chat(
    config: &Config,
    base: &Base,
    names: &NameKey,
    parts: &mut Parts,
) -> Result<(), Failure> {
    let deps = chat_svc::Deps {
        log: base.log.clone(),
        names: names.clone(),
        bus: base.bus.clone(),
        index: Arc::new(base.read_model.clone()),
        metrics: base.metrics.clone(),
        health: base.health.clone(),
    };
    let capacities = chat_svc::Capacities::in_thousandths(config.memory.thousandths());
    let settings = chat_svc::Config { capacities, ..chat_svc::Config::default() };
    let service =
        chat_svc::build(settings, deps).await.map_err(|error| cannot(Service::ChatSvc, &error))?;
    parts.run(Service::ChatSvc.name(), Stage::Services, |shutdown| async move {
        service.run_until_stopped(shutdown).await;
        Ok(())
    });
    Ok(())
}

async fn auth(
    config: &Config,
    base: &Base,
    names: &NameKey,
    parts: &mut Parts,
) -> Result<(), Failure> {
    let settings = auth_svc::Config { keys: config.keys.clone(), bcrypt_cost: config.bcrypt_cost };
    let deps = auth_svc::Deps {
        log: base.log.clone(),
        names: names.clone(),
        bus: base.bus.clone(),
        metrics: base.metrics.clone(),
        health: base.health.clone(),
    };
    let service =
        auth_svc::build(settings, deps).await.map_err(|error| cannot(Service::AuthSvc, &error))?;
    parts.run(Service::AuthSvc.name(), Stage::Services, |shutdown| async move {
        let done = service.run_until_stopped(shutdown).await;
        done.map_err(|error| Failure::new(error_chain(&error)))
    });
    Ok(())
}

async fn gateway(config: &Config, base: &Base, parts: &mut Parts) -> Result<SocketAddr, Failure> {
    let listen = config.listen.ok_or_else(|| Failure::wrong_call("no --listen"))?;
    let settings = gateway::Config {
        rate_requests: config.rate_requests.map(limit),
        rate_frames: config.rate_frames.map(limit),
        rate_bytes: config.rate_bytes.map(limit),
        rate_auth: config.rate_auth.map(limit),
        allowed_origins: config.allowed_origins.clone(),
        trusted_proxies: config.trusted_proxies.clone(),
        memory: config.memory.in_memory(),
        ..gateway::Config::at(listen)
    };
    let shared = gateway::Deps {
        log: base.log.clone(),
        bus: base.bus.clone(),
        read_model: base.read_model.clone(),
        metrics: base.metrics.clone(),
        health: base.health.clone(),
    };
    if let Some(warning) = config.exposed() {
        tracing::warn!(listen = %listen, "{warning}");
    }
    let service =
        gateway::build(settings, shared).await.map_err(|error| cannot(Service::Gateway, &error))?;
    let address = service.address();
    parts.run(Service::Gateway.name(), Stage::Edge, |shutdown| async move {
        let done = service.run_until_stopped(shutdown).await;
        done.map_err(|error| Failure::new(error_chain(&error)))
    });
    Ok(address)
}

const fn limit(rate: Rate) -> gateway::Rate {
    gateway::Rate { count: rate.count, per: rate.per }
}
