//! Commands of an operator: each does its work and ends.

mod accept_loss;
mod admin;
mod attach;
mod backup;
mod backup_folder;
mod chain;
mod copying;
mod dead_letters;
mod file_sum;
mod key_files;
mod keys;
mod messages_file;
mod prepare;
mod projection;
mod restore;
mod retention;
mod trace;

use std::path::PathBuf;
use std::process::ExitCode;

use crate::cli::{Command, DeadLetters, Output, Rebuild, Retention, Trace};
use crate::config::Config;
use crate::data::make_private;
use crate::failure::Failure;
use admin::Act;
use attach::Attached;
use restore::Restore;

/// A command that has been checked: a wrong call is told before anything is made or attached to.
enum Job {
    DeadLetters(DeadLetters),
    Rebuild(Rebuild),
    Verify(Output),
    Trace(Trace),
    Retention(Retention),
    Backup { folder: PathBuf, since: Option<String>, output: Output },
    AcceptLoss { drop: Vec<u64>, output: Output },
    Admin(Act),
}

impl Job {
    /// Checks a command; reads or makes the password of one that takes one.
    ///
    /// # Errors
    /// A wrong call, or a command that is no operator's.
    fn checked(command: Command) -> Result<Self, Failure> {
        Ok(match command {
            Command::DeadLetters { action } => Self::DeadLetters(action),
            Command::Rebuild(what) => Self::Rebuild(what),
            Command::Verify(output) => Self::Verify(output),
            Command::Trace(what) => Self::Trace(what),
            Command::Retention(action) => Self::Retention(action),
            Command::Backup { folder, since, output } => Self::Backup { folder, since, output },
            Command::AcceptLoss { drop, output } => Self::AcceptLoss { drop, output },
            Command::Admin { action } => Self::Admin(Act::of(action)?),
            Command::Erase { user, output } => Self::Admin(Act::Erase { user, output }),
            Command::Serve
            | Command::Service(_)
            | Command::Restore { .. }
            | Command::Keys { .. }
            | Command::PrepareNats(_)
            | Command::CheckConfig(_)
            | Command::Defaults { .. } => {
                return Err(Failure::wrong_call("not an operator's command"));
            }
        })
    }

    /// Whether it may be the first command of an installation, whose data folder is not there yet.
    const fn begins(&self) -> bool {
        matches!(self, Self::Admin(Act::Create { .. }))
    }
}

/// Runs one of them; the exit code is 1 when `verify` finds a difference.
///
/// # Errors
/// A wrong call, or something that did not work.
pub(crate) async fn run(command: Command, config: Config) -> Result<ExitCode, Failure> {
    // Keys are files: no server is needed for them.
    if let Command::Keys { action } = command {
        return keys::run(action, &config);
    }
    // A backup is looked at before anything is made or attached to.
    if let Command::Restore { folders, check, output } = command {
        return restore::run(Restore { folders, check, output }, &config).await;
    }
    if let Command::PrepareNats(output) = command {
        return prepare::run(output, &config).await;
    }
    let job = Job::checked(command)?;
    if job.begins() {
        make_private(&config.data)
            .map_err(|error| Failure::because("the data folder cannot be made", &error))?;
    }
    let attached = Attached::to(&config).await?;
    let (config, log) = (&config, &attached);
    let done = match job {
        Job::DeadLetters(action) => dead_letters::run(action, config, log).await,
        Job::Rebuild(what) => projection::rebuild(what, config, log).await,
        Job::Verify(output) => projection::verify(output, config, log).await,
        Job::Trace(what) => trace::run(what, config, log).await,
        Job::Retention(action) => retention::run(action, config, log).await,
        Job::Backup { folder, since, output } => {
            backup::backup((&folder, since.as_deref()), output, config, log).await
        }
        Job::AcceptLoss { drop, output } => accept_loss::run(&drop, output, config, log).await,
        Job::Admin(act) => admin::run(act, config, log).await,
    };
    attached.detach().await;
    done
}
