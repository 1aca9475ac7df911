//! What kinds of text there are, and what each may hold.

/// Marks, joiners and selectors in a row that a character of a body, topic or bio may carry: what the
/// Stream-Safe Text Format allows (UAX 15).
pub const MAX_MARKS: usize = 30;
/// The same in names, which stand beside other things: Tibetan and Hebrew need up to nine.
pub const MAX_MARKS_IN_NAMES: usize = 10;

/// What a kind of text may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    /// What an error calls it.
    pub(crate) what: &'static str,
    /// Most characters after normalisation.
    pub(crate) max: usize,
    /// It may be left empty.
    pub(crate) optional: bool,
    /// It may have line ends and tabs.
    pub(crate) lines: bool,
    /// It names a user or a thing beside other names: no isolates, no private characters.
    pub(crate) name: bool,
}

impl Rule {
    /// A name on one line.
    pub(crate) const fn name(what: &'static str, max: usize) -> Self {
        Self { what, max, optional: false, lines: false, name: true }
    }

    /// A text on one line.
    pub(crate) const fn line(what: &'static str, max: usize) -> Self {
        Self { name: false, ..Self::name(what, max) }
    }

    /// A text of lines, which must not be blank.
    pub(crate) const fn body(what: &'static str, max: usize) -> Self {
        Self { lines: true, ..Self::line(what, max) }
    }

    /// A text of lines that may be left empty.
    pub(crate) const fn note(what: &'static str, max: usize) -> Self {
        Self { optional: true, ..Self::body(what, max) }
    }
}
