//! What comes from outside: under licences that let everyone host Tidings, from a registry, and one release of each.
//!
//! This takes the place of `cargo deny`, which takes longer to build than Tidings. Advisories are not covered: run
//! `cargo audit` where its database can be fetched.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use cargo_metadata::{Metadata, MetadataCommand};

use super::{metadata, root};

/// Licences that ask for no more than to be named.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    // For data: Mozilla's list of certificate authorities.
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Crates we name of which another crate brings a second release, and who that is.
const TWICE: &[(&str, &str)] = &[
    ("nix", "fuser, for the tests"),
    ("rand", "async-nats, mongodb"),
    ("hmac", "openidconnect"),
    ("sha2", "openidconnect, oauth2"),
    ("thiserror", "openidconnect, oauth2"),
    ("schemars", "serde_with, which only names it"),
    ("http", "hyper; we name the one of actix-http's HTTP/2"),
];

/// Everything that is built on this machine.
fn all() -> Metadata {
    let about = Command::new("rustc").arg("-vV").output().expect("rustc");
    let about = String::from_utf8(about.stdout).expect("text");
    let host = about.lines().find_map(|line| line.strip_prefix("host: ")).expect("a host");
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .other_options(["--locked", "--filter-platform", host].map(str::to_owned))
        .exec()
        .expect("cargo metadata")
}

#[test]
fn licences_let_everyone_host_tidings() {
    let mut refused = BTreeMap::new();
    for package in all().packages {
        let licence = package.license.unwrap_or_default();
        if !permits(&licence) {
            refused.insert(package.name.to_string(), licence);
        }
    }
    assert!(refused.is_empty(), "licences that are not in LICENCES: {refused:#?}");
}

#[test]
fn everything_comes_from_a_registry() {
    let packages = all().packages;
    let sources = packages.iter().filter_map(|package| package.source.as_ref());
    let others: BTreeSet<_> =
        sources.map(|one| &one.repr).filter(|one| one.starts_with("git")).collect();
    assert!(others.is_empty(), "dependencies on a repository: {others:?}");
}

#[test]
fn what_we_name_is_built_once() {
    let metadata = metadata();
    let packages = metadata.workspace_packages();
    let named: BTreeSet<_> =
        packages.iter().flat_map(|one| &one.dependencies).map(|one| one.name.as_str()).collect();
    let mut releases = BTreeMap::<String, BTreeSet<String>>::new();
    for package in all().packages {
        let (major, minor) = (package.version.major, package.version.minor);
        // Below 1.0 the second number breaks.
        let release = if major == 0 { format!("0.{minor}") } else { major.to_string() };
        releases.entry(package.name.to_string()).or_default().insert(release);
    }
    releases.retain(|name, found| named.contains(name.as_str()) && found.len() > 1);
    releases.retain(|name, _| !TWICE.iter().any(|(known, _)| known == name));
    assert!(releases.is_empty(), "two releases of one crate: {releases:#?}");
}

/// Whether an SPDX expression (or Cargo's older `A/B`) can be met with the licences allowed.
fn permits(expression: &str) -> bool {
    let text = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<_> = text.split_whitespace().collect();
    let mut at = 0;
    let met = any_of(&words, &mut at);
    met && at == words.len()
}

fn any_of(words: &[&str], at: &mut usize) -> bool {
    let mut met = all_of(words, at);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        met |= all_of(words, at);
    }
    met
}

fn all_of(words: &[&str], at: &mut usize) -> bool {
    let mut met = one(words, at);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        met &= one(words, at);
    }
    met
}

fn one(words: &[&str], at: &mut usize) -> bool {
    if words.get(*at) == Some(&"(") {
        *at += 1;
        let met = any_of(words, at);
        *at += 1;
        return met;
    }
    let end = (*at..words.len()).find(|i| ["OR", "AND", ")"].contains(&words[*i]));
    let end = end.unwrap_or(words.len());
    let licence = words[*at..end].join(" ");
    *at = end;
    LICENCES.contains(&licence.as_str())
}

#[test]
fn licence_expressions_are_read() {
    assert!(permits("MIT"));
    assert!(permits("MIT/GPL-3.0"));
    assert!(permits("(MIT OR GPL-3.0) AND Unicode-3.0"));
    assert!(permits("Apache-2.0 WITH LLVM-exception OR MIT"));
    for refused in ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT OR ISC) AND AGPL-3.0"] {
        assert!(!permits(refused), "{refused}");
    }
}
