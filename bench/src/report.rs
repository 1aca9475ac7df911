//! The table, the JSON and the picture.

use std::fmt::Write as _;

use serde::Serialize;

use crate::machine::Machine;

/// The goal of a ratio, and whether more or less is better.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case", tag = "want", content = "goal")]
pub(crate) enum Goal {
    /// The ratio is to reach this.
    AtLeast(f64),
    /// The ratio is to stay under this.
    AtMost(f64),
    /// Shown for information.
    None,
}

/// One line of the report.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    /// The letter of the benchmark and what was measured.
    pub name: String,
    /// Tidings' value.
    pub ours: f64,
    /// The baseline's value.
    pub baseline: f64,
    /// The unit of both values.
    pub unit: &'static str,
    /// What the baseline is.
    pub against: String,
    /// The goal for the ratio.
    pub goal: Goal,
    /// Every round's (Tidings, baseline).
    pub rounds: Vec<(f64, f64)>,
}

impl Row {
    /// Tidings' value divided by the baseline's.
    pub(crate) fn ratio(&self) -> f64 {
        if self.baseline == 0.0 { f64::NAN } else { self.ours / self.baseline }
    }

    /// Whether a smaller value of Tidings is the better one.
    pub(crate) fn less_is_better(&self) -> bool {
        match self.goal {
            Goal::AtLeast(_) => false,
            Goal::AtMost(_) => true,
            Goal::None => !self.unit.ends_with("/s"),
        }
    }

    fn verdict(&self) -> &'static str {
        match self.goal {
            Goal::AtLeast(goal) if self.ratio() >= goal => "met",
            Goal::AtMost(goal) if self.ratio() <= goal => "met",
            Goal::None => "",
            _ => "missed",
        }
    }
}

/// The median; of an even number the lower middle, 0 of none.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or(0.0)
}

/// The value below which a share `p` (0 to 1) of the values lies.
pub(crate) fn percentile(values: &mut [f64], p: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index between 0 and the length"
    )]
    let index = ((last as f64) * p).round() as usize;
    values.get(index).copied().unwrap_or(0.0)
}

/// The results of one run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The machine it ran on.
    pub machine: Machine,
    /// The measurements.
    pub rows: Vec<Row>,
}

/// A value as people read it.
pub(crate) fn number(value: f64) -> String {
    if value.abs() >= 1000.0 {
        let whole = format!("{value:.0}");
        let digits = whole.trim_start_matches('-');
        let mut grouped = String::new();
        for (i, c) in digits.chars().enumerate() {
            if i > 0 && (digits.len() - i) % 3 == 0 {
                grouped.push(',');
            }
            grouped.push(c);
        }
        grouped
    } else if value.abs() >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.3}")
    }
}

impl Report {
    /// The table as text.
    pub(crate) fn table(&self) -> String {
        let m = &self.machine;
        let mut out = format!(
            "machine: {} ({} cores, {} GiB, Linux {})\n\n",
            m.cpu, m.cores, m.memory_gib, m.kernel
        );
        let _ = writeln!(
            out,
            "{:<46} {:>12} {:>12} {:<12} {:>7} {:>8} {:<7} against",
            "benchmark", "tidings", "baseline", "unit", "ratio", "goal", ""
        );
        for row in &self.rows {
            let goal = match row.goal {
                Goal::AtLeast(goal) => format!(">={}", (goal * 1e3).round() / 1e3),
                Goal::AtMost(goal) => format!("<={}", (goal * 1e3).round() / 1e3),
                Goal::None => String::new(),
            };
            let _ = writeln!(
                out,
                "{:<46} {:>12} {:>12} {:<12} {:>7} {:>8} {:<7} {}",
                row.name,
                number(row.ours),
                number(row.baseline),
                row.unit,
                number(row.ratio()),
                goal,
                row.verdict(),
                row.against
            );
        }
        out
    }

    /// A bar chart of the ratios as SVG, goals marked; bars end at twice the goal.
    pub(crate) fn svg(&self) -> String {
        const ROW: usize = 26;
        let height = 40 + self.rows.len() * ROW;
        let mut out = format!(
            "<svg xmlns='http://www.w3.org/2000/svg' width='900' height='{height}' \
             font-family='sans-serif' font-size='12'>\n\
             <rect width='100%' height='100%' fill='white'/>\n\
             <text x='10' y='20'>ratio to the baseline; the line marks the goal</text>\n"
        );
        for (i, row) in self.rows.iter().enumerate() {
            let y = 32 + i * ROW;
            let goal = match row.goal {
                Goal::AtLeast(goal) | Goal::AtMost(goal) => goal,
                Goal::None => 1.0,
            };
            let width = (row.ratio() / goal * 200.0).clamp(0.0, 400.0);
            let colour = if row.verdict() == "missed" { "#c0504d" } else { "#4f81bd" };
            let _ = writeln!(
                out,
                "<text x='10' y='{ty}'>{name}</text>\
                 <rect x='380' y='{y}' width='{width:.0}' height='18' fill='{colour}'/>\
                 <line x1='580' y1='{y}' x2='580' y2='{y2}' stroke='black'/>\
                 <text x='800' y='{ty}'>{ratio}</text>",
                ty = y + 13,
                y2 = y + 18,
                name = row.name.replace('&', "&amp;").replace('<', "&lt;"),
                ratio = number(row.ratio()),
            );
        }
        out.push_str("</svg>\n");
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_percentiles() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[]), 0.0);
        let mut values: Vec<f64> = (0..=100).map(f64::from).collect();
        assert_eq!(percentile(&mut values, 0.99), 99.0);
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(number(1_234_567.0), "1,234,567");
        assert_eq!(number(0.5), "0.500");
    }
}
