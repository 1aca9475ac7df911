//! Files, functions and copies stay few enough to be read in one sitting.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{crates, files_below, is_test, read, source, sources};

/// The longest a source file may be, in lines.
const FILE: usize = 400;

/// The longest a function's body may be, in lines that hold code.
const FUNCTION: usize = 60;

/// `.clone()`s in 100 lines of a crate's source, at most, as hundredths.
const CLONES: usize = 120;

/// The web client's files, without those that are generated or come from elsewhere.
fn web_sources() -> impl Iterator<Item = PathBuf> {
    let parts = ["app/src", "app/test", "client/src", "client/test", "types"];
    let files = parts.into_iter().flat_map(|part| files_below(&Path::new("web").join(part)));
    files.filter(|file| {
        let ending = file.extension().and_then(|ending| ending.to_str());
        let is_own = !file.components().any(|part| part.as_os_str() == "node_modules");
        let is_script = matches!(ending, Some("css" | "js" | "mjs" | "ts" | "tsx"));
        is_own && is_script && !file.ends_with("client/src/generated.ts")
    })
}

#[test]
fn no_file_is_long() {
    let mut long = BTreeMap::new();
    for file in sources().into_iter().chain(web_sources()) {
        let name = file.to_string_lossy().into_owned();
        let lines = read(&file).lines().count();
        if lines > FILE {
            long.insert(name, lines);
        }
    }
    assert!(long.is_empty(), "split these files, {FILE} lines at most: {long:#?}");
}

#[test]
fn no_function_is_long() {
    let mut long = BTreeMap::new();
    for file in sources() {
        let code = source::code(&read(&file));
        for at in source::keyword(&code, "fn") {
            let Some(open) = source::opening(&code, at) else { continue };
            let body = source::block(&code, open);
            let lines = body.trim().lines().filter(|line| !line.trim().is_empty()).count();
            let name = code[at + 2..]
                .trim_start()
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .next();
            // The type of a function has no name and no body.
            let Some(name) = name.filter(|name| !name.is_empty()) else { continue };
            let name = format!("{}::{name}", file.display());
            if lines > FUNCTION {
                long.insert(name, lines);
            }
        }
    }
    assert!(long.is_empty(), "split these functions, {FUNCTION} lines at most: {long:#?}");
}

#[test]
fn clones_are_few() {
    let mut many = BTreeMap::new();
    for (name, folder) in crates() {
        let files = files_below(&folder.join("src"));
        let rust = |file: &&PathBuf| file.extension().is_some_and(|ending| ending == "rs");
        // The crate of the tests is all test, though its kit does not lie in such a folder.
        let own = |file: &Path| !is_test(file.strip_prefix(&folder).unwrap_or(file));
        let texts = files.iter().filter(rust).filter(|file| own(file)).map(|file| read(file));
        let text = texts.collect::<Vec<_>>().join("\n");
        let (lines, clones) = (text.lines().count(), text.matches(".clone()").count());
        if clones * 10_000 / lines.max(1) > CLONES {
            many.insert(name, format!("{clones} in {lines} lines"));
        }
    }
    assert!(many.is_empty(), "more than 1.2 clones in 100 lines: {many:#?}");
}

#[test]
fn nothing_is_unfinished() {
    // Written in two parts so that this file does not find itself.
    let unfinished = [concat!("todo", "!("), concat!("unimplemented", "!("), concat!("FIX", "ME")];
    for file in sources() {
        let text = read(&file);
        for mark in unfinished {
            assert!(!text.contains(mark), "{} contains {mark}", file.display());
        }
    }
}
