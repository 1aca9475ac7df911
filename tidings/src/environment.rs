//! Variables of the environment that are meant as settings and are none: a name mistyped would otherwise be a setting that was
//! never made, and nothing would say so.

use std::collections::BTreeSet;
use std::fmt;

/// What every variable of a setting begins with.
const PREFIX: &str = "TIDINGS_";
/// What Kubernetes calls the addresses of a Service that is named after us.
const OF_KUBERNETES: [&str; 3] = ["_SERVICE_HOST", "_SERVICE_PORT", "_PORT"];

/// A variable that is called like a setting and is none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Unknown {
    name: String,
    /// The setting that it was meant for, as it seems.
    pub(crate) meant: Option<String>,
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is no setting", self.name)?;
        self.meant.iter().try_for_each(|meant| write!(f, "; is {meant} meant?"))
    }
}

/// The variables that say nothing to the command line's definition, in order.
pub(crate) fn unknown(definition: &clap::Command) -> Vec<Unknown> {
    let known = definition.get_arguments().filter_map(clap::Arg::get_env);
    let known: BTreeSet<String> = known.map(|name| name.to_string_lossy().into_owned()).collect();
    let said = std::env::vars_os().filter(|(_, value)| !value.is_empty());
    let said = said.map(|(name, _)| name.to_string_lossy().into_owned());
    among(&known, said)
}

fn among(known: &BTreeSet<String>, said: impl Iterator<Item = String>) -> Vec<Unknown> {
    let ours = said.filter(|name| {
        let rest = name.strip_prefix(PREFIX).unwrap_or_default();
        let of_kubernetes = OF_KUBERNETES
            .iter()
            .any(|end| name.ends_with(end) || name.contains(&format!("{end}_")));
        !rest.is_empty() && !of_kubernetes && !known.contains(name)
    });
    let mut found: Vec<Unknown> =
        ours.map(|name| Unknown { meant: nearest(known, &name).cloned(), name }).collect();
    found.sort();
    found
}

/// The name that differs in no more than two letters, if there is one.
fn nearest<'a>(known: &'a BTreeSet<String>, name: &str) -> Option<&'a String> {
    let near = known.iter().map(|one| (changes(one.as_bytes(), name.as_bytes()), one));
    near.filter(|(changes, _)| *changes <= 2).min().map(|(_, one)| one)
}

/// How many letters have to be added, taken away or changed to make one text of another.
fn changes(one: &[u8], other: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, letter) in one.iter().enumerate() {
        let mut next = vec![above + 1];
        for ((had, pair), wanted) in row.windows(2).enumerate().zip(other) {
            let [diagonal, upper] = pair else { continue };
            let left = next.get(had).copied().unwrap_or(usize::MAX - 1);
            next.push((diagonal + usize::from(letter != wanted)).min(upper + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_name_is_found_with_what_was_meant() {
        let known = ["TIDINGS_DATA", "TIDINGS_RETENTION_DAYS", "TIDINGS_LISTEN"];
        let known: BTreeSet<String> = known.map(str::to_owned).into();
        let said = |names: &[&str]| {
            let found = among(&known, names.iter().map(|&name| name.to_owned()));
            found.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(said(&["TIDINGS_DATA", "PATH", "TIDINGS_"]), [""; 0]);
        assert_eq!(
            said(&["TIDINGS_RETENTON_DAYS", "TIDINGS_ELSE"]),
            [
                "TIDINGS_ELSE is no setting",
                "TIDINGS_RETENTON_DAYS is no setting; is TIDINGS_RETENTION_DAYS meant?"
            ]
        );
        let links = ["TIDINGS_SERVICE_HOST", "TIDINGS_GATEWAY_PORT_80_TCP_ADDR", "TIDINGS_PORT"];
        assert_eq!(said(&links), [""; 0]);
    }

    #[test]
    fn changes_are_counted_letter_by_letter() {
        for (one, other, wanted) in [
            ("", "", 0),
            ("abc", "abc", 0),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("a", "ba", 1),
        ] {
            assert_eq!(changes(one.as_bytes(), other.as_bytes()), wanted, "{one} {other}");
            assert_eq!(changes(other.as_bytes(), one.as_bytes()), wanted, "{other} {one}");
        }
    }
}
