//! (e) and (i): building the read model from the log, and starting with it in place.

use std::time::{Duration, Instant};

use tokio::process::Command;

use super::{Question, Rows, Scale};
use crate::baseline::replay;
use crate::load;
use crate::report::Goal;
use crate::seed;
use crate::servers::{self, Outcome, STREAM, Tidings, unexpected};

/// Runs `tidings rebuild` against a running server and returns the seconds from the first event until the new read
/// model is in use, as the command reports them: without the start of the process, which the baseline does not have
/// either, and without the seconds for which the old read model goes on answering.
async fn rebuild(server: &Tidings, read_model: &str) -> Outcome<f64> {
    let output = Command::new(&server.program)
        .args(["rebuild", "--json", "--read-model", read_model, "--data"])
        .arg(server.running.folder.path())
        .output()
        .await?;
    if !output.status.success() {
        return Err(unexpected(String::from_utf8_lossy(&output.stderr)));
    }
    let built: serde_json::Value = serde_json::from_slice(&output.stdout).map_err(unexpected)?;
    built
        .get("seconds")
        .and_then(serde_json::Value::as_f64)
        .ok_or_else(|| unexpected("rebuild does not say how long it took"))
}

/// (e): events projected per second, against raw ordered consumption of the same stream, and for MongoDB
/// also against raw `insertMany` of as many documents.
pub(crate) async fn projection(scale: Scale<'_>) -> Rows {
    let count = scale.of(200_000);
    let mongo = servers::mongo().await?;
    let server = servers::tidings(scale.build, &["--sync", "2m"]).await?;
    let posters = load::posters(&server, "e", 16).await?;
    seed::messages(&server, &posters, 0, count).await?;
    let with_mongo =
        servers::tidings(scale.build, &["--sync", "2m", "--read-model", &mongo.url]).await?;
    let mongo_posters = load::posters(&with_mongo, "em", 16).await?;
    seed::messages(&with_mongo, &mongo_posters, 0, count).await?;
    let (mut sqlite, mut in_mongo, mut inserts) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..scale.rounds {
        scale.turn.next(&[&server, &with_mongo]).await;
        let raw = replay::ordered(&server.nats_url()?, STREAM).await?;
        sqlite.push((count as f64 / rebuild(&server, "sqlite").await?, raw));
        let ours = count as f64 / rebuild(&with_mongo, &mongo.url).await?;
        let raw = replay::ordered(&with_mongo.nats_url()?, STREAM).await?;
        in_mongo.push((ours, raw));
        inserts.push((ours, replay::insert_many(&mongo.url, count).await?));
    }
    let question = |store: &str, against: &str, goal| Question {
        name: format!("(e) rebuild of {count} messages, {store}"),
        unit: "events/s",
        against: against.to_owned(),
        goal,
    };
    let raw = "raw ordered consumption with JSON decode";
    Ok(vec![
        question("SQLite", raw, Goal::AtLeast(0.35)).answered(sqlite),
        question("MongoDB", raw, Goal::AtLeast(0.10)).answered(in_mongo),
        question("MongoDB", "raw insertMany of 1,000", Goal::None).answered(inserts),
    ])
}

/// (i): the time to start with the read model in place, from the start of the process to `/readyz`, against
/// building the read model anew from the log.
pub(crate) async fn restart(scale: Scale<'_>) -> Rows {
    let count = scale.of(1_000_000);
    let mut server = servers::tidings(scale.build, &["--sync", "2m"]).await?;
    let posters = load::posters(&server, "i", 16).await?;
    seed::messages(&server, &posters, 0, count).await?;
    let mut rounds = Vec::new();
    for _ in 0..scale.rounds {
        scale.turn.next(&[&server]).await;
        let cold = rebuild(&server, "sqlite").await?;
        server.running.stop().await;
        let folder = std::mem::replace(&mut server.running.folder, tempfile::tempdir()?);
        let started = Instant::now();
        server = servers::tidings_in(scale.build, folder, &["--sync", "2m"]).await?;
        ready(&server).await?;
        rounds.push((started.elapsed().as_secs_f64(), cold));
    }
    let question = Question {
        name: format!("(i) restart over {count} messages"),
        unit: "s",
        against: "rebuild of the read model from the log".into(),
        goal: Goal::AtMost(0.05),
    };
    Ok(vec![question.answered(rounds)])
}

/// Waits until `/readyz` of a server is 200, the projection included.
async fn ready(server: &Tidings) -> Outcome<()> {
    let deadline = Instant::now() + Duration::from_secs(60);
    while Instant::now() < deadline {
        let answer = reqwest::get(format!("{}/readyz", server.http)).await.map_err(unexpected)?;
        if answer.status().is_success() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Err(unexpected("not ready within a minute"))
}
