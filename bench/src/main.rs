//! `make bench`: measures Tidings against a raw loop on the same machine in the same run.
//!
//! Every benchmark starts servers of its own on loopback, alternates between Tidings and its baseline, and reports the
//! median of the rounds as a ratio. No test depends on the results.

mod baseline;
mod builds;
mod comparison;
mod load;
mod machine;
mod outcome;
mod people;
mod report;
mod scenarios;
mod seed;
mod servers;
mod socket;
mod turns;

use std::path::PathBuf;
use std::time::Instant;

use builds::Build;
use clap::{Parser, Subcommand};
use comparison::Comparison;
use report::Report;
use scenarios::{Rows, Scale};
use serde::Serialize;
use turns::Turn;

/// Benchmarks of Tidings.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Internal>,
    /// Run only these benchmarks, by letter: `--only a,c,f`. All when absent.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Rounds per benchmark.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// A share of the full size, 0.01 to 1.
    #[arg(long, default_value_t = 1.0)]
    size: f64,
    /// Measure this older program of Tidings as well, round by round in turn, and print both and how they differ.
    #[arg(long, value_name = "PROGRAM")]
    against: Option<PathBuf>,
    /// Write the results to this file as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Write a chart of the ratios to this file as SVG.
    #[arg(long)]
    plot: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Internal {
    /// The raw socket server the fan-out benchmark compares with; started by the benchmark itself.
    #[command(hide = true)]
    BaselineServer {
        /// Bytes of a frame's payload.
        payload: usize,
    },
}

async fn measure(letter: &str, scale: Scale<'_>) -> Rows {
    match letter {
        "a" => scenarios::send::throughput(scale).await,
        "b" => scenarios::send::durable(scale).await,
        "c" => scenarios::fanout::fanout(scale).await,
        "d" => scenarios::send::latency(scale).await,
        "e" => scenarios::replay::projection(scale).await,
        "f" => scenarios::idle::idle(scale).await,
        "g" => scenarios::accounts::logins(scale).await,
        "h" => scenarios::storm::storm(scale).await,
        "i" => scenarios::replay::restart(scale).await,
        "j" => scenarios::fanout::stalled(scale).await,
        "k" => {
            let mut rows = scenarios::growth::messages(scale).await?;
            rows.extend(scenarios::growth::rooms(scale).await?);
            Ok(rows)
        }
        "l" => scenarios::presence::presence(scale).await,
        "m" => scenarios::search::search(scale).await,
        "n" => scenarios::recent::recent(scale).await,
        "o" => scenarios::backup::backup(scale).await,
        "p" => scenarios::retention::retention(scale).await,
        "q" => scenarios::indexing::indexing(scale).await,
        other => Err(servers::BenchError::Unexpected(format!("there is no benchmark {other:?}"))),
    }
}

/// Every benchmark's letter.
const LETTERS: [&str; 17] =
    ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q"];

/// What a run found.
#[derive(Serialize)]
struct Results {
    #[serde(flatten)]
    report: Report,
    /// Beside an older build.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    comparisons: Vec<Comparison>,
}

/// Measures one build, in turn with another if there is one.
async fn in_turn(letter: &str, scale: Scale<'_>) -> Rows {
    scale.turn.next(&[]).await;
    let rows = Box::pin(measure(letter, scale)).await;
    scale.turn.leave();
    rows
}

/// Measures the build under test, and the older one if there is one; the rows of the first.
#[expect(clippy::print_stderr, reason = "a program for people at a terminal")]
async fn measured(
    letter: &str,
    (rounds, size): (usize, f64),
    (new, old): (&Build, Option<&Build>),
    comparisons: &mut Vec<Comparison>,
) -> Rows {
    let Some(old) = old else {
        return in_turn(letter, Scale { rounds, size, build: new, turn: &Turn::default() }).await;
    };
    let (first, second) = Turn::two();
    let scale = Scale { rounds, size, build: new, turn: &first };
    let before = Scale { build: old, turn: &second, ..scale };
    let (rows, older) = tokio::join!(in_turn(letter, scale), in_turn(letter, before));
    let rows = rows?;
    match older {
        Ok(older) => comparisons.extend(rows.iter().cloned().zip(older).map(Comparison::of)),
        Err(error) => eprintln!("benchmark {letter} is not compared: the older build: {error}"),
    }
    Ok(rows)
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people at a terminal")]
async fn run(arguments: Arguments) -> servers::Outcome<bool> {
    let how_much = (arguments.rounds.max(1), arguments.size.clamp(0.01, 1.0));
    let letters: Vec<String> = match arguments.only.is_empty() {
        true => LETTERS.iter().map(|&l| l.to_owned()).collect(),
        false => arguments.only,
    };
    let new = Build::under_test().await?;
    let old = match arguments.against {
        Some(program) => Some(Build::of(program).await?),
        None => None,
    };
    let report = Report { machine: machine::Machine::here(), rows: Vec::new() };
    let mut results = Results { report, comparisons: Vec::new() };
    let mut complete = true;
    for letter in &letters {
        let started = Instant::now();
        let builds = (&new, old.as_ref());
        match measured(letter, how_much, builds, &mut results.comparisons).await {
            Ok(rows) => results.report.rows.extend(rows),
            Err(error) => {
                complete = false;
                eprintln!("benchmark {letter} failed: {error}");
            }
        }
        eprintln!("benchmark {letter}: {:.0} s", started.elapsed().as_secs_f64());
    }
    println!("{}{}", results.report.table(), comparison::table(&results.comparisons));
    if let Some(path) = arguments.json {
        std::fs::write(path, serde_json::to_vec_pretty(&results).map_err(servers::unexpected)?)?;
    }
    if let Some(path) = arguments.plot {
        std::fs::write(path, results.report.svg())?;
    }
    Ok(complete)
}

#[tokio::main]
#[expect(clippy::print_stderr, reason = "a program for people at a terminal")]
async fn main() -> std::process::ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.command {
        Some(Internal::BaselineServer { payload }) => {
            baseline::sockets::serve(payload).await.map(|()| true)
        }
        None => run(arguments).await,
    };
    match outcome {
        Ok(true) => std::process::ExitCode::SUCCESS,
        Ok(false) => std::process::ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            std::process::ExitCode::FAILURE
        }
    }
}
