//! Inside each crate, modules form a directed acyclic graph: a module can be read, tested and replaced with what it
//! imports, and never needs what imports it.
//!
//! The scan reads `use` declarations and the paths that begin with `crate`, `super`, `self` or a child module. It
//! follows re-exports to the file an item stands in, and leaves tests out. Two graphs are checked: files, and at
//! every level the folders (the children of one module, each with all that is below it).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::metadata;

mod scan;

use scan::{Module, modules};

type Graph = BTreeMap<String, BTreeSet<String>>;
/// A crate, and the modules of one of its circles.
type Circle = (String, Vec<String>);

fn crates() -> Vec<(String, Vec<Module>)> {
    let metadata = metadata();
    let packages = metadata.workspace_packages();
    let of = |source: &Path| modules(source);
    packages
        .into_iter()
        .map(|package| {
            let home = package.manifest_path.parent().expect("a folder");
            (package.name.to_string(), of(home.join("src").as_std_path()))
        })
        .collect()
}

fn shown(path: &[String]) -> String {
    if path.is_empty() { "(root)".to_owned() } else { path.join("::") }
}

fn files(modules: &[Module]) -> Graph {
    let edges = |module: &Module| module.uses.iter().map(|path| shown(path)).collect();
    modules.iter().map(|module| (shown(&module.path), edges(module))).collect()
}

/// The children of `parent` as one graph: everything below a child belongs to it.
fn folder(modules: &[Module], parent: &[String]) -> Graph {
    let child = |path: &[String]| {
        let below = path.len() > parent.len() && path.starts_with(parent);
        below.then(|| shown(&path[..=parent.len()]))
    };
    let mut graph = Graph::new();
    for module in modules {
        let Some(from) = child(&module.path) else { continue };
        let to = module.uses.iter().filter_map(|path| child(path)).filter(|to| *to != from);
        let to: Vec<String> = to.collect();
        graph.entry(from).or_default().extend(to);
    }
    graph
}

fn reachable(graph: &Graph, from: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        for next in graph.get(at).into_iter().flatten() {
            if found.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    found
}

/// The sets of nodes that all lead to each other.
fn circles(graph: &Graph) -> Vec<Vec<String>> {
    let all: BTreeMap<&String, BTreeSet<String>> =
        graph.keys().map(|node| (node, reachable(graph, node))).collect();
    let mut found: BTreeSet<Vec<String>> = BTreeSet::new();
    for (node, to) in &all {
        let back = |other: &&String| all.get(other).is_some_and(|to| to.contains(*node));
        let circle: Vec<String> = to.iter().filter(back).cloned().collect();
        if !circle.is_empty() {
            found.insert(circle);
        }
    }
    found.into_iter().collect()
}

#[test]
fn files_import_each_other_one_way() {
    let mut found: Vec<Circle> = Vec::new();
    for (name, modules) in crates() {
        found.extend(circles(&files(&modules)).into_iter().map(|circle| (name.clone(), circle)));
    }
    assert!(found.is_empty(), "modules import each other in a circle: {found:#?}");
}

#[test]
fn folders_import_each_other_one_way() {
    let mut found: BTreeSet<Circle> = BTreeSet::new();
    for (name, modules) in crates() {
        for parent in &modules {
            let circles = circles(&folder(&modules, &parent.path));
            found.extend(circles.into_iter().map(|circle| (name.clone(), circle)));
        }
    }
    assert!(found.is_empty(), "folders import each other in a circle: {found:#?}");
}

#[test]
fn a_circle_is_found_and_what_leads_to_it_is_not_in_it() {
    let edges = [("a", "b"), ("b", "c"), ("c", "b"), ("c", "d")];
    let mut graph = Graph::new();
    for (from, to) in edges {
        graph.entry(from.to_owned()).or_default().insert(to.to_owned());
    }
    assert_eq!(circles(&graph), [["b", "c"]]);
}
