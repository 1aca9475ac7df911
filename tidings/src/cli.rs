//! The command line.

use std::path::PathBuf;

use clap::builder::Resettable;
use clap::{CommandFactory as _, Parser, Subcommand};
use schemas::MessageId;

use crate::service_name::ServiceName;
use crate::settings::Settings;

/// What `--help` calls the settings, which every command takes, to tell them from the flags of its own.
const SETTINGS: &str = "Settings (docs/CONFIGURATION.md)";

/// Self-hosted, event-sourced chat.
#[derive(Debug, Parser)]
#[command(name = "tidings", version, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// A file of settings; flags and environment win over it
    #[arg(long, env = "TIDINGS_CONFIG", value_name = "FILE", global = true, help_heading = SETTINGS)]
    pub(crate) config: Option<PathBuf>,

    #[command(flatten, next_help_heading = SETTINGS)]
    pub(crate) settings: Settings,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run everything in one process, with a private nats-server
    Serve,
    #[command(flatten)]
    Service(ServiceName),
    /// Build the read model anew from the log, beside the live one, and switch to it
    Rebuild(Rebuild),
    /// Compare the read model with one built fresh from the log; exit code 1 when they differ
    Verify(Output),
    /// Tell the story of a message: every event about it with its trace, what the read store has, and what was given up;
    /// exit code 1 when it is not known. Texts are not shown
    Trace(Trace),
    /// Move messages to the archive now that are older than their rooms keep them at hand, or show what would move; by the
    /// settings of this call
    Retention(Retention),
    /// Look at and re-drive what the notifier gave up on
    DeadLetters {
        #[command(subcommand)]
        action: DeadLetters,
    },
    /// Copy the log, secrets, media and keys into a new folder, while everything runs
    Backup {
        /// The folder to make
        folder: PathBuf,
        /// Copy only what came after an earlier backup: its folder, or the position it ends at (which copies media
        /// whole). Of the log and of media that is what was added, and what of everything before is gone
        #[arg(long, value_name = "FOLDER|POSITION")]
        since: Option<String>,
        #[command(flatten)]
        output: Output,
    },
    /// Bring a backup back into an empty data folder (or an empty namespace at --nats-url)
    Restore {
        /// The folder that `backup` made, and the folders of `backup --since` after it, the oldest first
        #[arg(value_name = "FOLDER", required = true)]
        folders: Vec<PathBuf>,
        /// Restore nothing: look whether the folders are whole and fit together
        #[arg(long)]
        check: bool,
        #[command(flatten)]
        output: Output,
    },
    /// Go on with a log of which events are lost: notes what is missing and gives its positions another
    /// epoch; clients load anew. Stop everything else first
    AcceptLoss {
        /// Also delete the event with this sequence, which no version can read; may be repeated
        #[arg(long, value_name = "SEQUENCE")]
        drop: Vec<u64>,
        #[command(flatten)]
        output: Output,
    },
    /// Make admins, and give accounts another password
    Admin {
        #[command(subcommand)]
        action: Admin,
    },
    /// Close an account for good and erase its user's data; the running service does it, or the next that runs
    Erase {
        /// Its username, e-mail address or id
        user: String,
        #[command(flatten)]
        output: Output,
    },
    /// Look after the keys that sign sessions
    Keys {
        #[command(subcommand)]
        action: Keys,
    },
    /// Make the streams and buckets at --nats-url that are missing, so that no service needs the right to
    /// (deploy/nats/accounts.conf). Again after an upgrade
    PrepareNats(Output),
    /// Print every setting with its default, as a file to start from
    Defaults {
        /// As docs/CONFIGURATION.md: every setting and every flag, in Markdown
        #[arg(long)]
        reference: bool,
    },
    /// Check flags, environment and files, and print what a process would run with, secrets hidden; exit code 2 when
    /// something is wrong. Nothing is started or made
    CheckConfig(CheckConfig),
}

/// The definition of the command line. A variable that is empty is one that is not set, whatever would stand in it: that is
/// how a shell or a compose file unsets one.
pub(crate) fn definition() -> clap::Command {
    Cli::command().mut_args(|arg| {
        let said = arg.get_env().and_then(std::env::var_os);
        if said.is_some_and(|said| said.is_empty()) { arg.env(Resettable::Reset) } else { arg }
    })
}

/// How an operator command answers.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Output {
    /// Answer in JSON on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

/// What to check the settings for.
#[derive(Debug, clap::Args)]
pub(crate) struct CheckConfig {
    /// The process that would run with them
    #[arg(
        value_name = "PROCESS",
        default_value = "serve",
        value_parser = ["serve", "gateway", "auth-svc", "chat-svc", "projector", "notifier"]
    )]
    pub(crate) process: String,
    #[command(flatten)]
    pub(crate) output: Output,
}

impl CheckConfig {
    /// What kind of process that is.
    pub(crate) fn role(&self) -> Role {
        match self.process.as_str() {
            "gateway" => Role::Service(ServiceName::Gateway),
            "auth-svc" => Role::Service(ServiceName::AuthSvc),
            "chat-svc" => Role::Service(ServiceName::ChatSvc),
            "projector" => Role::Service(ServiceName::Projector),
            "notifier" => Role::Service(ServiceName::Notifier),
            _ => Role::Serve,
        }
    }
}

/// Of which message.
#[derive(Debug, clap::Args)]
pub(crate) struct Trace {
    /// Its id
    #[arg(value_name = "MESSAGE")]
    pub(crate) message: MessageId,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// What to do with old messages.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Retention {
    /// Change nothing: say what would move, or be purged with `--retention purge`
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// What to rebuild.
#[derive(Debug, clap::Args)]
pub(crate) struct Rebuild {
    /// Stop at this time (RFC 3339) or position (epoch:sequence): a snapshot of the past under
    /// another name; the live read model stays as it is
    #[arg(long, value_name = "TIME|POSITION")]
    pub(crate) until: Option<String>,

    #[command(flatten)]
    pub(crate) output: Output,
}

/// What to do with dead letters.
#[derive(Debug, Subcommand)]
pub(crate) enum DeadLetters {
    /// List them, oldest first
    List(Output),
    /// Show one whole
    Show {
        /// Its number in the list
        id: u64,
        #[command(flatten)]
        output: Output,
    },
    /// Hand one, or all, to the notifier again
    Redrive {
        /// Its number in the list
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        id: Option<u64>,
        /// Every one of them
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        output: Output,
    },
}

/// What to do with accounts.
#[derive(Debug, Subcommand)]
pub(crate) enum Admin {
    /// Make an account that is an admin's
    Create {
        /// Its username
        #[arg(long, value_name = "NAME")]
        username: String,
        /// Its e-mail address
        #[arg(long, value_name = "ADDRESS")]
        email: String,
        #[command(flatten)]
        password: PasswordFrom,
        #[command(flatten)]
        output: Output,
    },
    /// Make an admin of an account that exists
    Promote {
        /// Its username, e-mail address or id
        user: String,
        #[command(flatten)]
        output: Output,
    },
    /// Give an account another password and end all its sessions
    ResetPassword {
        /// Its username, e-mail address or id
        user: String,
        #[command(flatten)]
        password: PasswordFrom,
        #[command(flatten)]
        output: Output,
    },
}

/// What to do with the signing keys.
#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Keys {
    /// Add a key that signs from now on. Running servers see it within seconds; tokens of the former key stay
    /// good until they expire, and no user is logged out
    Rotate(Output),
}

/// Where a password comes from.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct PasswordFrom {
    /// Read the password from standard input, one line; without this one is made and printed
    #[arg(long)]
    pub(crate) password_stdin: bool,
}

/// What kind of process a command makes; settings are judged by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Everything in one process.
    Serve,
    /// One service.
    Service(ServiceName),
    /// A command that does its work and ends.
    Operator,
}

impl Role {
    /// Whether it is one service alone, which needs servers that run already.
    pub(crate) const fn is_separate(self) -> bool {
        matches!(self, Self::Service(_))
    }

    /// Whether clients connect to it.
    pub(crate) const fn is_public(self) -> bool {
        matches!(self, Self::Serve | Self::Service(ServiceName::Gateway))
    }

    /// The name of the process in logs and traces.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Serve | Self::Operator => "tidings",
            Self::Service(service) => service.as_str(),
        }
    }
}

impl Command {
    /// Whether it may make something in the data folder.
    pub(crate) const fn uses_data(&self) -> bool {
        !matches!(self, Self::Restore { check: true, .. } | Self::PrepareNats(_))
    }

    /// What kind of process it makes.
    pub(crate) const fn role(&self) -> Role {
        match self {
            Self::Serve => Role::Serve,
            Self::Service(service) => Role::Service(*service),
            Self::Rebuild(_)
            | Self::Verify(_)
            | Self::Trace(_)
            | Self::Retention(_)
            | Self::DeadLetters { .. }
            | Self::Backup { .. }
            | Self::Restore { .. }
            | Self::AcceptLoss { .. }
            | Self::Admin { .. }
            | Self::Keys { .. }
            | Self::PrepareNats(_)
            | Self::CheckConfig(_)
            | Self::Erase { .. }
            | Self::Defaults { .. } => Role::Operator,
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_definition_is_consistent() {
        super::definition().debug_assert();
    }

    #[test]
    fn help_shows_what_a_command_takes_itself_before_the_settings() {
        let mut definition = super::definition();
        definition.build();
        let backup = definition.find_subcommand_mut("backup").unwrap();
        let help = backup.render_help().to_string();
        let (own, settings) = help.split_once(super::SETTINGS).unwrap();
        assert!(own.contains("--since") && own.contains("--json"), "{help}");
        assert!(!own.contains("--listen") && settings.contains("--listen"), "{help}");
    }
}
