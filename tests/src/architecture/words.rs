//! Plain English: people are *they*, *the user*, *the caller*; a role is named; names of modules say something.

use std::collections::BTreeMap;
use std::path::Path;

use super::{files_below, metadata, read, sources};

/// Names of crates, folders and files that say nothing.
const EMPTY_NAMES: &[&str] =
    &["common", "utils", "util", "core", "shared", "helpers", "helper", "misc"];

/// Words for people that the tree does without.
const AVOIDED: &[&str] = &[
    "he", "him", "his", "himself", "she", "her", "hers", "herself", "somebody", "nobody", "whoever",
];

/// What is read: comments, documents, messages, descriptions.
const READ: &[&str] =
    &["rs", "md", "toml", "json", "yaml", "conf", "py", "ts", "tsx", "css", "html", "mjs"];
/// Files without an ending that are read, too.
const READ_BY_NAME: &[&str] =
    &["Makefile", "Dockerfile", "bench", "check", "check-generated", "test"];

/// The parts of the tree, and how many of these words each holds at most.
const PARTS: &[(&str, usize)] = &[
    ("schemas", 0),
    ("libs/eventlog", 0),
    ("libs/blobs", 0),
    ("libs/bus", 0),
    ("libs/decider", 0),
    ("libs/oidc", 0),
    ("libs/service", 0),
    ("libs/readmodel", 0),
    ("libs/telemetry", 0),
    ("libs/testbed", 0),
    ("auth-svc", 0),
    ("chat-svc", 0),
    ("projector", 0),
    ("notifier", 0),
    // A frame of a test, in two parts.
    ("gateway", 1),
    ("tidings", 0),
    ("tests", 0),
    ("bench", 0),
    ("docs", 0),
    ("deploy", 0),
    ("tools", 0),
    ("web/app/src", 0),
    ("web/app/test", 0),
    ("web/app/docs", 0),
    ("web/client/src", 0),
    ("web/client/test", 0),
    ("web/types", 0),
];

/// Files that lie beside the parts.
const FILES: &[&str] = &[
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Makefile",
    "web/app/index.html",
    "web/app/budget.mjs",
];

#[test]
fn people_are_they() {
    let mut found = BTreeMap::new();
    for (part, left) in PARTS {
        let mut places = Vec::new();
        for file in files_below(Path::new(part)).into_iter().filter(|file| is_read(file)) {
            places.extend(avoided(&file));
        }
        if places.len() > *left {
            found.insert(part, places);
        }
    }
    let beside = FILES.iter().flat_map(|file| avoided(Path::new(file))).collect::<Vec<_>>();
    if !beside.is_empty() {
        found.insert(&"beside the parts", beside);
    }
    for (part, places) in &found {
        eprintln!("{part}: {} places", places.len());
    }
    assert!(found.is_empty(), "name the role, or say they: {found:#?}");
}

#[test]
fn the_files_beside_the_parts_are_there() {
    for file in FILES {
        assert!(!read(Path::new(file)).is_empty(), "{file} is not there");
    }
}

/// Comments that say less than the name they stand at.
const QUESTIONS: &[&str] =
    &["Which.", "Who.", "Whose.", "Whom.", "Where.", "When.", "What.", "Why.", "How."];

#[test]
fn comments_say_more_than_a_question() {
    let mut places = Vec::new();
    for file in sources() {
        for (number, line) in read(&file).lines().enumerate() {
            let comment = line.trim_start().strip_prefix("///").map(str::trim);
            if comment.is_some_and(|comment| QUESTIONS.contains(&comment)) {
                places.push(format!("{}:{}", file.display(), number + 1));
            }
        }
    }
    assert!(places.is_empty(), "say what it is: {places:#?}");
}

fn is_read(file: &Path) -> bool {
    let ending = file.extension().map(|ending| ending.to_string_lossy().into_owned());
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    // Other languages have other words.
    if name.ends_with("de.json") || file.components().any(|part| part.as_os_str() == "node_modules")
    {
        return false;
    }
    ending.is_some_and(|ending| READ.contains(&ending.as_str())) || READ_BY_NAME.contains(&&*name)
}

/// Where a file says one of the words.
fn avoided(file: &Path) -> Vec<String> {
    if file.ends_with("architecture/words.rs") {
        return Vec::new();
    }
    let text = read(file);
    let mut places = Vec::new();
    for (number, line) in text.lines().enumerate() {
        // A value of the API is what it is, and a key of the catalogue is named like it.
        let line = line.replace("\"nobody\"", "").replace("`nobody`", "").replace(".nobody", "");
        for word in line.split(|c: char| !c.is_alphanumeric() && c != '_') {
            if AVOIDED.contains(&word.to_lowercase().as_str()) {
                places.push(format!("{}:{} {word}", file.display(), number + 1));
            }
        }
    }
    places
}

#[test]
fn names_of_crates_and_modules_say_something() {
    let metadata = metadata();
    for package in metadata.workspace_packages() {
        assert!(!EMPTY_NAMES.contains(&package.name.as_str()), "the crate {}", package.name);
    }
    for file in sources() {
        let folder = file.parent().and_then(Path::file_name).unwrap_or_default();
        for name in [file.file_stem().unwrap_or_default(), folder] {
            let empty = EMPTY_NAMES.contains(&&*name.to_string_lossy());
            assert!(!empty, "{} has a name that says nothing", file.display());
        }
    }
}
