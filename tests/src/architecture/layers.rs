//! Dependencies point one way, and each driver of the outer world has one owner.

use std::collections::BTreeSet;

use cargo_metadata::{DependencyKind, Package};

use super::metadata;

/// Which layer a crate is in. A crate may depend on lower layers, and on the crates of its own layer that
/// `SIDEWAYS` names.
const LAYERS: &[(&str, u8)] = &[
    ("schemas", 0),
    ("telemetry", 1),
    ("signing", 1),
    ("oidc", 1),
    ("eventlog", 1),
    ("bus", 1),
    ("readmodel", 1),
    ("testbed", 1),
    ("blobs", 1),
    ("decider", 2),
    ("service", 2),
    ("auth-svc", 3),
    ("chat-svc", 3),
    ("projector", 3),
    ("notifier", 3),
    ("gateway", 3),
    ("tidings", 4),
    ("tests", 5),
    ("bench", 5),
];

/// Libraries that may use another library: `bus` and the built-in store of `blobs` share `eventlog`'s connection.
const SIDEWAYS: &[(&str, &str)] = &[("bus", "eventlog"), ("blobs", "eventlog")];

/// The crates that alone may name a dependency of the outer world.
const FENCES: &[(&str, &[&str])] = &[
    ("async-nats", &["eventlog", "bus"]),
    ("mongodb", &["readmodel"]),
    ("rusqlite", &["readmodel"]),
    ("actix-web", &["gateway"]),
    ("actix-ws", &["gateway"]),
    ("actix-http", &["gateway"]),
    ("ring", &["signing"]),
    ("openidconnect", &["oidc"]),
    ("tokio-rustls", &["telemetry", "oidc", "blobs", "gateway", "tests"]),
    ("image", &["blobs"]),
    // Zip files, and what an increment of a backup holds.
    ("flate2", &["blobs", "tidings"]),
    ("h2", &["telemetry"]),
    ("opentelemetry", &["telemetry"]),
];

/// The bench's raw baselines measure the servers without Tidings, so it may name their drivers.
const MEASURES_BARE: &str = "bench";

fn layer(name: &str) -> Option<u8> {
    LAYERS.iter().find(|(known, _)| *known == name).map(|(_, layer)| *layer)
}

/// What a crate depends on to be built; what its tests use besides is another matter.
fn built_on(package: &Package) -> impl Iterator<Item = &str> {
    let dependencies = package.dependencies.iter();
    dependencies.filter(|one| one.kind != DependencyKind::Development).map(|one| one.name.as_str())
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
fn each_driver_is_named_by_its_owners_only() {
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
    let packages = metadata.workspace_packages().into_iter();
    for package in packages.filter(|package| package.name.as_str() != "tests") {
        let built_on_it = built_on(package).any(|name| name == "testbed");
        assert!(!built_on_it, "{} is built on the testbed", package.name);
    }
}

#[test]
fn schemas_does_no_input_or_output() {
    let metadata = metadata();
    let schemas = metadata.workspace_packages().into_iter().find(|p| p.name.as_str() == "schemas");
    let used: BTreeSet<&str> = built_on(schemas.expect("schemas")).collect();
    for banned in ["tokio", "rand", "reqwest", "tracing"] {
        assert!(!used.contains(banned), "schemas depends on {banned}");
    }
}

#[test]
fn logs_show_every_crate_of_the_workspace() {
    for package in metadata().workspace_packages() {
        let target = package.name.replace('-', "_");
        assert!(telemetry::OWN_TARGETS.contains(&target.as_str()), "add {target} to OWN_TARGETS");
    }
}
