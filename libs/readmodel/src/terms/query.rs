//! What is asked for: words, phrases and beginnings of words.

use std::collections::BTreeSet;
use std::ops::Range;

use super::{Shape, Token, each, tokens};

/// The words of a query, all of which must be found.
///
/// Words are separated by spaces; `"a phrase"` is words that follow one another; `begin*` is the beginning of a word.
/// Everything else that is no letter, digit or symbol is passed over: a query has no operators.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words {
    /// In the order of their terms, so that those that begin with a term lie together.
    clauses: Vec<Clause>,
    /// Which of them are the beginning of a word and nothing more.
    begun: Vec<usize>,
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
        let clauses: Vec<Clause> = clauses.into_iter().collect();
        let begun = |(_, clause): &(usize, &Clause)| clause.begun && clause.terms.len() == 1;
        let begun = clauses.iter().enumerate().filter(begun).map(|(index, _)| index).collect();
        Self { clauses, begun }
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
        let missing = self.clauses.len();
        let found = vec![false; missing];
        let mut look = Look { words: self, found, missing, open: Vec::new() };
        each(text, |term, _, _| look.see(term));
        !self.is_empty() && look.missing == 0
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
    pub(super) fn found(&self, tokens: &[Token], mut take: impl FnMut(usize, Range<usize>)) {
        for (place, token) in tokens.iter().enumerate() {
            for index in self.that_begin_with(&token.term) {
                let Some(clause) = self.clauses.get(index) else { continue };
                if let Some(end) = clause.ends_at(&tokens[place..]) {
                    take(index, token.span.start..end);
                }
            }
        }
    }

    /// The clauses that may stand where a term of a text stands.
    fn that_begin_with<'a>(&'a self, term: &'a str) -> impl Iterator<Item = usize> + 'a {
        let start = self.clauses.partition_point(|clause| clause.first() < term);
        let rest = self.clauses.iter().enumerate().skip(start);
        let whole = rest.take_while(move |(_, clause)| clause.first() == term);
        let whole = whole.filter(|(_, clause)| clause.terms.len() > 1 || !clause.begun);
        let begins = move |index: &usize| {
            self.clauses.get(*index).is_some_and(|one| term.starts_with(one.first()))
        };
        whole.map(|(index, _)| index).chain(self.begun.iter().copied().filter(begins))
    }
}

/// A look for words in a text whose terms come one after another. Most texts that are looked at have what is looked for
/// and nothing is made of the others, so no term is kept.
struct Look<'a> {
    words: &'a Words,
    /// Which clauses were found.
    found: Vec<bool>,
    /// How many were not.
    missing: usize,
    /// Phrases that may stand here, and how many of their terms were seen.
    open: Vec<(usize, usize)>,
}

impl Look<'_> {
    fn see(&mut self, term: &str) {
        let Self { words, found, missing, open } = self;
        if *missing == 0 {
            return;
        }
        let mut take = |index: usize| {
            if let Some(found) = found.get_mut(index).filter(|found| !**found) {
                *found = true;
                *missing -= 1;
            }
        };
        open.retain_mut(|(index, seen)| {
            let Some(clause) = words.clauses.get(*index) else { return false };
            let fits = clause.fits(*seen, term);
            *seen += 1;
            let whole = *seen == clause.terms.len();
            if fits && whole {
                take(*index);
            }
            fits && !whole
        });
        for index in words.that_begin_with(term) {
            match words.clauses.get(index).map_or(0, |clause| clause.terms.len()) {
                0 | 1 => take(index),
                _ => open.push((index, 1)),
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

    fn first(&self) -> &str {
        self.terms.first().map_or("", String::as_str)
    }

    /// Whether a term of a text may stand at one of its places.
    fn fits(&self, place: usize, term: &str) -> bool {
        let is_last = place + 1 == self.terms.len();
        self.terms.get(place).is_some_and(|own| match self.begun && is_last {
            true => term.starts_with(own.as_str()),
            false => term == own,
        })
    }

    /// Where it ends in the text, if it begins with the first of these tokens.
    fn ends_at(&self, tokens: &[Token]) -> Option<usize> {
        let last = self.terms.last()?;
        let (there, after) = tokens.split_at_checked(self.terms.len())?;
        let end = there.last()?;
        if there.iter().enumerate().any(|(place, token)| !self.fits(place, &token.term)) {
            return None;
        }
        // Of a pair that was asked for by its first character, where the next one begins.
        let half = end.shape == Shape::Pair && end.term.len() > last.len();
        Some(after.first().filter(|_| half).map_or(end.span.end, |next| next.span.start))
    }
}
