//! Finding the people a text names.

use schemas::values::Username;

/// Distinct names of one text that are looked at; further ones are plain text.
pub const MAX_NAMES: usize = 50;
/// The name that means everybody in the room.
const ROOM: &str = "room";

/// One `@name` of a text and what it may mean: the longest reading first. `@ada.` at the end of a
/// sentence is `ada.` if somebody is called so, else `ada`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Usernames to try, in order.
    pub readings: Vec<Username>,
}

/// Who a text names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mentions {
    /// The distinct names, in the order of the text, at most [`MAX_NAMES`].
    pub names: Vec<Named>,
    /// Whether the whole room is named.
    pub room: bool,
}

const fn in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

/// What may stand before the `@` of an address or a path, so that it is not a mention.
fn joins(before: Option<char>) -> bool {
    before.is_some_and(|c| c.is_alphanumeric() || "._-+@/%".contains(c))
}

impl Mentions {
    /// Reads the mentions out of a text. Time and memory are linear in its length.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut found = Self::default();
        for (at, _) in text.match_indices('@') {
            let before = text.get(..at).and_then(|head| head.chars().next_back());
            let rest = text.get(at + 1..).unwrap_or_default();
            let length = rest.bytes().take_while(|byte| in_name(*byte)).count();
            let name = rest.get(..length).unwrap_or_default();
            let after = rest.as_bytes().get(length);
            if joins(before) || name.is_empty() || after == Some(&b'@') {
                continue;
            }
            found.note(name);
        }
        found
    }

    fn note(&mut self, name: &str) {
        let readings = readings(name);
        if readings.iter().any(|name| name.as_str() == ROOM) {
            self.room = true;
            return;
        }
        let named = Named { readings };
        let wanted = !named.readings.is_empty() && self.names.len() < MAX_NAMES;
        if wanted && !self.names.contains(&named) {
            self.names.push(named);
        }
    }
}

/// The username as written, then with one after another of the marks at its end taken for punctuation.
fn readings(name: &str) -> Vec<Username> {
    /// A name ends in at most this many marks that are tried as part of it.
    const MARKS: usize = 3;
    let bare = name.trim_end_matches(['.', '-', '_']);
    let marks = name.len() - bare.len();
    let tried = if marks > MARKS { 0..=0 } else { 0..=marks };
    tried
        .rev()
        .filter_map(|marks| name.get(..bare.len() + marks))
        .filter_map(|reading| Username::parse(reading).ok())
        .collect()
}
