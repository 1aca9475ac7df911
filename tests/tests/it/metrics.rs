//! docs/METRICS.md is what a server tells of its metrics; and their names are as Prometheus has them.
//!
//! A family without a series is not told of, and some have none until something goes wrong. Their rows are kept as they
//! were written; that every family which the source registers has a row is checked by the source.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use serde_json::json;
use tests::kit::installation::Place;
use tests::kit::person::{Person, Stranger};
use tests::kit::root;

here!(every_metric_is_in_the_reference);

const INTRODUCTION: &str = "# Metrics

Generated from a running server by `tools/check-generated --write`; `make check` compares. Every process serves its own at
`/metrics` of the admin port, as OpenMetrics; in `tidings serve` one process has them all. A counter's samples end in
`_total`, a histogram's in `_bucket`, `_sum` and `_count`. Units are seconds, bytes, events and the like, as the name says.
Names and labels stay; families and labels may be added.

| metric | type | labels | where | what |
|---|---|---|---|---|
";

/// Which process has the families that begin so.
const HOMES: &[(&str, &str)] = &[
    ("process_", "every process"),
    ("tidings_build", "every process"),
    ("tidings_ready", "every process"),
    ("tidings_nats_", "every process"),
    ("tidings_log_", "every process"),
    ("tidings_projector_", "projector"),
    ("tidings_notifier_", "notifier"),
    ("tidings_chat_", "chat-svc"),
    ("tidings_auth_", "auth-svc"),
    ("tidings_", "gateway"),
];

/// A family, as a row has it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Family {
    kind: String,
    labels: BTreeSet<String>,
    help: String,
}

fn home(name: &str) -> &'static str {
    HOMES.iter().find(|(begin, _)| name.starts_with(begin)).map_or("?", |(_, home)| home)
}

/// The families of a scrape.
fn scraped(text: &str) -> BTreeMap<String, Family> {
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut latest = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# ") {
            let mut words = rest.splitn(3, ' ');
            let (what, name, value) = (words.next(), words.next(), words.next());
            let (Some(what), Some(name), Some(value)) = (what, name, value) else { continue };
            latest = name.to_owned();
            let family = families.entry(latest.clone()).or_insert_with(|| Family {
                kind: String::new(),
                labels: BTreeSet::new(),
                help: String::new(),
            });
            match what {
                "HELP" => value.clone_into(&mut family.help),
                "TYPE" => value.clone_into(&mut family.kind),
                _ => {}
            }
        } else if let Some((_, rest)) = line.split_once('{') {
            // What stands right before `="` is a label; what stands behind the last is its value.
            let (labels, _) = rest.rsplit_once("=\"").unwrap_or_default();
            let labels = labels.split("=\"").filter_map(|part| part.rsplit(['{', ',']).next());
            let own = labels.filter(|label| *label != "le").map(str::to_owned);
            families.get_mut(&latest).unwrap().labels.extend(own);
        }
    }
    families
}

/// The rows of the reference.
fn kept(text: &str) -> BTreeMap<String, Family> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split(" | ").collect();
        let name = cells[0].trim_end_matches('`').to_owned();
        let labels = cells[2].split(", ").map(|label| label.trim_matches('`').to_owned());
        let family = Family {
            kind: cells[1].to_owned(),
            labels: labels.filter(|label| !label.is_empty()).collect(),
            help: cells[4].trim_end_matches(" |").to_owned(),
        };
        (name, family)
    })
    .collect()
}

fn written(families: &BTreeMap<String, Family>) -> String {
    let mut text = INTRODUCTION.to_owned();
    for (name, Family { kind, labels, help }) in families {
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        let (labels, home) = (labels.join(", "), home(name));
        writeln!(text, "| `{name}` | {kind} | {labels} | {home} | {help} |").unwrap();
    }
    text
}

/// The names that the sources register, without what is put before them.
fn registered() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let crates = ["auth-svc", "chat-svc", "gateway", "projector", "notifier", "tidings"];
    let libs = ["bus", "decider", "eventlog", "readmodel", "telemetry", "service"];
    let homes = crates.iter().map(|name| root().join(name).join("src"));
    for home in homes.chain(libs.iter().map(|name| root().join("libs").join(name).join("src"))) {
        collect(&home, &mut names);
    }
    names
}

fn collect(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, names);
            continue;
        }
        let source = std::fs::read_to_string(&path).unwrap();
        let source = source.split("#[cfg(test)]").next().unwrap_or_default();
        for call in source.split(".register(").skip(1) {
            let Some(name) = call.trim_start().strip_prefix('"') else { continue };
            names.insert(name.split('"').next().unwrap().to_owned());
        }
    }
}

/// What makes series of most families: requests, a login, frames, a socket that comes back, a command to each service.
async fn traffic(place: &Place) {
    let ada = Person::register(place, "ada").await;
    let room = ada.group(&[]).await;
    let mut socket = ada.connect().await;
    socket.post(&room, "counted").await;
    socket.close().await;
    ada.get("/v1/rooms").await.ok(200);
    let told = json!({"user_ids": [ada.id], "title": "counted", "body": "counted"});
    place.admin().await.post("/v1/admin/notifications", told).await.ok(201);
}

/// Names are snake_case, in base units; a counter's gets its `_total` by itself.
fn is_well_named(name: &str, family: &Family) -> bool {
    let plain = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    let odd = [
        "_ms",
        "_millis",
        "_milliseconds",
        "_minutes",
        "_hours",
        "_kb",
        "_mb",
        "_percent",
        "_total",
    ];
    let known = ["counter", "gauge", "histogram", "info"].contains(&family.kind.as_str());
    let ids = ["user_id", "room_id", "message_id", "session_id", "ip", "trace_id"];
    plain(name)
        && known
        && !odd.iter().any(|end| name.ends_with(end))
        && family.labels.iter().all(|label| plain(label) && !ids.contains(&label.as_str()))
        && !family.help.is_empty()
}

async fn every_metric_is_in_the_reference(place: Place) {
    traffic(&place).await;
    let told = scraped(&Stranger::new(&place).operates("/metrics").await.text);
    assert!(told.len() > 40, "{told:?}");
    let file = root().join("docs/METRICS.md");
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    let mut rows = kept(&text);
    if std::env::var_os("UPDATE").is_some() {
        let names = registered();
        rows.retain(|name, _| {
            told.contains_key(name) || names.iter().any(|one| name.ends_with(one))
        });
        rows.extend(told.clone());
        std::fs::write(&file, written(&rows)).unwrap();
    }
    for (name, family) in &told {
        assert!(is_well_named(name, family), "{name}: {family:?}");
        assert_eq!(
            rows.get(name),
            Some(family),
            "{name}: tools/check-generated --write rewrites it"
        );
    }
    for (name, family) in &rows {
        assert!(is_well_named(name, family), "{name}: {family:?}");
        assert_ne!(home(name), "?", "{name}");
    }
    for name in registered() {
        let row = rows.keys().any(|row| row.ends_with(&format!("_{name}")) || *row == name);
        assert!(
            row,
            "{name} is registered and has no row: nothing made a series of it, so write one by hand"
        );
    }
    assert!(
        written(&rows) == std::fs::read_to_string(&file).unwrap(),
        "docs/METRICS.md is out of order"
    );
}
