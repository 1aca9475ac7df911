//! Settings that are one of a few words.

use std::fmt;

/// A text is none of the words that a setting takes; its text says which these are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidChoice {
    words: Vec<&'static str>,
}

impl fmt::Display for InvalidChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.words.split_last() {
            Some((last, [])) => write!(f, "write {last}"),
            Some((last, others)) => write!(f, "write {} or {last}", others.join(", ")),
            None => f.write_str("there is nothing to choose"),
        }
    }
}
impl std::error::Error for InvalidChoice {}

/// What a text says, of these words.
///
/// # Errors
/// [`InvalidChoice`] when it is none of them; upper case is not lower case.
pub(crate) fn choose<T: Copy>(
    text: &str,
    choices: &[(&'static str, T)],
) -> Result<T, InvalidChoice> {
    let found = choices.iter().find(|(word, _)| *word == text);
    found
        .map(|(_, choice)| *choice)
        .ok_or_else(|| InvalidChoice { words: choices.iter().map(|(word, _)| *word).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_what_it_stands_for_and_another_names_those_that_are_taken() {
        let of = |text: &str| choose(text, &[("one", 1), ("two", 2), ("three", 3)]);
        assert_eq!(of("two"), Ok(2));
        for other in ["", "Two", "two ", "four"] {
            let error = of(other).unwrap_err();
            assert_eq!(error.to_string(), "write one, two or three", "{other}");
        }
        assert_eq!(choose("a", &[("b", ())]).unwrap_err().to_string(), "write b");
    }
}
