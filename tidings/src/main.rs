//! The one binary: serve, single services, operator commands.
//!
//! Composition only: it reads settings, starts what is asked for, hands everything its dependencies
//! and stops it in the right order. It must not know what an event or a command means.

mod admin;
mod background_runtime;
mod checks;
mod cli;
mod config;
mod data;
mod failure;
mod first_screen;
mod memory;
mod names;
mod nats;
mod operate;
mod private;
mod rate;
mod room;
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
mod watch;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};
use config::Config;
use failure::Failure;

// Every message is made on one thread and freed on another, long after (docs/adr/0019-another-allocator.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    private::make_only_private_files();
    match run(Cli::parse()) {
        Ok(code) => code,
        Err(failure) => {
            terminal::complain(&failure.to_string());
            ExitCode::from(failure.code())
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode, Failure> {
    if matches!(cli.command, Command::Defaults) {
        terminal::print(config::DEFAULTS)?;
        return Ok(ExitCode::SUCCESS);
    }
    let role = cli.command.role();
    let config = Config::load(cli.settings, cli.config.as_deref(), role)?;
    let options = telemetry::Options {
        otlp_endpoint: config.otlp_endpoint.clone(),
        log_filter: config.log.clone(),
        log_format: config.log_format,
    };
    let _telemetry = telemetry::init(role.name(), &options);
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
