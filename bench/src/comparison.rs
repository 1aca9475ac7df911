//! A newer build beside an older one, in rounds that alternated.
//!
//! The change of a round is the new value divided by the old one of the same round, so what slows the machine for minutes
//! slows both. The noise is how far the rounds are apart. Only a change beyond the noise is one.

use std::fmt::Write as _;

use serde::Serialize;

use crate::report::{Row, median, number};

/// One row of both builds.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Comparison {
    /// The measurements of the new build.
    pub new: Row,
    /// Those of the old build.
    pub old: Row,
    /// New divided by old, the median of the rounds.
    pub change: f64,
    /// Half of what lies between the rounds' greatest change and their smallest; none of one round alone.
    pub noise: Option<f64>,
    /// Whether the new build is better or worse.
    pub verdict: Verdict,
}

/// What a change says about the new build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// Better by more than the noise.
    Better,
    /// Not told apart from the noise.
    Same,
    /// Worse by more than the noise.
    Worse,
    /// Of one round alone nothing is said.
    Unknown,
}

impl Verdict {
    fn as_str(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Same => "same",
            Self::Worse => "WORSE",
            Self::Unknown => "one round",
        }
    }
}

impl Comparison {
    /// Compares the same row of two builds.
    pub(crate) fn of((new, old): (Row, Row)) -> Self {
        let both = new.rounds.iter().zip(&old.rounds);
        let changes: Vec<f64> = both.map(|(new, old)| new.0 / old.0).collect();
        let change = median(&changes);
        let least = changes.iter().copied().fold(f64::INFINITY, f64::min);
        let most = changes.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let noise = (changes.len() > 1).then_some((most - least) / 2.0);
        let gain = if new.less_is_better() { 1.0 - change } else { change - 1.0 };
        let verdict = match noise {
            None => Verdict::Unknown,
            Some(noise) if gain > noise => Verdict::Better,
            Some(noise) if gain < -noise => Verdict::Worse,
            Some(_) => Verdict::Same,
        };
        Self { new, old, change, noise, verdict }
    }
}

/// The comparisons as text; empty without any.
pub(crate) fn table(comparisons: &[Comparison]) -> String {
    let mut out = String::new();
    if comparisons.is_empty() {
        return out;
    }
    let _ = writeln!(
        out,
        "\n{:<46} {:>12} {:>12} {:<12} {:>7} {:>7} {:<9} {:>9} {:>9}",
        "both builds in turn",
        "new",
        "old",
        "unit",
        "new/old",
        "noise",
        "",
        "new ratio",
        "old ratio"
    );
    for one in comparisons {
        let _ = writeln!(
            out,
            "{:<46} {:>12} {:>12} {:<12} {:>7} {:>7} {:<9} {:>9} {:>9}",
            one.new.name,
            number(one.new.ours),
            number(one.old.ours),
            one.new.unit,
            number(one.change),
            one.noise.map_or_else(String::new, number),
            one.verdict.as_str(),
            number(one.new.ratio()),
            number(one.old.ratio()),
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Goal;

    fn row(unit: &'static str, goal: Goal, ours: &[f64]) -> Row {
        let rounds: Vec<(f64, f64)> = ours.iter().map(|&value| (value, 1.0)).collect();
        let (name, against) = ("(x) something".to_owned(), "nothing".to_owned());
        Row { name, ours: median(ours), baseline: 1.0, unit, against, goal, rounds }
    }

    #[track_caller]
    fn compared(unit: &'static str, goal: Goal, new: &[f64], old: &[f64]) -> Comparison {
        Comparison::of((row(unit, goal, new), row(unit, goal, old)))
    }

    #[test]
    fn a_change_within_what_rounds_differ_by_is_none() {
        // A machine that becomes slower slows both builds.
        let both = compared("messages/s", Goal::None, &[100.0, 50.0, 25.0], &[100.0, 48.0, 26.0]);
        assert_eq!((both.change, both.verdict), (1.0, Verdict::Same));
    }

    #[test]
    fn more_is_better_of_rates_and_less_of_times() {
        let (high, low) = ([200.0, 210.0, 190.0], [100.0, 100.0, 100.0]);
        let cases = [
            ("messages/s", Goal::None, Verdict::Better),
            ("sockets/s", Goal::AtLeast(0.5), Verdict::Better),
            ("ms", Goal::None, Verdict::Worse),
            ("bytes/s", Goal::AtMost(1.5), Verdict::Worse),
        ];
        for (unit, goal, verdict) in cases {
            let up = compared(unit, goal, &high, &low);
            assert_eq!((up.change, up.verdict), (2.0, verdict), "{unit}");
            assert!(up.noise.is_some_and(|noise| (noise - 0.1).abs() < 1e-9));
            assert!(table(&[up]).contains(verdict.as_str()));
        }
    }

    #[test]
    fn one_round_says_nothing_of_noise() {
        let one = compared("ms", Goal::None, &[3.0], &[1.0]);
        assert_eq!((one.noise, one.verdict), (None, Verdict::Unknown));
        assert_eq!(table(&[]), "");
    }
}
