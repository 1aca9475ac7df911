//! What is asked for: words, phrases and beginnings of words.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use super::{Shape, Token, tokens};

/// The words of a query, all of which must be found.
///
/// Words are separated by spaces; `"a phrase"` is words that follow one another; `begin*` is the beginning of a word.
/// Everything else that is no letter, digit or symbol is passed over: a query has no operators.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words {
    clauses: Vec<Clause>,
}

/// Terms that must follow one another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Clause {
    /// At least one.
    pub(crate) terms: Vec<String>,
    /// Whether the last one is only the beginning of a term.
    pub(crate) begun: bool,
}

const fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\u{201c}' | '\u{201d}' | '\u{201e}')
}

impl Words {
    /// Reads a query: every text is one.
    #[must_use]
    pub fn parse(query: &str) -> Self {
        let mut clauses = BTreeSet::new();
        let mut rest = query.trim_start();
        while !rest.is_empty() {
            let inner = rest.strip_prefix(is_quote);
            let phrase = inner.and_then(|inner| Some((inner, inner.find(is_quote)?)));
            let piece = match phrase {
                Some((inner, end)) => {
                    rest = inner[end..].trim_start_matches(is_quote);
                    // The star may stand before or behind the mark.
                    let stars = rest.len() - rest.trim_start_matches('*').len();
                    let begun = stars > 0 || inner[..end].ends_with('*');
                    rest = &rest[stars..];
                    Clause::of(&inner[..end], begun)
                }
                None => {
                    let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                    let word = &rest[..end];
                    rest = &rest[end..];
                    Clause::of(word, word.ends_with('*'))
                }
            };
            clauses.extend(piece);
            rest = rest.trim_start();
        }
        Self { clauses: clauses.into_iter().collect() }
    }

    /// Whether there is nothing to look for: nothing is found then.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.clauses.is_empty()
    }

    pub(crate) fn clauses(&self) -> &[Clause] {
        &self.clauses
    }

    /// Whether everything that is looked for is in a text.
    #[must_use]
    pub fn are_in(&self, text: &str) -> bool {
        let mut found = BTreeSet::new();
        self.found(&tokens(text), |clause, _| {
            found.insert(clause);
        });
        !self.clauses.is_empty() && found.len() == self.clauses.len()
    }

    /// The bytes of a text in which what is looked for stands, in its order; those that touch are one.
    pub(super) fn spans(&self, tokens: &[Token]) -> Vec<Range<usize>> {
        let mut spans = Vec::new();
        self.found(tokens, |_, span| spans.push(span));
        spans.sort_unstable_by_key(|span| (span.start, span.end));
        let mut joined: Vec<Range<usize>> = Vec::with_capacity(spans.len());
        for span in spans {
            match joined.last_mut() {
                Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
                _ => joined.push(span),
            }
        }
        joined
    }

    /// Names every place at which a clause stands.
    fn found(&self, tokens: &[Token], mut take: impl FnMut(usize, Range<usize>)) {
        let mut by_first: HashMap<&str, Vec<usize>> = HashMap::new();
        let mut begun: Vec<usize> = Vec::new();
        for (index, clause) in self.clauses.iter().enumerate() {
            match clause.terms.as_slice() {
                [_] if clause.begun => begun.push(index),
                [first, ..] => by_first.entry(first).or_default().push(index),
                [] => {}
            }
        }
        for (place, token) in tokens.iter().enumerate() {
            let exact = by_first.get(token.term.as_str());
            for index in exact.into_iter().flatten().chain(&begun) {
                let Some(clause) = self.clauses.get(*index) else { continue };
                if let Some(end) = clause.ends_at(&tokens[place..]) {
                    take(*index, token.span.start..end);
                }
            }
        }
    }
}

impl Clause {
    /// What a piece of a query asks for; none when it has nothing to look for. `begun` says whether its last word is the
    /// beginning of one, if it ends with a word.
    fn of(piece: &str, begun: bool) -> Option<Self> {
        let piece = piece.trim_end_matches('*');
        let mut found = tokens(piece);
        let last = found.last()?;
        let mut begun = begun && last.span.end == piece.len();
        if last.shape == Shape::Single {
            let end = last.span.end;
            let before = found.len().checked_sub(2).and_then(|at| found.get(at));
            // In the text the run may go on.
            if before.is_some_and(|pair| pair.shape == Shape::Pair && pair.span.end == end) {
                found.pop();
                begun = false;
            } else {
                begun = true;
            }
        }
        Some(Self { terms: found.into_iter().map(|token| token.term).collect(), begun })
    }

    /// Where it ends in the text, if it begins with the first of these tokens.
    fn ends_at(&self, tokens: &[Token]) -> Option<usize> {
        let (last, before) = self.terms.split_last()?;
        let (there, after) = tokens.split_at_checked(self.terms.len())?;
        let (end, start) = there.split_last()?;
        let fits = match self.begun {
            true => end.term.starts_with(last.as_str()),
            false => end.term == *last,
        };
        if !fits || start.iter().zip(before).any(|(token, term)| token.term != *term) {
            return None;
        }
        // Of a pair that was asked for by its first character, where the next one begins.
        let half = end.shape == Shape::Pair && end.term.len() > last.len();
        Some(after.first().filter(|_| half).map_or(end.span.end, |next| next.span.start))
    }
}
