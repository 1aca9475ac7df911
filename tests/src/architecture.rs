//! What the architecture promises, checked over the workspace as cargo sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// Which layer a crate is in. A crate may depend on lower layers, and on the crates of its own layer that
/// `SIDEWAYS` names.
const LAYERS: &[(&str, u8)] = &[
    ("schemas", 0),
    ("telemetry", 1),
    ("eventlog", 1),
    ("bus", 1),
    ("readmodel", 1),
    ("testbed", 1),
    ("auth-svc", 2),
    ("chat-svc", 2),
    ("projector", 2),
    ("notifier", 2),
    ("gateway", 2),
    ("tidings", 3),
    ("tests", 4),
    ("bench", 4),
];

/// Libraries that may use another library: `bus` shares `eventlog`'s connection.
const SIDEWAYS: &[(&str, &str)] = &[("bus", "eventlog")];

/// Who alone may name a dependency of the outer world.
const FENCES: &[(&str, &[&str])] = &[
    ("async-nats", &["eventlog", "bus"]),
    ("mongodb", &["readmodel"]),
    ("rusqlite", &["readmodel"]),
    ("actix-web", &["gateway"]),
    ("actix-ws", &["gateway"]),
    ("actix-http", &["gateway"]),
];

/// The bench's raw baselines measure the servers without Tidings, so it may name their drivers.
const MEASURES_BARE: &str = "bench";

const BANNED: &[&str] = &["common", "utils", "util", "core", "shared", "helpers", "helper", "misc"];
/// Lines a source file should not exceed; beyond the second number the check fails.
const HABIT: usize = 400;
const LIMIT: usize = 600;

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .no_deps()
        .exec()
        .expect("cargo metadata")
}

fn layer(name: &str) -> Option<u8> {
    LAYERS.iter().find(|(known, _)| *known == name).map(|(_, layer)| *layer)
}

/// What a crate depends on to be built; what its tests use besides is another matter.
fn built_on(package: &Package) -> impl Iterator<Item = &str> {
    let dependencies = package.dependencies.iter();
    dependencies.filter(|one| one.kind != DependencyKind::Development).map(|one| one.name.as_str())
}

fn sources() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace");
    let mut folders = Vec::new();
    for package in metadata().workspace_packages() {
        let home = package.manifest_path.parent().expect("a folder");
        folders
            .extend(["src", "tests", "examples"].map(|part| home.join(part).into_std_path_buf()));
    }
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                files.push(path.strip_prefix(root).expect("below the root").to_owned());
            }
        }
    }
    files
}

#[test]
fn dependencies_point_one_way() {
    let metadata = metadata();
    let mut wrong = BTreeSet::new();
    for package in metadata.workspace_packages() {
        let name = package.name.as_str();
        let own = layer(name).unwrap_or_else(|| panic!("{name} has no layer in LAYERS"));
        for other in built_on(package) {
            let Some(theirs) = layer(other) else { continue };
            let sideways = SIDEWAYS.contains(&(name, other));
            if theirs > own || (theirs == own && !sideways) {
                wrong.insert(format!("{name} -> {other}"));
            }
        }
    }
    assert!(wrong.is_empty(), "against the direction of dependencies: {wrong:?}");
}

#[test]
fn only_their_owners_name_the_outer_world() {
    let metadata = metadata();
    let mut wrong = BTreeSet::new();
    for (dependency, owners) in FENCES {
        for package in metadata.workspace_packages() {
            let name = package.name.as_str();
            let names_it = package.dependencies.iter().any(|one| one.name == *dependency);
            if names_it && !owners.contains(&name) && name != MEASURES_BARE {
                wrong.insert(format!("{name} -> {dependency}"));
            }
        }
    }
    assert!(wrong.is_empty(), "dependencies behind a fence: {wrong:?}");
}

#[test]
fn only_tests_start_servers_with_the_testbed() {
    let metadata = metadata();
    for package in metadata.workspace_packages() {
        let built_on_it = built_on(package).any(|name| name == "testbed");
        assert!(!built_on_it, "{} is built on the testbed", package.name);
    }
}

#[test]
fn the_vocabulary_does_nothing() {
    let metadata = metadata();
    let schemas = metadata.workspace_packages().into_iter().find(|p| p.name.as_str() == "schemas");
    let used: BTreeSet<&str> = built_on(schemas.expect("schemas")).collect();
    for banned in ["tokio", "rand", "reqwest", "tracing"] {
        assert!(!used.contains(banned), "schemas depends on {banned}");
    }
}

#[test]
fn nothing_is_called_by_a_name_that_says_nothing() {
    let metadata = metadata();
    for package in metadata.workspace_packages() {
        assert!(!BANNED.contains(&package.name.as_str()), "the crate {}", package.name);
    }
    for file in sources() {
        let shown = file.to_string_lossy().into_owned();
        let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let folder = file.parent().and_then(Path::file_name).unwrap_or_default();
        let folder = folder.to_string_lossy().into_owned();
        let bad = BANNED.contains(&stem.as_str()) || BANNED.contains(&folder.as_str());
        assert!(!bad, "{shown}");
    }
}

#[test]
fn every_crate_of_ours_is_heard_in_the_logs() {
    for package in metadata().workspace_packages() {
        let target = package.name.replace('-', "_");
        assert!(telemetry::OWN_TARGETS.contains(&target.as_str()), "add {target} to OWN_TARGETS");
    }
}

#[test]
fn files_stay_small_and_finished() {
    // Written in two parts so that this file does not find itself.
    let unfinished = [concat!("todo", "!("), concat!("unimplemented", "!("), concat!("FIX", "ME")];
    let mut long = BTreeMap::new();
    for file in sources() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace");
        let text = std::fs::read_to_string(root.join(&file)).unwrap_or_default();
        for mark in unfinished {
            assert!(!text.contains(mark), "{} contains {mark}", file.display());
        }
        let lines = text.lines().count();
        if lines > HABIT {
            long.insert(lines, file);
        }
    }
    report(&long);
    let too_long: Vec<_> = long.range(LIMIT + 1..).collect();
    assert!(too_long.is_empty(), "split these files: {too_long:?}");
}

fn report(long: &BTreeMap<usize, PathBuf>) {
    for (lines, file) in long {
        eprintln!("{} has {lines} lines; the habit is {HABIT}", file.display());
    }
}
