//! `tidings rebuild` and `tidings verify`.

use std::fmt::Write;
use std::process::ExitCode;

use eventlog::EventLog;
use indicatif::ProgressBar;
use projector::{
    Difference, DifferenceKind, Phase, Progress, ProjectError, RebuildOptions, Rebuilt, Until,
    Unverified, Verified,
};
use serde_json::{Value, json};

use super::attach::Attached;
use crate::cli::{Output, Rebuild};
use crate::config::Config;
use crate::failure::Failure;
use crate::shared_deps::{connect_log, open_built_read_model, open_read_model};
use crate::terminal::{self, print, print_json};

/// Builds the read model anew, or a snapshot of the past.
///
/// # Errors
/// A time or position that makes no sense is a wrong call; the rest did not work.
pub(crate) async fn rebuild(
    what: Rebuild,
    config: &Config,
    attached: &Attached,
) -> Result<ExitCode, Failure> {
    let until =
        what.until.as_deref().map(Until::parse).transpose().map_err(|error| failed(&error))?;
    let log = open_log(config, attached).await?;
    let read_model = open_read_model(config).await?;
    let bar = terminal::bar("rebuilding");
    let options = RebuildOptions { until };
    let built = projector::rebuild(&log, &read_model, &options, &|progress| show(&bar, progress))
        .await
        .map_err(|error| failed(&error))?;
    bar.finish_and_clear();
    report_built(&built, what.output)?;
    Ok(ExitCode::SUCCESS)
}

fn report_built(built: &Rebuilt, output: Output) -> Result<(), Failure> {
    let Rebuilt { generation, location, position, switched, took } = built;
    if output.json {
        return print_json(&json!({
            "generation": generation,
            "location": location,
            "position": position,
            "switched": switched,
            "seconds": took.as_secs_f64(),
        }));
    }
    let now = if *switched { "it is the live one now" } else { "a snapshot" };
    print(&format!("generation {generation} at {position}, {now}: {location}\n"))
}

/// Compares the read model with the log; exit code 1 when they differ, or when part of it could not be compared.
///
/// # Errors
/// The comparison cannot be made.
pub(crate) async fn verify(
    output: Output,
    config: &Config,
    attached: &Attached,
) -> Result<ExitCode, Failure> {
    let log = open_log(config, attached).await?;
    // The log in a folder that was restored has no read model beside it before its first start, and nothing differs. Another
    // server's log with nothing here is another matter: the read model is elsewhere.
    let read_model = match config.nats_url {
        None => open_read_model(config).await?,
        Some(_) => open_built_read_model(config).await?,
    };
    let bar = terminal::bar("verifying");
    let found = projector::verify(&log, &read_model, &|progress| show(&bar, progress))
        .await
        .map_err(|error| failed(&error))?;
    bar.finish_and_clear();
    if output.json {
        print_json(&verified_json(&found))?;
    } else {
        print(&verified_text(&found))?;
    }
    Ok(if found.clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn open_log(config: &Config, attached: &Attached) -> Result<EventLog, Failure> {
    let log = connect_log(attached.url(), "tidings operator", config).await?;
    log.attach().await.map_err(|error| Failure::because("the log cannot be read", &error))?;
    Ok(log)
}

fn failed(error: &ProjectError) -> Failure {
    match error {
        ProjectError::Refused(why) => Failure::wrong_call(why.as_str()),
        error => Failure::because("the log was not projected", error),
    }
}

fn show(bar: &ProgressBar, progress: Progress) {
    bar.set_message(match progress.phase {
        Phase::Build => "projecting the log",
        Phase::CatchUp => "catching up",
        Phase::Compare => "comparing",
    });
    bar.set_length(progress.total);
    bar.set_position(progress.done);
}

fn verified_json(found: &Verified) -> Value {
    let collections: Vec<Value> = found
        .collections
        .iter()
        .map(|count| {
            json!({
                "collection": count.collection.as_str(),
                "documents": count.documents,
                "differing": count.differing,
            })
        })
        .collect();
    let differences: Vec<Value> = found.differences.iter().map(difference_json).collect();
    let unverified = found.unverified.iter().map(|one| {
        json!({
            "group": one.group.as_str(),
            "through": one.through,
            "reason": one.reason,
        })
    });
    let unverified: Vec<Value> = unverified.collect();
    json!({
        "clean": found.clean(),
        "generation": found.generation,
        "position": found.position,
        "collections": collections,
        "differences": differences,
        "index": { "blocks": found.index.blocks, "differing": found.index.differing },
        "unverified": unverified,
    })
}

fn difference_json(difference: &Difference) -> Value {
    let (kind, fields) = match &difference.kind {
        DifferenceKind::Missing => ("missing", &[][..]),
        DifferenceKind::Unexpected => ("unexpected", &[][..]),
        DifferenceKind::Changed(fields) => ("changed", fields.as_slice()),
    };
    json!({
        "collection": difference.collection.as_str(),
        "key": difference.key,
        "kind": kind,
        "fields": fields,
    })
}

fn verified_text(found: &Verified) -> String {
    let mut text = format!("generation {} at {}\n", found.generation, found.position);
    // Writing to a String cannot fail.
    for count in &found.collections {
        let name = count.collection.as_str();
        let _ = writeln!(text, "{name:<16} {:>10} {:>6} differ", count.documents, count.differing);
    }
    let (blocks, differing) = (found.index.blocks, found.index.differing.len());
    let _ = writeln!(text, "{:<16} {blocks:>10} {differing:>6} differ", "index blocks");
    for difference in &found.differences {
        let (name, key) = (difference.collection.as_str(), &difference.key);
        let _ = match &difference.kind {
            DifferenceKind::Missing => writeln!(text, "{name} {key}: missing"),
            DifferenceKind::Unexpected => writeln!(text, "{name} {key}: should not be there"),
            DifferenceKind::Changed(fields) => {
                writeln!(text, "{name} {key}: {}", fields.join(", "))
            }
        };
    }
    for Unverified { group, through, reason } in &found.unverified {
        let group = group.as_str();
        let _ = writeln!(text, "{group} stand: verified up to {through} and no further: {reason}");
    }
    text.push_str(match (found.matching(), found.unverified.is_empty()) {
        (true, true) => "clean\n",
        (true, false) => "NOT VERIFIED: some views stand; what they have is clean\n",
        (false, _) => "NOT CLEAN\n",
    });
    text
}
