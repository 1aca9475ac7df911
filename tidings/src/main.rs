//! The one binary: serve, single services, operator commands.
//!
//! Composition only: it reads settings, starts what is asked for, hands everything its dependencies
//! and stops it in the right order. It must not know what an event or a command means.

mod admin;
mod background_runtime;
mod check_config;
mod checks;
mod cli;
mod config;
mod copies;
mod data;
mod environment;
mod failure;
mod files;
mod first_screen;
mod keeping;
mod layers;
mod log_metrics;
mod memory;
mod names;
mod nats;
mod oidc;
mod operate;
mod owner;
mod pages;
mod private;
mod rate;
mod reference;
mod room;
mod said_secrets;
mod secret_file;
mod serve;
mod service_name;
mod services;
mod settings;
mod shared_deps;
mod signals;
mod single;
mod supervisor;
mod terminal;
mod traces;
mod watch;
mod written;

use std::process::ExitCode;

use clap::FromArgMatches as _;

use cli::{Cli, Command};
use config::Config;
use failure::Failure;

// Every message is made on one thread and freed on another, long after (docs/adr/0019-another-allocator.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    pages::take_small_ones();
    private::make_only_private_files();
    match run() {
        Ok(code) => code,
        Err(failure) => {
            terminal::complain(&failure.to_string());
            ExitCode::from(failure.code())
        }
    }
}

fn run() -> Result<ExitCode, Failure> {
    let definition = cli::definition();
    let unknown = environment::unknown(&definition);
    let matches = definition.get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    match &cli.command {
        Command::Defaults { reference: true } => {
            terminal::print(&reference::markdown())?;
            return Ok(ExitCode::SUCCESS);
        }
        Command::Defaults { reference: false } => {
            terminal::print(layers::DEFAULTS)?;
            return Ok(ExitCode::SUCCESS);
        }
        Command::CheckConfig(what) => {
            let (settings, file) = (cli.settings, cli.config.as_deref());
            let said = check_config::Said { settings, file, unknown };
            return check_config::run(what, &said, &matches);
        }
        _ => {}
    }
    let role = cli.command.role();
    let config = Config::load(cli.settings, cli.config.as_deref(), role)?;
    if cli.command.uses_data() {
        owner::not_another(&config.data)?;
    }
    let options = telemetry::Options {
        otlp_endpoint: config.traces.endpoint.clone(),
        otlp_protocol: config.traces.protocol,
        otlp_ca_file: config.traces.ca_file.clone(),
        trace_ratio: config.traces.ratio,
        log_filter: config.log.clone(),
        log_format: config.log_format,
    };
    let _telemetry = telemetry::init(role.name(), &options);
    // One that looks like no setting may well be another program's.
    for mistyped in unknown.iter().filter(|one| one.meant.is_some()) {
        tracing::warn!("{mistyped}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::because("the runtime cannot be started", &error))?;
    let done = runtime.block_on(dispatch(cli.command, config));
    // Blocking work (a hash being computed) must not hold up the end of the process.
    runtime.shutdown_background();
    done
}

async fn dispatch(command: Command, config: Config) -> Result<ExitCode, Failure> {
    match command {
        Command::Serve => Box::pin(serve::serve(config)).await.map(|()| ExitCode::SUCCESS),
        Command::Service(service) => {
            Box::pin(single::run(service, config)).await.map(|()| ExitCode::SUCCESS)
        }
        command => Box::pin(operate::run(command, config)).await,
    }
}
