//! What the architecture promises, checked over the workspace as cargo sees it and over its source files.
//!
//! One file per promise: the direction of dependencies (`layers`), what comes from outside (`dependencies`), sizes
//! (`sizes`), complete matches (`matches`), refusals that say why (`reasons`),
//! the imports inside each crate (`modules`), the words of the tree (`words`), what is deployed (`deploy`). These tests read files and start nothing.
//! A bar that is not met everywhere yet has a list of exceptions beside it; an exception may be lowered or removed,
//! never raised.

use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{Metadata, MetadataCommand};

mod dependencies;
mod deploy;
mod layers;
mod matches;
mod modules;
mod reasons;
mod sizes;
mod source;
mod words;

/// The workspace's folder.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace")
}

/// The workspace's own packages, without what they depend on.
fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .expect("cargo metadata")
}

/// A crate of the workspace: its name and its folder, relative to the root.
fn crates() -> Vec<(String, PathBuf)> {
    let metadata = metadata();
    let packages = metadata.workspace_packages().into_iter();
    let folder_of = |manifest: &Path| {
        let folder = manifest.parent().expect("a folder");
        folder.strip_prefix(root()).expect("below the root").to_owned()
    };
    packages.map(|one| (one.name.to_string(), folder_of(one.manifest_path.as_std_path()))).collect()
}

/// Every Rust file of the workspace's crates, relative to the root.
fn sources() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for (_, folder) in crates() {
        for part in ["src", "tests", "examples", "preload"] {
            files.extend(files_below(&folder.join(part)));
        }
    }
    files.retain(|path| path.extension().is_some_and(|ending| ending == "rs"));
    files
}

/// All files below a folder of the workspace, relative to the root, in a fixed order.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut folders = vec![root().join(folder)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            match path.is_dir() {
                true => folders.push(path),
                false => files.push(path.strip_prefix(root()).expect("below the root").to_owned()),
            }
        }
    }
    files.sort();
    files
}

/// The text of a file of the workspace.
fn read(file: &Path) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_default()
}

/// Whether a file holds tests only, where panics, wildcards and clones are allowed.
fn is_test(file: &Path) -> bool {
    let in_tests = file.components().any(|part| part.as_os_str() == "tests");
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    in_tests || stem == "tests" || stem.ends_with("_tests")
}
