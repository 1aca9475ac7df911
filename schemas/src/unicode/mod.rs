//! What texts that people see may hold, and when two names are the same.
//!
//! A text is brought into one form when it is accepted from a client (NFC, line ends as LF) and refused when
//! it holds what has no look of its own: control characters, bidirectional overrides, separators of lines,
//! tags and other invisible format characters. Joiners, variation selectors and direction marks stay where
//! emoji and scripts need them. The rules follow PRECIS (RFC 8264), Unicode Standard Annexes 9, 15 and 31 and
//! Technical Standard 51; `docs/TEXT.md` tells them to people who write clients.
//!
//! Nothing here looks at a text that was stored: what an older build has accepted is read back as it is.

mod class;
mod key;
mod rule;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;

pub use key::key;
pub(crate) use rule::Rule;
pub use rule::{MAX_MARKS, MAX_MARKS_IN_NAMES};

use crate::invalid::{InvalidValue, invalid};
use class::{Class, Context};

/// A character takes at most this many bytes of a raw text before it is composed.
const RAW_BYTES: usize = 16;

/// Brings a client's text into the form it is kept in. Time and memory are linear in its length.
///
/// # Errors
/// [`InvalidValue`]: `too_short` for nothing to see, `invalid_format` for a character that may not be
/// there, `too_long`.
pub(crate) fn accept(text: &str, rule: &Rule) -> Result<String, InvalidValue> {
    let Rule { what, max, .. } = *rule;
    let too_long = || invalid("too_long", format!("{what} must have at most {max} characters"));
    if text.len() > max.saturating_mul(RAW_BYTES) {
        return Err(too_long());
    }
    let text = if rule.lines { text } else { text.trim_matches(at_the_edge) };
    if text.is_empty() && rule.optional {
        return Ok(String::new());
    }
    // Nearly all text is plain: one glance at its bytes says so.
    if text.bytes().all(|b| (0x20..0x7f).contains(&b) || (rule.lines && b == b'\n')) {
        return match text.len() {
            _ if text.trim_ascii().is_empty() => Err(blank(what)),
            length if length > max => Err(too_long()),
            _ => Ok(text.to_owned()),
        };
    }
    let text = composed(&unified(text, rule.lines)).into_owned();
    let look = Look::at(&text, rule);
    if !look.visible {
        return Err(blank(what));
    }
    if let Some((refused, why)) = look.refused {
        let code_point = u32::from(refused);
        let detail = format!("{what} must not contain U+{code_point:04X} there ({why})");
        return Err(invalid("invalid_format", detail));
    }
    if look.length > max { Err(too_long()) } else { Ok(text) }
}

fn blank(what: &str) -> InvalidValue {
    invalid("too_short", format!("{what} must have something to see"))
}

/// What is cut off at both ends of a text on one line: white space that typing leaves behind.
fn at_the_edge(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r') || (c.is_whitespace() && !c.is_control() && !is_separator(c))
}

const fn is_separator(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}')
}

/// CRLF and CR as LF, where lines are allowed.
fn unified(text: &str, lines: bool) -> Cow<'_, str> {
    if lines && text.contains('\r') {
        Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Whether a character stands for something by itself without being a letter, digit or punctuation: an emoji (also one
/// that is not assigned yet), an arrow, a sign of a currency or of mathematics. None of ASCII's does.
#[must_use]
pub fn is_symbol(c: char) -> bool {
    class::stands_alone(c)
}

/// A text in Normalization Form C.
#[must_use]
pub fn composed(text: &str) -> Cow<'_, str> {
    const NFC: ComposingNormalizerBorrowed<'static> = ComposingNormalizerBorrowed::new_nfc();
    NFC.normalize(text)
}

/// What a text that is to be found by looks like: as names and bodies are kept.
#[must_use]
pub fn sought(text: &str) -> Cow<'_, str> {
    match text.trim_matches(at_the_edge) {
        plain if plain.is_ascii() => Cow::Borrowed(plain),
        text => composed(text),
    }
}

/// What one walk over a composed text has found.
#[derive(Default)]
struct Look {
    /// In characters.
    length: usize,
    visible: bool,
    /// The first character that may not be there, and why.
    refused: Option<(char, &'static str)>,
}

impl Look {
    fn at(text: &str, rule: &Rule) -> Self {
        let mut look = Self::default();
        let mut context = Context::new(text, rule);
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            look.length += 1;
            let class = Class::of(c);
            let verdict = context.judge(c, class, chars.peek().copied());
            look.visible |= class.is_visible();
            if let Err(why) = verdict {
                look.refused.get_or_insert((c, why));
            }
        }
        if let Err((c, why)) = context.end() {
            look.refused.get_or_insert((c, why));
        }
        look
    }
}
