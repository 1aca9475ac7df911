//! Finding users and rooms by words.
//!
//! A word of a user or room is a row of a table beside theirs; what begins with a word of a query lies together in that
//! table. The query's longest word is looked up this way, the others among the rows of what it has found.

use rusqlite::types::Value;

use super::rows::{prefix_end, raw};
use crate::words;

/// The condition of a query and the values of its question marks, in their order.
#[derive(Default)]
pub(super) struct Asked {
    /// What stands before the searched table in `FROM`: a source named `found`; empty for a search without words.
    pub(super) from: String,
    /// The values of the question marks so far.
    pub(super) with: Vec<Value>,
}

impl Asked {
    /// What is found by a query's words, or none when it has none and so finds nothing. `table` has the words; its
    /// column `owner` says whose they are and becomes `found`.
    pub(super) fn by_words(query: &str, table: &str, owner: &str) -> Option<Self> {
        Self::by_words_of(query, table, owner, "")
    }

    /// The same, by words that may also begin with `mark` in the table; nothing for none.
    pub(super) fn by_words_of(query: &str, table: &str, owner: &str, mark: &str) -> Option<Self> {
        let words = words::asked(query);
        if words.is_empty() {
            return None;
        }
        let mut asked = Self::default();
        for (index, word) in words.iter().enumerate() {
            let range = |of: &str| match mark {
                "" => format!("{of}word >= ? AND {of}word < ?"),
                _ => format!("({of}word >= ? AND {of}word < ? OR {of}word >= ? AND {of}word < ?)"),
            };
            asked.from.push_str(&match index {
                0 => format!(
                    "(SELECT DISTINCT {owner} AS found FROM {table} AS first WHERE {}",
                    range("")
                ),
                _ => format!(
                    " AND EXISTS (SELECT 1 FROM {table} AS more
                        WHERE more.{owner} = first.{owner} AND {})",
                    range("more.")
                ),
            });
            asked.with.extend([Value::Text(word.clone()), Value::Text(prefix_end(word))]);
            if !mark.is_empty() {
                let word = format!("{mark}{word}");
                asked.with.extend([Value::Text(word.clone()), Value::Text(prefix_end(&word))]);
            }
        }
        asked.from.push_str(") CROSS JOIN ");
        Some(asked)
    }
}

/// The bytes of an id as a value; before those of every id for none.
pub(super) fn after(id: Option<&impl AsRef<str>>) -> Value {
    Value::Blob(id.map_or_else(Vec::new, |id| raw(id).to_vec()))
}
