//! What `deploy/` tells Tidings exists: the settings that its files name, and the chart's version.
//!
//! Cheap, and of the text alone: `tools/check-chart` renders the chart, and `tools/check-helm` runs what comes out. What exists is in
//! docs/CONFIGURATION.md, which `tools/check-generated` compares with the code.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{files_below, read};

const CHART: &str = "deploy/helm/tidings";
/// Every environment variable, and every flag with its dashes.
fn known() -> (BTreeSet<String>, BTreeSet<String>) {
    let text = read(Path::new("docs/CONFIGURATION.md"));
    let flags = text.split('`').filter_map(|code| code.split(' ').next());
    let flags = flags.filter(|word| word.starts_with("--")).map(str::to_owned).collect();
    (variables(&text), flags)
}

/// The names of environment variables of Tidings in a text; a beginning of one is none.
fn variables(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let names = words.filter(|word| word.starts_with("TIDINGS_") && !word.ends_with('_'));
    names.map(str::to_owned).collect()
}

#[test]
fn settings_that_deploy_names_exist() {
    let (known, flags) = known();
    assert!(known.len() > 40 && flags.len() > 40, "{} and {}", known.len(), flags.len());
    let mut unknown = BTreeSet::new();
    let mut seen = 0;
    for file in files_below(Path::new("deploy")) {
        let text = read(&file);
        let said = variables(&text);
        seen += said.len();
        unknown.extend(said.difference(&known).map(|name| format!("{}: {name}", file.display())));
        for line in text.lines().filter(|line| line.starts_with("ExecStart=")) {
            let said = line.split_whitespace().filter(|word| word.starts_with("--"));
            let wrong = said.filter(|word| !flags.contains(*word));
            unknown.extend(wrong.map(|word| format!("{}: {word}", file.display())));
        }
    }
    assert!(seen > 30, "files of deploy/ name {seen} settings");
    assert!(unknown.is_empty(), "Tidings knows no such settings: {unknown:#?}");
}

/// The rows of the table of settings: name, and whether it is a secret.
fn settings() -> Vec<(String, bool)> {
    let text = read(Path::new("docs/CONFIGURATION.md"));
    let rows = text.lines().filter_map(|line| line.strip_prefix("| [`"));
    rows.map(|row| {
        let name = row.split('`').next().unwrap_or_default();
        (name.to_owned(), row.trim_end().ends_with("| yes |"))
    })
    .collect()
}

#[test]
fn settings_that_values_of_the_chart_may_say_exist_and_are_no_secrets() {
    let schema: PathBuf = Path::new(CHART).join("values.schema.json");
    let schema: serde_json::Value = serde_json::from_str(&read(&schema)).expect("JSON");
    let said = schema.pointer("/properties/settings/properties").and_then(|said| said.as_object());
    let said: Vec<&String> = said.expect("settings").keys().collect();
    let open = settings().into_iter().filter(|(_, secret)| !secret);
    let open: BTreeSet<String> = open.map(|(name, _)| name).collect();
    assert!(said.len() > 20);
    let wrong: Vec<_> = said.into_iter().filter(|name| !open.contains(*name)).collect();
    assert!(wrong.is_empty(), "no settings, or secrets, which come from files: {wrong:?}");
}

#[test]
fn the_chart_is_of_this_version() {
    let chart = read(&Path::new(CHART).join("Chart.yaml"));
    let wanted = format!("appVersion: \"{}\"", env!("CARGO_PKG_VERSION"));
    assert!(chart.lines().any(|line| line == wanted), "Chart.yaml wants {wanted}");
}

/// The operators' page draws what its process says; a metric of another name would be a plot that is never there.
#[test]
fn the_operators_page_asks_for_metrics_that_exist() {
    let known = read(Path::new("docs/METRICS.md"));
    let page = read(Path::new("libs/telemetry/src/page/page.js"));
    let words = page.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let named: BTreeSet<&str> =
        words.filter(|word| word.starts_with("tidings_") || word.starts_with("process_")).collect();
    assert!(named.len() > 20, "{named:?}");
    let exists = |name: &str| {
        let name =
            ["_total", "_info"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        known.contains(&format!("| `{name}` |"))
    };
    let unknown: Vec<_> = named.into_iter().filter(|name| !exists(name)).collect();
    assert!(unknown.is_empty(), "docs/METRICS.md has no {unknown:?}");
}
