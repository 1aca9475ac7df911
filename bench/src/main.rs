//! `make bench`: measures Tidings against a raw loop on the same machine in the same run.
//!
//! Every benchmark starts servers of its own on loopback, alternates between Tidings and its baseline, and reports the
//! median of the rounds as a ratio. No test depends on the results.

mod baseline;
mod load;
mod machine;
mod people;
mod report;
mod scenarios;
mod seed;
mod servers;
mod socket;

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use scenarios::{Rows, Scale};

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

async fn measure(letter: &str, scale: Scale) -> Rows {
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
        other => Err(servers::BenchError::Unexpected(format!("there is no benchmark {other:?}"))),
    }
}

/// Every benchmark's letter.
const LETTERS: [&str; 16] =
    ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p"];

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for people at a terminal")]
async fn run(arguments: Arguments) -> servers::Outcome<bool> {
    let scale = Scale { rounds: arguments.rounds.max(1), size: arguments.size.clamp(0.01, 1.0) };
    let letters: Vec<String> = match arguments.only.is_empty() {
        true => LETTERS.iter().map(|&l| l.to_owned()).collect(),
        false => arguments.only,
    };
    let mut report = report::Report { machine: machine::Machine::here(), rows: Vec::new() };
    let mut complete = true;
    for letter in &letters {
        eprintln!("benchmark {letter} ...");
        match measure(letter, scale).await {
            Ok(rows) => report.rows.extend(rows),
            Err(error) => {
                complete = false;
                eprintln!("benchmark {letter} failed: {error}");
            }
        }
    }
    println!("{}", report.table());
    if let Some(path) = arguments.json {
        std::fs::write(path, serde_json::to_vec_pretty(&report).map_err(servers::unexpected)?)?;
    }
    if let Some(path) = arguments.plot {
        std::fs::write(path, report.svg())?;
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
