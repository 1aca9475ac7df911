//! Commands of an operator.

use std::process::ExitCode;

use crate::cli::Command;
use crate::config::Config;
use crate::failure::Failure;

pub(crate) async fn run(_command: Command, _config: Config) -> Result<ExitCode, Failure> {
    Err(Failure::new("not wired"))
}
