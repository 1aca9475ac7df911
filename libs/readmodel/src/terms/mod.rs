//! The terms messages are found by: the same for what is stored and for what is asked, in every store.
//!
//! A *term* is a word without case, accents and compatibility variants: letters and digits up to the next sign or
//! space. Scripts that are written without spaces have no words to see, and Korean has words that go on: there every
//! two neighbouring characters are a term and the last one of a run is one by itself, so that any part of a run is
//! found. An emoji or another symbol is a term. Punctuation only separates.
//!
//! Terms are in an order, so a phrase is terms that follow one another. A text has no more terms than its plain form has
//! characters. No term has a space, a quote or another sign of ASCII.
//!
//! Owns what is one term. It must not know queries or databases. Another division of texts is another layout: what is stored is
//! found by it.

pub(crate) mod block;
mod query;
mod snippet;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::LazyLock;

use schemas::unicode::is_symbol;
use unicode_normalization::char::is_combining_mark;
use unicode_segmentation::UnicodeSegmentation as _;

use crate::plain::plain;

pub use query::Words;

/// Characters of a term: a longer word is several.
const MAX_CHARS: usize = 64;

/// What a term is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A word, or a symbol.
    Word,
    /// Two neighbouring characters of a script without spaces.
    Pair,
    /// The last character of a run of such.
    Single,
}

/// A term in its place in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) term: String,
    /// The bytes of the text it stands for. Those of neighbouring pairs overlap.
    pub(crate) span: Range<usize>,
    pub(crate) shape: Shape,
}

/// The terms of a text, in its order.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    each(text, |term, span, shape| tokens.push(Token { term: term.to_owned(), span, shape }));
    tokens
}

/// Goes through the terms of a text, in its order. Time is linear in the length of the text.
pub(crate) fn each(text: &str, take: impl FnMut(&str, Range<usize>, Shape)) {
    let mut walk = Walk {
        take,
        open: Open::Nothing,
        term: String::new(),
        chars: 0,
        span: 0..0,
        folded: String::new(),
    };
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        // An ASCII character before another one, or the end, is seen as it stands.
        if byte.is_ascii() && bytes.get(at + 1).is_none_or(u8::is_ascii) {
            walk.ascii(*byte, at);
            at += 1;
            continue;
        }
        let mut chars = text[at..].chars();
        let alone =
            chars.next().filter(|c| stands_apart(*c) && chars.next().is_none_or(stands_apart));
        let cluster = match alone {
            Some(c) => &text[at..at + c.len_utf8()],
            None => text[at..].graphemes(true).next().unwrap_or(&text[at..]),
        };
        walk.cluster(cluster, at);
        at += cluster.len();
    }
    walk.end();
}

/// What was begun and goes on with the next character, if that fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Nothing,
    /// A word, as far as it goes.
    Word,
    /// A run of a script without spaces: its last character.
    Run,
}

struct Walk<F> {
    take: F,
    open: Open,
    term: String,
    chars: usize,
    span: Range<usize>,
    folded: String,
}

impl<F: FnMut(&str, Range<usize>, Shape)> Walk<F> {
    /// What users see as one character: a letter with its marks, an emoji of several code points, a flag.
    fn cluster(&mut self, cluster: &str, at: usize) {
        let span = at..at + cluster.len();
        if cluster.starts_with(is_space) {
            self.end();
        }
        if cluster.chars().all(is_space) {
            return;
        }
        let mut folded = std::mem::take(&mut self.folded);
        folded.clear();
        fold(cluster, &mut folded);
        if folded.chars().next().is_some_and(is_symbol) {
            self.symbol(&folded, &span);
        } else {
            // One that is not seen leaves nothing, and a word goes on behind it.
            for c in folded.chars() {
                self.character(c, span.clone());
            }
        }
        self.folded = folded;
    }

    fn ascii(&mut self, byte: u8, at: usize) {
        match byte.is_ascii_alphanumeric() {
            true => self.letter(char::from(byte.to_ascii_lowercase()), at..at + 1),
            false => self.end(),
        }
    }

    fn character(&mut self, c: char, span: Range<usize>) {
        if !c.is_alphanumeric() && !is_combining_mark(c) {
            self.end();
        } else if is_unspaced(c) {
            self.unspaced(c, span);
        } else {
            self.letter(c, span);
        }
    }

    fn letter(&mut self, c: char, span: Range<usize>) {
        if self.open != Open::Word || self.chars == MAX_CHARS {
            self.end();
            self.begin(Open::Word, c, span);
        } else {
            self.term.push(c);
            self.chars += 1;
            self.span.end = span.end;
        }
    }

    fn unspaced(&mut self, c: char, span: Range<usize>) {
        if self.open == Open::Run {
            self.term.push(c);
            (self.take)(&self.term, self.span.start..span.end, Shape::Pair);
        } else {
            self.end();
        }
        self.begin(Open::Run, c, span);
    }

    /// A symbol has one look in any skin.
    fn symbol(&mut self, folded: &str, span: &Range<usize>) {
        self.end();
        let is_skin = |c: &char| matches!(u32::from(*c), 0x1f3fb..=0x1f3ff);
        let bare = folded.chars().all(|c| is_skin(&c));
        for c in folded.chars().filter(|c| bare || !is_skin(c)) {
            self.letter(c, span.clone());
        }
        self.end();
    }

    fn begin(&mut self, open: Open, c: char, span: Range<usize>) {
        self.open = open;
        self.term.clear();
        self.term.push(c);
        self.chars = 1;
        self.span = span;
    }

    fn end(&mut self) {
        let shape = match self.open {
            Open::Nothing => return,
            Open::Word => Shape::Word,
            Open::Run => Shape::Single,
        };
        (self.take)(&self.term, self.span.clone(), shape);
        self.open = Open::Nothing;
    }
}

/// White space, and what stands for it without being seen.
fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200b}' | '\u{2800}')
}

/// Whether a letter is of a script without spaces between words: Thai, Lao, Burmese, Khmer, Chinese and Japanese, and
/// Korean, whose words take endings.
fn is_unspaced(c: char) -> bool {
    match u32::from(c) {
        0x0e01..=0x0edf | 0x1000..=0x109f | 0x1780..=0x17dd => !c.is_numeric(),
        0x3005..=0x3007
        | 0x3041..=0x30ff
        | 0x31f0..=0x31ff
        | 0x3400..=0x4dbf
        | 0x4e00..=0x9fff
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0x20000..=0x3ffff => true,
        _ => false,
    }
}

/// The first character that is not in the table.
const END: u32 = 0x600;

/// The plain forms of Latin, Greek, Cyrillic, Armenian and Hebrew letters.
static TABLE: LazyLock<Vec<Box<str>>> = LazyLock::new(|| {
    let form = |code| plain(&char::from_u32(code).unwrap_or_default().to_string());
    (0..END).map(|code| form(code).into_boxed_str()).collect()
});

/// Kana, Chinese characters, Korean syllables and most emoji, which have no other form.
const fn is_its_own_form(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}' | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7a3}' | '\u{1f400}'..='\u{1f64f}' | '\u{1f900}'..='\u{1f9ff}')
}

/// Whether a character is never one with a neighbour that is of these, too: nearly all there are in texts.
const fn stands_apart(c: char) -> bool {
    c.is_ascii() || matches!(c, '\u{c0}'..='\u{24f}') || is_its_own_form(c)
}

/// The plain form of a cluster. Nearly all are single characters of few scripts, which need not be taken apart.
fn fold(cluster: &str, folded: &mut String) {
    let mut chars = cluster.chars();
    if let (Some(c), None) = (chars.next(), chars.next()) {
        if is_its_own_form(c) {
            return folded.push(c);
        }
        let place = usize::try_from(u32::from(c)).unwrap_or(usize::MAX);
        if let Some(form) = TABLE.get(place) {
            return folded.push_str(form);
        }
    }
    folded.push_str(&plain(cluster));
}
