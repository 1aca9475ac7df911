//! The form texts are compared in when something is looked for: without case, accents and compatibility variants.

use schemas::unicode::key;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// The form words are compared in: that of names, and accents make no difference either.
pub(crate) fn plain(text: &str) -> String {
    let typewritten = |c| if c == '\u{2019}' { '\'' } else { c };
    let key = key(text);
    let is_control = |c: &char| c.is_control() && !c.is_whitespace();
    let plain = key.nfd().filter(|c| !is_accent(*c) && !is_ignorable(*c) && !is_control(c));
    plain.map(typewritten).nfc().collect()
}

/// Marks that a reader may leave out: those of Latin, Greek and Cyrillic letters, the points of Hebrew and the
/// vowel marks of Arabic. Marks of other scripts are letters of their own.
fn is_accent(c: char) -> bool {
    is_combining_mark(c)
        && matches!(u32::from(c),
            0x0300..=0x036f | 0x0483..=0x0489 | 0x0591..=0x05c7 | 0x0610..=0x061a | 0x064b..=0x065f | 0x0670
            | 0x1ab0..=0x1aff | 0x1dc0..=0x1dff | 0x20d0..=0x20ff | 0xfe20..=0xfe2f)
}

/// Joiners and selectors choose how a character looks.
fn is_ignorable(c: char) -> bool {
    matches!(u32::from(c), 0x00ad | 0x200b..=0x200d | 0x2060 | 0xfe00..=0xfe0f | 0xe0100..=0xe01ef)
}
