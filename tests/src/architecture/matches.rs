//! A new event, lane or collection must be a compile error wherever something depends on which one it is. So a match
//! over them names every case: it ends in neither `_` nor a name that takes whatever is left.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::{crates, is_test, read, source, sources};

/// The enums whose matches are complete.
const COMPLETE: &[&str] = &[
    "EventData::",
    "Lane::",
    "LaneKind::",
    "Collection::",
    "AuditEvent::",
    "BlockEvent::",
    "ChallengeEvent::",
    "ErasureEvent::",
    "ExportEvent::",
    "HoldEvent::",
    "IdentityEvent::",
    "InviteEvent::",
    "MediaEvent::",
    "MemberEvent::",
    "MessageEvent::",
    "NameEvent::",
    "NotificationEvent::",
    "PinEvent::",
    "PrefsEvent::",
    "ReactionEvent::",
    "ReceiptEvent::",
    "ReportEvent::",
    "RetentionEvent::",
    "RoomEvent::",
    "SessionEvent::",
    "ThreadEvent::",
    "UserEvent::",
];

/// Matches with a wildcard that are left, by crate.
const LEFT: &[(&str, usize)] = &[];

#[test]
fn matches_over_events_lanes_and_collections_are_complete() {
    let mut found = BTreeMap::<String, Vec<String>>::new();
    for file in sources().into_iter().filter(|file| !is_test(file)) {
        let text = read(&file);
        let code = source::code(&text);
        let code = code.split("#[cfg(test)]").next().unwrap_or_default();
        for at in source::keyword(code, "match") {
            let Some(open) = source::opening(code, at) else { continue };
            let patterns = source::patterns(source::block(code, open));
            let concerned = patterns.iter().any(|one| COMPLETE.iter().any(|name| names(one, name)));
            if concerned && patterns.iter().any(|one| takes_the_rest(one)) {
                let line = code[..at].lines().count();
                let owner = owner(&file.to_string_lossy());
                found.entry(owner).or_default().push(format!("{}:{line}", file.display()));
            }
        }
    }
    found.retain(|owner, places| {
        let left = LEFT.iter().find(|(name, _)| name == owner).map_or(0, |(_, left)| *left);
        places.len() > left
    });
    assert!(found.is_empty(), "name every case of these matches: {found:#?}");
}

/// What a new family of events touches is written in docs/ADDING.md: where a match names every family, the compiler asks.
#[test]
fn what_a_new_family_touches_is_as_adding_says() {
    let table = read(Path::new("schemas/src/events/mod.rs"));
    let table = table.split("families! {").last().unwrap_or_default();
    let families: Vec<String> = table
        .lines()
        .filter_map(|line| line.trim().split_once("Event) on "))
        .filter_map(|(family, _)| Some(family.split_once('(')?.0.to_owned()))
        .collect();
    assert!(families.len() > 20, "{families:?}");
    let names_all = |file: &PathBuf| {
        let text = read(file);
        let named = |prefix: &str| {
            families.iter().all(|family| text.contains(&format!("{prefix}::{family}(")))
        };
        named("EventData") || named("Self")
    };
    let asked: BTreeSet<String> =
        sources().iter().filter(|file| names_all(file)).map(|f| f.display().to_string()).collect();
    let adding = read(Path::new("docs/ADDING.md"));
    let section = adding.split("\n## ").find(|part| part.starts_with("2. ")).unwrap_or_default();
    let told: BTreeSet<String> = section
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|line| Some(line.split_once('`')?.0.to_owned()))
        .collect();
    assert_eq!(told, asked, "section 2 of docs/ADDING.md (left) and the tree");
}

/// Whether a pattern is one of the enum's cases, at its outermost: a case inside another type's is another match.
fn names(pattern: &str, name: &str) -> bool {
    pattern.split(" | ").any(|one| {
        let one = one
            .trim_start_matches("Some(")
            .trim_start_matches("Ok(")
            .trim_start_matches(['(', '&']);
        one.trim_start_matches("schemas::").starts_with(name)
    })
}

fn takes_the_rest(pattern: &str) -> bool {
    let first = pattern.chars().next();
    let binding = first.is_some_and(|c| c.is_lowercase() || c == '_');
    binding && pattern.chars().all(|c| c.is_alphanumeric() || c == '_')
}

fn owner(file: &str) -> String {
    let owners =
        crates().into_iter().filter(|(_, folder)| file.starts_with(&*folder.to_string_lossy()));
    owners.map(|(name, _)| name).next().unwrap_or_default()
}
