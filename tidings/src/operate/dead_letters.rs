//! `tidings dead-letters`: what the notifier gave up on.

use std::fmt::Write;
use std::process::ExitCode;

use eventlog::{DeadLetter, DeadLetters, Stored};
use serde_json::{Value, json};

use super::attach::Attached;
use crate::cli::{DeadLetters as Action, Output};
use crate::config::Config;
use crate::failure::Failure;
use crate::shared_deps::connect_log;
use crate::terminal::{print, print_json};

const PAGE: usize = 500;

/// Lists, shows or re-drives.
///
/// # Errors
/// The log cannot be reached, or there is no such letter.
pub(crate) async fn run(
    action: Action,
    config: &Config,
    attached: &Attached,
) -> Result<ExitCode, Failure> {
    let log = connect_log(attached.url(), "tidings dead-letters", config).await?;
    log.attach().await.map_err(|error| Failure::because("the log cannot be read", &error))?;
    let letters = log.dead_letters().await.map_err(|error| cannot(&error))?;
    match action {
        Action::List(output) => list(&letters, output).await?,
        Action::Show { id, output } => show(&letters, id, output).await?,
        Action::Redrive { id: Some(id), output, .. } => {
            redrive(&letters, id).await?;
            report(&[id], output)?;
        }
        Action::Redrive { id: None, output, .. } => {
            let mut done = Vec::new();
            for letter in all(&letters).await? {
                redrive(&letters, letter.id).await?;
                done.push(letter.id);
            }
            report(&done, output)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn cannot(error: &dyn std::error::Error) -> Failure {
    Failure::because("the dead letters cannot be read", error)
}

async fn all(letters: &DeadLetters) -> Result<Vec<DeadLetter>, Failure> {
    let mut found = Vec::new();
    loop {
        let after = found.last().map_or(0, |letter: &DeadLetter| letter.id);
        let page = letters.list(after, PAGE).await.map_err(|error| cannot(&error))?;
        let more = page.len() == PAGE;
        found.extend(page);
        if !more {
            return Ok(found);
        }
    }
}

async fn list(letters: &DeadLetters, output: Output) -> Result<(), Failure> {
    let found = all(letters).await?;
    if output.json {
        return print_json(&json!({ "items": found }));
    }
    if found.is_empty() {
        return print("no dead letters\n");
    }
    let mut table = String::from("    id  given up at               tries  event     who: why\n");
    for letter in found {
        let DeadLetter { id, consumer, event, reason, attempts, at } = letter;
        // Writing to a String cannot fail.
        let _ = writeln!(table, "{id:>6}  {at}  {attempts:>5}  {event:<8}  {consumer}: {reason}");
    }
    print(&table)
}

async fn show(letters: &DeadLetters, id: u64, output: Output) -> Result<(), Failure> {
    let (letter, event) =
        letters.get(id).await.map_err(|error| cannot(&error))?.ok_or_else(|| missing(id))?;
    let whole = json!({ "letter": letter, "event": event.as_ref().map(readable) });
    if output.json {
        return print_json(&whole);
    }
    let mut text = serde_json::to_string_pretty(&whole).map_err(|error| cannot(&error))?;
    text.push('\n');
    print(&text)
}

/// An event as JSON; one that is not JSON (that may be why it was given up) as text.
fn readable(event: &Stored) -> Value {
    serde_json::from_slice(&event.payload)
        .unwrap_or_else(|_| String::from_utf8_lossy(&event.payload).into())
}

async fn redrive(letters: &DeadLetters, id: u64) -> Result<(), Failure> {
    match letters.redrive(id).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(missing(id)),
        Err(error) => Err(Failure::because("the letter cannot be handed over again", &error)),
    }
}

fn missing(id: u64) -> Failure {
    Failure::new(format!("there is no dead letter {id}"))
}

fn report(done: &[u64], output: Output) -> Result<(), Failure> {
    if output.json {
        return print_json(&json!({ "redriven": done }));
    }
    print(&format!("{} handed to the notifier again\n", done.len()))
}
