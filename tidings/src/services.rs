//! The services this process can run: how each is configured, and starting them in order.

use auth_svc::AuthService;
use chat_svc::ChatService;
use futures_util::future::LocalBoxFuture;
use gateway::Gateway;
use notifier::Notifier;
use projector::Projector;
use service::Service as _;
use telemetry::error_chain;

use crate::config::Config;
use crate::failure::Failure;
use crate::service_name::ServiceName;
use crate::shared_deps::SharedDeps;
use crate::supervisor::Supervisor;
use crate::watch;

mod hosted;

use hosted::Hosted;
pub(crate) use hosted::auth_config;

/// A service in the list.
struct Entry {
    name: ServiceName,
    start: Start,
}

/// Builds a service and sets it running; where clients connect, if they connect to it.
type Start = for<'a> fn(
    &'a Config,
    &'a SharedDeps,
    &'a mut Supervisor,
) -> LocalBoxFuture<'a, Result<Option<String>, Failure>>;

/// Every service, in the order in which they start: each before those that call it.
const ALL: [Entry; 5] = [
    entry::<Projector>(),
    entry::<Notifier>(),
    entry::<ChatService>(),
    entry::<AuthService>(),
    entry::<Gateway>(),
];

const fn entry<S: Hosted>() -> Entry {
    Entry {
        name: S::SERVICE,
        start: |config, shared, supervisor| Box::pin(run::<S>(config, shared, supervisor)),
    }
}

/// Tries what the gateway would meet where clients connect, which is the last of a start: before anything is made.
///
/// # Errors
/// The address is taken or not ours, or the certificate cannot be used.
pub(crate) fn try_clients_port(config: &Config) -> Result<(), Failure> {
    let Some(listen) = &config.listen else { return Ok(()) };
    let tried = gateway::try_clients_port(listen, config.tls.as_ref());
    tried.map_err(|error| Failure::because(&format!("{} cannot start", Gateway::NAME), &error))
}

/// Starts all of them; returns where clients connect.
///
/// # Errors
/// One of them cannot be built.
pub(crate) async fn start_all(
    config: &Config,
    shared: &SharedDeps,
    supervisor: &mut Supervisor,
) -> Result<String, Failure> {
    watch::watch(&shared.deps, true, supervisor);
    let mut address = None;
    for entry in &ALL {
        address = (entry.start)(config, shared, supervisor).await?.or(address);
    }
    let address = address.ok_or_else(|| Failure::new("no service listens for clients"))?;
    // Where nothing else was configured mails name the address itself.
    shared.site.is_at(&address);
    Ok(address)
}

/// Starts one of them; returns where clients connect, if they connect to it.
///
/// # Errors
/// It cannot be built.
pub(crate) async fn start(
    name: ServiceName,
    config: &Config,
    shared: &SharedDeps,
    supervisor: &mut Supervisor,
) -> Result<Option<String>, Failure> {
    watch::watch(&shared.deps, name == ServiceName::Projector, supervisor);
    let entry = ALL.iter().find(|entry| entry.name == name);
    let entry = entry.ok_or_else(|| Failure::new(format!("{} is not listed", name.as_str())))?;
    (entry.start)(config, shared, supervisor).await
}

async fn run<S: Hosted>(
    config: &Config,
    shared: &SharedDeps,
    supervisor: &mut Supervisor,
) -> Result<Option<String>, Failure> {
    let needs = S::needs(config, shared).await?;
    let built = S::build(S::config(config)?, needs, shared.deps.clone()).await;
    let service =
        built.map_err(|error| Failure::because(&format!("{} cannot start", S::NAME), &error))?;
    let address = service.url();
    let work = |shutdown| async move {
        let done = service.run_until_stopped(shutdown).await;
        done.map_err(|error| Failure::new(error_chain(&error)))
    };
    if S::IN_BACKGROUND {
        supervisor.run_in_background(S::NAME, S::STAGE, work);
    } else {
        supervisor.run(S::NAME, S::STAGE, work);
    }
    Ok(address)
}

#[cfg(test)]
mod tests {
    use clap::Subcommand as _;

    use super::*;

    #[test]
    fn every_service_of_the_command_line_is_listed_under_its_name() {
        let commands = ServiceName::augment_subcommands(clap::Command::new("tidings"));
        let mut wanted: Vec<_> =
            commands.get_subcommands().map(|one| one.get_name().to_owned()).collect();
        let mut listed: Vec<_> = ALL.iter().map(|entry| entry.name.as_str().to_owned()).collect();
        wanted.sort();
        listed.sort();
        assert_eq!(listed, wanted);
    }
}
