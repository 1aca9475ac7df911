//! The benchmarks, one module per family; each returns rows for the report.
//!
//! Owns loads and what is measured. It must not know how servers are started (`servers.rs`). A changed load is another
//! figure: `docs/PERFORMANCE.md` says which.

pub(crate) mod accounts;
pub(crate) mod backup;
pub(crate) mod fanout;
pub(crate) mod growth;
pub(crate) mod idle;
pub(crate) mod indexing;
pub(crate) mod presence;
pub(crate) mod recent;
pub(crate) mod replay;
pub(crate) mod retention;
pub(crate) mod search;
pub(crate) mod send;
pub(crate) mod storm;

use crate::builds::Build;
use crate::report::{Goal, Row, median};
use crate::servers::Outcome;
use crate::turns::Turn;

/// What to measure and how much of it; every benchmark scales with it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scale<'a> {
    /// Rounds, alternating between Tidings and the baseline; the median counts.
    pub rounds: usize,
    /// 1.0 is the full benchmark; less is a quick look.
    pub size: f64,
    /// The build that is measured.
    pub build: &'a Build,
    /// When it is measured; every round asks for its turn first.
    pub turn: &'a Turn,
}

impl Scale<'_> {
    /// A count, scaled, at least 1.
    pub(crate) fn of(&self, full: usize) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a positive count far below 2^52"
        )]
        let scaled = (full as f64 * self.size).round() as usize;
        scaled.max(1)
    }
}

/// What a row is about, before it is measured.
pub(crate) struct Question {
    /// The row's name.
    pub name: String,
    /// The unit of both figures.
    pub unit: &'static str,
    /// What the baseline is.
    pub against: String,
    /// The goal for the ratio.
    pub goal: Goal,
}

impl Question {
    /// The row that answers it with the medians of the rounds.
    pub(crate) fn answered(self, rounds: Vec<(f64, f64)>) -> Row {
        let ours: Vec<f64> = rounds.iter().map(|r| r.0).collect();
        let baseline: Vec<f64> = rounds.iter().map(|r| r.1).collect();
        Row {
            name: self.name,
            ours: median(&ours),
            baseline: median(&baseline),
            unit: self.unit,
            against: self.against,
            goal: self.goal,
            rounds,
        }
    }
}

/// The rows of one family.
pub(crate) type Rows = Outcome<Vec<Row>>;
