//! `make bench`: what Tidings does against what a raw loop on the same machine does, in one run.
//!
//! Every benchmark starts servers of its own on loopback, alternates its arms, and reports the median
//! of the rounds as a ratio. Nothing here gates a test.

mod arms;
mod baseline;
mod load;
mod machine;
mod people;
mod report;
mod seed;
mod servers;
mod socket;

use std::path::PathBuf;

use arms::{Rows, Scale};
use clap::{Parser, Subcommand};

/// Benchmarks of Tidings.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Internal>,
    /// Only these, by letter: `--only a,c,f`. All when absent.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Rounds per benchmark.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// A share of the full size, 0.01 to 1.
    #[arg(long, default_value_t = 1.0)]
    size: f64,
    /// Writes the figures here as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Writes a picture of the ratios here as SVG.
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
        "a" => arms::send::throughput(scale).await,
        "b" => arms::send::durable(scale).await,
        "c" => arms::fanout::fanout(scale).await,
        "d" => arms::send::latency(scale).await,
        "e" => arms::replay::projection(scale).await,
        "f" => arms::idle::idle(scale).await,
        "g" => arms::accounts::logins(scale).await,
        "h" => arms::storm::storm(scale).await,
        "i" => arms::replay::restart(scale).await,
        "j" => arms::fanout::stalled(scale).await,
        "k" => {
            let mut rows = arms::growth::messages(scale).await?;
            rows.extend(arms::growth::rooms(scale).await?);
            Ok(rows)
        }
        other => Err(servers::BenchError::Unexpected(format!("there is no benchmark {other:?}"))),
    }
}

/// Every benchmark's letter.
const LETTERS: [&str; 11] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"];

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
