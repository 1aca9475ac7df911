//! (p): moving old messages to the archive, and what chat notices of it.

use std::path::PathBuf;
use std::time::Instant;

use tokio::process::Command;

use super::growth::wait_until_projected;
use super::{Question, Rows, Scale};
use crate::load::{self, Pace, Poster};
use crate::report::{Goal, percentile};
use crate::seed;
use crate::servers::{self, Outcome, Tidings, unexpected};

/// Messages that move in each round, in the full size.
const MESSAGES: usize = 100_000;
/// Rooms they are in.
const ROOMS: usize = 16;
/// What moves is as old as this; a day of retention is as long.
const DAY: &str = "1s";

/// Makes a pass; messages moved, and the seconds it took.
async fn pass(program: PathBuf, data: PathBuf) -> Outcome<(f64, f64)> {
    let started = Instant::now();
    let output = Command::new(program)
        .args(["retention", "--json", "--retention-days", "1", "--retention-day", DAY, "--data"])
        .arg(data)
        .output()
        .await?;
    let took = started.elapsed().as_secs_f64();
    if !output.status.success() {
        return Err(unexpected(String::from_utf8_lossy(&output.stderr)));
    }
    let made: serde_json::Value = serde_json::from_slice(&output.stdout).map_err(unexpected)?;
    let moved = made.get("messages").and_then(serde_json::Value::as_u64);
    Ok((moved.ok_or_else(|| unexpected("it does not say how many moved"))? as f64, took))
}

/// Chats until a pass has ended: what the pass did, and the seconds from sending to delivery.
async fn chat_meanwhile(
    server: &Tidings,
    chatting: &[Poster],
    tag: &str,
) -> Outcome<((f64, f64), Vec<f64>)> {
    let data = server.running.folder.path().to_owned();
    let passing = tokio::spawn(pass(server.program.clone(), data));
    let (mut latencies, mut runs) = (Vec::new(), 0);
    while !passing.is_finished() {
        let tag = format!("{tag}-{runs}");
        latencies
            .extend(load::run(server, chatting, 50, Pace::Every(100.0), &tag).await?.latencies);
        runs += 1;
    }
    Ok((passing.await.map_err(unexpected)??, latencies))
}

/// (p): messages moved per second against the same messages appended, and chat p99 during it against before.
pub(crate) async fn retention(scale: Scale<'_>) -> Rows {
    let count = scale.of(MESSAGES);
    let server = servers::tidings(scale.build, &["--sync", "2m"]).await?;
    let posters = load::posters(&server, "p", ROOMS).await?;
    let chatting = load::posters(&server, "pchat", 4).await?;
    let first = posters.first().ok_or_else(|| unexpected("no users"))?;
    let (mut rates, mut tails) = (Vec::new(), Vec::new());
    for round in 0..scale.rounds {
        scale.turn.next(&[&server]).await;
        let started = Instant::now();
        seed::messages(&server, &posters, round * count, count).await?;
        let appended = count as f64 / started.elapsed().as_secs_f64();
        servers::wait_until_followed(&server).await?;
        wait_until_projected(first, ((round + 1) * count / ROOMS) as u64).await?;
        let tag = format!("pc{round}");
        let calm = load::run(&server, &chatting, scale.of(400), Pace::Every(100.0), &tag).await?;
        let ((moved, took), mut during) =
            chat_meanwhile(&server, &chatting, &format!("pr{round}")).await?;
        if moved < count as f64 {
            return Err(unexpected(format!("only {moved} of {count} messages moved")));
        }
        let mut before = calm.latencies;
        rates.push((moved / took, appended));
        tails.push((percentile(&mut during, 0.99) * 1e3, percentile(&mut before, 0.99) * 1e3));
    }
    let rate = Question {
        name: format!("(p) {count} messages moved to the archive"),
        unit: "messages/s",
        against: "as many appended, 512 in flight".into(),
        goal: Goal::None,
    };
    let tail = Question {
        name: "(p) chat p99 while messages move".into(),
        unit: "ms",
        against: "chat p99 without it".into(),
        goal: Goal::None,
    };
    Ok(vec![rate.answered(rates), tail.answered(tails)])
}
