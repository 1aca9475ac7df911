//! A refusal by `conflict` or `forbidden` says why in a word that programs can tell: it is made of a reason of the table
//! in `schemas/src/reasons.rs`, which has the code, and never of the code alone.

use std::path::Path;

use super::{is_test, read, source, sources};

/// Where the two codes are named: the tables, and what each code means.
const TABLES: &[&str] =
    &["schemas/src/codes.rs", "schemas/src/reasons.rs", "gateway/src/problem.rs"];

#[test]
fn conflict_and_forbidden_are_made_of_a_reason() {
    let names_them = |file: &Path| {
        let text = read(file);
        let code = source::code(&text);
        let code = code.split("#[cfg(test)]").next().unwrap_or_default();
        code.contains("Code::Conflict") || code.contains("Code::Forbidden")
    };
    let mut found = sources();
    found.retain(|file| !is_test(file) && names_them(file));
    let table = Path::new("gateway/src/problem.rs");
    assert!(found.iter().any(|file| file == table), "the codes are looked for by name");
    found.retain(|file| !TABLES.iter().any(|table| file == Path::new(table)));
    assert!(found.is_empty(), "use Rejection::because: {found:#?}");
}

/// A reason that nothing is refused for is none.
#[test]
fn every_reason_is_used() {
    let used: String = sources()
        .into_iter()
        .filter(|file| !is_test(file))
        .map(|file| source::code(&read(&file)))
        .collect();
    for reason in schemas::RefusalReason::ALL {
        let name = format!("RefusalReason::{reason:?}");
        let next = |at: usize| used[at + name.len()..].chars().next();
        let found =
            used.match_indices(&name).any(|(at, _)| !next(at).is_some_and(char::is_alphanumeric));
        assert!(found, "{name}");
    }
}
