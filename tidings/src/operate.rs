//! Commands of an operator: each does its work and ends.

mod accept_loss;
mod admin;
mod backup;
mod dead_letters;
mod projection;
mod reach;

use std::process::ExitCode;

use crate::cli::{Admin, Command};
use crate::config::Config;
use crate::data::make_private;
use crate::failure::Failure;
use reach::Reached;

/// Runs one of them; the exit code is 1 when `verify` finds a difference.
///
/// # Errors
/// A wrong call, or something that did not work.
pub(crate) async fn run(command: Command, config: Config) -> Result<ExitCode, Failure> {
    let begins = matches!(command, Command::Admin { action: Admin::Create { .. } });
    // A wrong call is told before anything is made or reached.
    let act = match &command {
        Command::Admin { action } => Some(admin::Act::of(action)?),
        _ => None,
    };
    if begins || matches!(command, Command::Restore { .. }) {
        make_private(&config.data)
            .map_err(|error| Failure::because("the data folder cannot be made", &error))?;
    }
    let reached = Reached::reach(&config).await?;
    let done = match command {
        Command::DeadLetters { action } => dead_letters::run(action, &config, &reached).await,
        Command::Rebuild(what) => projection::rebuild(what, &config, &reached).await,
        Command::Verify(output) => projection::verify(output, &config, &reached).await,
        Command::Backup { folder, output } => {
            backup::backup(&folder, output, &config, &reached).await
        }
        Command::Restore { folder, output } => {
            backup::restore(&folder, output, &config, &reached).await
        }
        Command::AcceptLoss { drop, output } => {
            accept_loss::run(&drop, output, &config, &reached).await
        }
        Command::Admin { .. } => match act {
            Some(act) => admin::run(act, &config, &reached).await,
            None => Err(Failure::wrong_call("not an act on accounts")),
        },
        _ => Err(Failure::wrong_call("not an operator's command")),
    };
    reached.leave().await;
    done
}
