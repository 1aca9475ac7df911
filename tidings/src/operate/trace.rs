//! `tidings trace`: the story of a message, from the log and the read store, without any collector of traces.
//!
//! What is told are types, places, times, users and traces. Texts are not: an operator who looks for a message need not
//! read it.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use eventlog::{DeadLetters, EventLog, Record};
use readmodel::{MessageDoc, ReadModel};
use schemas::{Event, MessageId, Sequence};
use serde_json::{Value, json};

use super::attach::Attached;
use crate::cli::Trace;
use crate::config::Config;
use crate::failure::Failure;
use crate::shared_deps::{connect_log, open_built_read_model};
use crate::terminal::{self, print, print_json};

/// Events read at once, and how long they are waited for.
const AT_ONCE: usize = 1_000;
const PATIENCE: Duration = Duration::from_secs(5);
const LETTERS: usize = 500;
/// Batches without anything, in a row, after which the log counts as out of reach.
const MAX_EMPTY: u32 = 12;

/// One thing that happened to the message, or because of it.
struct Step {
    sequence: Sequence,
    event: Event,
    /// Where in the log it is written: the subject of its lane.
    subject: String,
}

/// Tells the story; exit code 1 when neither the log nor the read store knows the message.
///
/// # Errors
/// An id that is none is a wrong call; the log or the read store cannot be read.
pub(crate) async fn run(
    what: Trace,
    config: &Config,
    attached: &Attached,
) -> Result<ExitCode, Failure> {
    let log = connect_log(attached.url(), "tidings trace", config).await?;
    log.attach().await.map_err(|error| Failure::because("the log cannot be read", &error))?;
    let read_model = open_built_read_model(config).await?;
    let document = document(&read_model, &what.message).await?;
    let from = document.as_ref().map_or(0, |document| document.posted.saturating_sub(1));
    let steps = steps(&log, &what.message, from).await?;
    let letters = log.dead_letters().await.map_err(|error| cannot(&error))?;
    let given_up = given_up(&letters, &steps).await?;
    let projected = read_model.current().checkpoint().await.map_err(|error| cannot(&error))?;
    let story =
        story(&log, &what.message, document.as_ref(), &steps, &given_up, projected.sequence);
    if what.output.json {
        print_json(&story)?;
    } else {
        print(&text(&story))?;
    }
    let is_known = document.is_some() || !steps.is_empty();
    Ok(if is_known { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn cannot(error: &dyn std::error::Error) -> Failure {
    Failure::because("the story cannot be read", error)
}

async fn document(
    read_model: &ReadModel,
    message: &MessageId,
) -> Result<Option<MessageDoc>, Failure> {
    read_model.current().message(message).await.map_err(|error| cannot(&error))
}

/// Every event that names the message, or was caused by one that does, up to where the log ends now.
async fn steps(log: &EventLog, message: &MessageId, from: Sequence) -> Result<Vec<Step>, Failure> {
    let mut reader = log.read_from(from).await.map_err(|error| cannot(&error))?;
    let bar = terminal::bar("reading the log");
    let (mut steps, mut causes) = (Vec::new(), HashSet::new());
    let (mut end, mut empty) = (None, 0);
    loop {
        let batch = reader.next(AT_ONCE, PATIENCE).await.map_err(|error| cannot(&error))?;
        let end = *end.get_or_insert(batch.head);
        bar.set_length(end.saturating_sub(from));
        bar.set_position(batch.through.saturating_sub(from));
        empty = if batch.records.is_empty() { empty + 1 } else { 0 };
        for record in &batch.records {
            steps.extend(step(record, message, &mut causes));
        }
        if batch.through >= end {
            bar.finish_and_clear();
            return Ok(steps);
        }
        if empty == MAX_EMPTY {
            return Err(Failure::new("the log cannot be reached"));
        }
    }
}

/// The step an event is, if it is one. Most events name neither the message nor a cause of the story, and are not
/// even parsed.
fn step(record: &Record, message: &MessageId, causes: &mut HashSet<String>) -> Option<Step> {
    let payload = String::from_utf8_lossy(&record.payload);
    let names_it = payload.contains(message.as_str());
    // One that cannot be read is told of by `readyz` and the metrics.
    let event = (names_it || payload.contains("\"causation\"")).then(|| record.event().ok())??;
    let caused = event.causation.as_ref().is_some_and(|cause| causes.contains(cause.as_str()));
    if !names_it && !caused {
        return None;
    }
    causes.insert(event.id.to_string());
    Some(Step { sequence: record.sequence, event, subject: record.subject.clone() })
}

/// The dead letters of these events: which event, who gave up, and why.
async fn given_up(letters: &DeadLetters, steps: &[Step]) -> Result<Vec<Value>, Failure> {
    let ids: HashSet<String> = steps.iter().map(|step| step.sequence.to_string()).collect();
    let (mut found, mut after) = (Vec::new(), 0);
    loop {
        let page = letters.list(after, LETTERS).await.map_err(|error| cannot(&error))?;
        let Some(last) = page.last() else { return Ok(found) };
        after = last.id;
        for letter in &page {
            if ids.contains(&letter.event.to_string()) {
                found.push(json!({
                    "dead_letter": letter.id,
                    "sequence": letter.event,
                    "subscriber": letter.consumer,
                    "reason": letter.reason,
                    "attempts": letter.attempts,
                }));
            }
        }
    }
}

fn story(
    log: &EventLog,
    message: &MessageId,
    document: Option<&MessageDoc>,
    steps: &[Step],
    given_up: &[Value],
    projected: Sequence,
) -> Value {
    let epoch = log.epoch();
    let steps: Vec<Value> = steps
        .iter()
        .map(|Step { sequence, event, subject }| {
            json!({
                "position": epoch.at(*sequence),
                "time": event.time,
                "type": event.data.type_name(),
                "actor": event.actor,
                "subject": subject,
                "event": event.id,
                "causation": event.causation,
                "traceparent": event.traceparent,
                "projected": *sequence <= projected,
            })
        })
        .collect();
    let document = document.map(|document| {
        json!({
            "room_id": document.room_id,
            "number": document.number,
            "sender_id": document.sender_id,
            "thread_root_id": document.thread_root_id,
            "posted": epoch.at(document.posted),
            "updated": epoch.at(document.updated),
            "created_at": document.created_at,
            "edited_at": document.edited_at,
            "deleted_at": document.deleted_at,
            "reply_count": document.reply_count,
        })
    });
    json!({
        "message_id": message,
        "projected": epoch.at(projected),
        "document": document,
        "events": steps,
        "dead_letters": given_up,
    })
}

fn text(story: &Value) -> String {
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut text = format!("{}\n", word(&story["message_id"]));
    for step in story["events"].as_array().into_iter().flatten() {
        let trace = step["traceparent"].as_str().and_then(|trace| trace.split('-').nth(1));
        let shown = if step["projected"] == true { "" } else { ", not projected yet" };
        let _ = writeln!(
            text,
            "{}  {:<24} by {}  at {}{}{shown}",
            word(&step["time"]),
            word(&step["type"]),
            word(&step["actor"]),
            word(&step["position"]),
            trace.map(|trace| format!("  trace {trace}")).unwrap_or_default(),
        );
    }
    match &story["document"] {
        Value::Null => {
            let _ = writeln!(
                text,
                "The read store has no such message, as of {}.",
                word(&story["projected"])
            );
        }
        document => {
            let state = match (&document["deleted_at"], &document["edited_at"]) {
                (Value::Null, Value::Null) => "as it was posted".to_owned(),
                (Value::Null, at) => format!("edited at {}", word(at)),
                (at, _) => format!("deleted at {}", word(at)),
            };
            let _ = writeln!(
                text,
                "The read store has it in {} as number {}, {state}.",
                word(&document["room_id"]),
                word(&document["number"]),
            );
        }
    }
    for letter in story["dead_letters"].as_array().into_iter().flatten() {
        let _ = writeln!(
            text,
            "{} gave up on event {}: {} (dead letter {})",
            word(&letter["subscriber"]),
            word(&letter["sequence"]),
            word(&letter["reason"]),
            word(&letter["dead_letter"]),
        );
    }
    text
}
