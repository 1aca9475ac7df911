//! `tidings prepare-nats`: makes the streams and buckets at a NATS server of one's own, so that no service needs the
//! right to.
//!
//! A stream can be told to copy another one, so a service that makes streams can read everything: with
//! deploy/nats/accounts.conf only the operator may. Services check what they find by the same rules.

use std::error::Error;
use std::process::ExitCode;

use eventlog::{EventLog, Topology};
use serde_json::json;

use crate::cli::Output;
use crate::config::Config;
use crate::copies;
use crate::failure::Failure;
use crate::shared_deps::connect_log;
use crate::terminal::{print, print_json, waiting};

/// Every bucket that services keep something in, by name. tools/check-nats-accounts compares it with the code.
const BUCKETS: &[&str] = &[
    "ledger",
    "store_probe",
    "credentials",
    "sessions",
    "user_sessions",
    "tickets",
    "admins",
    "challenges",
    "codes",
    "second_factors",
    "attempts",
    "devices",
    "oidc_logins",
    "oidc_codes",
    "holds",
    "erasures",
    "turns",
    "leases",
    "retention",
    "effects",
    "digests",
    "idempotency",
    "links",
];
/// The bucket of files.
const FILES: &str = "media";

/// Makes what is missing and checks what is there; answers with the names of what was made.
///
/// # Errors
/// No server is named, it cannot be reached, the user may not do it, or a stream is there that Tidings did not make.
pub(crate) async fn run(output: Output, config: &Config) -> Result<ExitCode, Failure> {
    let Some(url) = &config.nats_url else {
        let text = "prepare-nats is for a server at --nats-url; a private one needs no preparation";
        return Err(Failure::wrong_call(text));
    };
    let log = connect_log(url, "tidings prepare-nats", config).await?;
    let before = log.streams().await.map_err(|error| not_prepared(&error))?;
    make(&log, config.replicas).await?;
    let copies = log.copies();
    let spinner = waiting("making copies");
    let raised = log.raise_copies(copies, copies::say).await;
    spinner.finish_and_clear();
    let raised = raised.map_err(|error| Failure::new(copies::not_raised(copies, &error)))?;
    let raised: Vec<&str> = raised.iter().map(|raised| raised.stream.as_str()).collect();
    let streams = log.streams().await.map_err(|error| not_prepared(&error))?;
    let made: Vec<&str> = streams
        .iter()
        .map(String::as_str)
        .filter(|name| !before.iter().any(|b| b == name))
        .collect();
    if output.json {
        let (made, raised) = (&made, &raised);
        let all = json!({ "made": made, "raised": raised, "copies": copies, "streams": streams });
        print_json(&all)?;
        return Ok(ExitCode::SUCCESS);
    }
    if made.is_empty() {
        print("made nothing: all were there\n")?;
    } else {
        print(&format!("made {}\n", made.join(", ")))?;
    }
    if !raised.is_empty() {
        print(&format!("raised to {copies} copies: {}\n", raised.join(", ")))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn make(log: &EventLog, replicas: u8) -> Result<(), Failure> {
    let topology = Topology { replicas, ..Topology::default() };
    log.ensure_topology(&topology).await.map_err(|error| not_prepared(&error))?;
    log.dead_letters().await.map_err(|error| not_prepared(&error))?;
    for bucket in BUCKETS.iter().copied() {
        log.secrets(bucket).prepare().await.map_err(|error| not_prepared(&error))?;
    }
    log.pieces(FILES).prepare().await.map_err(|error| not_prepared(&error))
}

fn not_prepared(error: &dyn Error) -> Failure {
    Failure::because("the NATS server cannot be prepared", error)
}
