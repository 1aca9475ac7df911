//! `tidings accept-loss`: the operator's word that what is missing in the log is lost.

use std::process::ExitCode;

use serde_json::json;

use super::attach::Attached;
use crate::cli::Output;
use crate::config::Config;
use crate::failure::Failure;
use crate::shared_deps::connect_log;
use crate::terminal::{self, print, print_json};

/// Reads the whole log, notes what is missing in it and gives it another epoch.
///
/// # Errors
/// The log cannot be read or changed.
pub(crate) async fn run(
    drop: &[u64],
    output: Output,
    config: &Config,
    attached: &Attached,
) -> Result<ExitCode, Failure> {
    let failed = |error| Failure::because("the log cannot be mended", &error);
    if attached.beside_serve(config) {
        return Err(Failure::wrong_call(
            "stop `tidings serve` first: it goes on from what is lost",
        ));
    }
    let log = connect_log(attached.url(), "tidings accept-loss", config).await?;
    log.attach().await.map_err(failed)?;
    let spinner = terminal::waiting("reading the whole log");
    let loss = log.accept_loss(drop).await.map_err(failed)?;
    spinner.finish_and_clear();
    if output.json {
        print_json(&json!(loss))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = String::new();
    // What was erased or purged is not lost: the log knows of it.
    let end = (loss.reached > loss.head).then(|| (loss.head + 1, loss.reached));
    let lost: Vec<_> = loss.lost.ranges().iter().copied().chain(end).collect();
    for (first, last) in &lost {
        text.push_str(&format!("lost: events {first} to {last}\n"));
    }
    if lost.is_empty() {
        text.push_str("nothing is lost\n");
    }
    let at = loss.epoch.at(loss.head);
    text.push_str(&format!("the log goes on from {at}; start everything again\n"));
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}
