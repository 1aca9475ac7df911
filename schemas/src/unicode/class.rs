//! What a character is to the rules, and whether it may stand where it stands.

use icu_properties::props::{
    BidiClass, DefaultIgnorableCodePoint, Emoji, ExtendedPictographic, GeneralCategory,
    GeneralCategoryGroup, Ideographic, IndicSyllabicCategory, JoiningType, NoncharacterCodePoint,
    PrependedConcatenationMark,
};
use icu_properties::{CodePointMapData, CodePointSetData};

use super::rule::{MAX_MARKS, MAX_MARKS_IN_NAMES, Rule};

const ZWNJ: char = '\u{200c}';
const ZWJ: char = '\u{200d}';
/// What the tag sequences of regional flags begin with.
const BLACK_FLAG: char = '\u{1f3f4}';
const CANCEL_TAG: char = '\u{e007f}';
/// Letters and digits of a region in a flag, as England's `gbeng`.
const REGION: std::ops::RangeInclusive<usize> = 3..=6;

const INVISIBLE: &str = "an invisible character";
const CONTROL: &str = "a control character";
const DIRECTION: &str = "it changes the direction of text";
const SEPARATOR: &str = "a separator of lines";
const UNDEFINED: &str = "a character without a defined look";
const FLOOD: &str = "too many marks on one character";

/// What a character is to the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// It is seen.
    Shown,
    /// White space on a line.
    Space,
    /// A line end or a tab.
    Line,
    /// It has a place and no look, though it is no white space: Braille's empty cell and the like.
    Empty,
    /// It goes above, below or round another.
    Mark,
    /// It goes beside another.
    Beside,
    /// ZWJ and ZWNJ.
    Joiner,
    /// A variation selector.
    Selector,
    /// A tag.
    Tag,
    /// An implicit direction mark.
    Direction,
    /// A bidirectional isolate or its end.
    Isolate,
    /// For private use.
    Private,
    /// Of no version of Unicode that is known here: it may be an emoji of next year.
    Unknown,
    /// Never allowed, and why.
    Never(&'static str),
}

impl Class {
    pub(super) const fn is_visible(self) -> bool {
        matches!(self, Self::Shown | Self::Private | Self::Unknown)
    }

    pub(super) fn of(c: char) -> Self {
        match c {
            ' ' => Self::Space,
            '!'..='~' => Self::Shown,
            '\n' | '\t' => Self::Line,
            ZWNJ | ZWJ => Self::Joiner,
            '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => Self::Selector,
            '\u{180b}'..='\u{180d}' | '\u{180f}' => Self::Selector,
            '\u{e0020}'..='\u{e007f}' => Self::Tag,
            '\u{200e}' | '\u{200f}' | '\u{61c}' => Self::Direction,
            '\u{2066}'..='\u{2069}' => Self::Isolate,
            '\u{202a}'..='\u{202e}' => Self::Never(DIRECTION),
            '\u{2028}' | '\u{2029}' => Self::Never(SEPARATOR),
            // Braille's blank, the null notehead, what stands for an object that is not there.
            '\u{2800}' | '\u{1d159}' | '\u{fffc}' => Self::Empty,
            _ if CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c) => {
                Self::Never(INVISIBLE)
            }
            _ => Self::of_category(c),
        }
    }

    fn of_category(c: char) -> Self {
        use GeneralCategory as Category;
        match category(c) {
            Category::Control => Self::Never(CONTROL),
            Category::LineSeparator | Category::ParagraphSeparator => Self::Never(SEPARATOR),
            Category::SpaceSeparator => Self::Space,
            Category::NonspacingMark | Category::EnclosingMark => Self::Mark,
            Category::SpacingMark => Self::Beside,
            Category::Format => match c {
                '\u{fff9}'..='\u{fffb}' => Self::Never(INVISIBLE),
                _ if CodePointSetData::new::<PrependedConcatenationMark>().contains(c) => {
                    Self::Shown
                }
                _ => Self::Beside,
            },
            Category::PrivateUse => Self::Private,
            Category::Surrogate => Self::Never(UNDEFINED),
            Category::Unassigned => {
                if CodePointSetData::new::<NoncharacterCodePoint>().contains(c) {
                    Self::Never(UNDEFINED)
                } else if CodePointSetData::new::<ExtendedPictographic>().contains(c) {
                    Self::Shown
                } else {
                    Self::Unknown
                }
            }
            _ => Self::Shown,
        }
    }
}

fn category(c: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(c)
}

fn is_one_of(c: char, group: GeneralCategoryGroup) -> bool {
    group.contains(category(c))
}

/// Whether a joiner can make a picture of it and another.
fn is_pictographic(c: char) -> bool {
    !c.is_ascii()
        && (CodePointSetData::new::<ExtendedPictographic>().contains(c)
            || CodePointSetData::new::<Emoji>().contains(c))
}

/// Whether its letters are joined, or kept apart, by joiners (Arabic, Syriac, Mongolian and the like).
fn is_cursive(c: char) -> bool {
    matches!(
        CodePointMapData::<JoiningType>::new().get(c),
        JoiningType::DualJoining
            | JoiningType::RightJoining
            | JoiningType::LeftJoining
            | JoiningType::JoinCausing
    )
}

/// Whether it belongs to a syllable of a script of South or South-East Asia, where joiners choose a form.
fn is_syllabic(c: char) -> bool {
    let group = GeneralCategoryGroup::Letter.union(GeneralCategoryGroup::Mark);
    CodePointMapData::<IndicSyllabicCategory>::new().get(c) != IndicSyllabicCategory::Other
        && is_one_of(c, group)
}

fn is_symbol(c: char) -> bool {
    is_one_of(c, GeneralCategoryGroup::Symbol.union(GeneralCategoryGroup::Punctuation))
}

/// Whether a selector chooses a look of this character.
fn selects(selector: char, of: char) -> bool {
    match selector {
        '\u{fe0e}' | '\u{fe0f}' => {
            CodePointSetData::new::<Emoji>().contains(of) || (!of.is_ascii() && is_symbol(of))
        }
        '\u{fe00}'..='\u{fe0d}' => {
            !of.is_ascii()
                && Class::of(of) == Class::Shown
                && (is_symbol(of) || is_one_of(of, GeneralCategoryGroup::OtherLetter))
        }
        '\u{e0100}'..='\u{e01ef}' => CodePointSetData::new::<Ideographic>().contains(of),
        _ => matches!(of, '\u{1820}'..='\u{18aa}'),
    }
}

fn has_right_to_left(text: &str) -> bool {
    let class = CodePointMapData::<BidiClass>::new();
    text.chars().any(|c| {
        let direction = Class::of(c) == Class::Direction;
        !direction && matches!(class.get(c), BidiClass::RightToLeft | BidiClass::ArabicLetter)
    })
}

/// What stands before the character that is looked at.
pub(super) struct Context<'a> {
    text: &'a str,
    rule: &'a Rule,
    /// The character right before.
    before: Option<char>,
    /// The last one that was no mark, joiner, selector or skin tone.
    base: Option<char>,
    /// Marks, joiners and selectors since one that was none.
    marks: usize,
    /// Letters of a flag's region so far; none outside a flag.
    region: Option<usize>,
    /// Whether the text is one of a script written from the right; found out when it matters.
    right_to_left: Option<bool>,
}

impl<'a> Context<'a> {
    pub(super) const fn new(text: &'a str, rule: &'a Rule) -> Self {
        Self { text, rule, before: None, base: None, marks: 0, region: None, right_to_left: None }
    }

    /// Whether a character may stand here; `next` is the one after it.
    pub(super) fn judge(
        &mut self,
        c: char,
        class: Class,
        next: Option<char>,
    ) -> Result<(), &'static str> {
        let unfinished = self.region.is_some() && class != Class::Tag;
        let verdict = if unfinished { Err(INVISIBLE) } else { self.verdict(c, class, next) };
        if unfinished {
            self.region = None;
        }
        match class {
            Class::Mark | Class::Joiner | Class::Selector => self.marks += 1,
            Class::Beside | Class::Tag => {}
            _ if self.before == Some(ZWJ) => {}
            _ => self.marks = 0,
        }
        let skin_tone = matches!(c, '\u{1f3fb}'..='\u{1f3ff}') && self.base.is_some();
        if !skin_tone
            && !matches!(class, Class::Mark | Class::Joiner | Class::Selector | Class::Tag)
        {
            self.base = Some(c);
        }
        self.before = Some(c);
        verdict
    }

    /// Whether the text may end here.
    pub(super) const fn end(&self) -> Result<(), (char, &'static str)> {
        match (self.region, self.before) {
            (Some(_), Some(tag)) => Err((tag, INVISIBLE)),
            _ => Ok(()),
        }
    }

    fn verdict(&mut self, c: char, class: Class, next: Option<char>) -> Result<(), &'static str> {
        let allowed = |it: bool, why| if it { Ok(()) } else { Err(why) };
        match class {
            Class::Shown | Class::Space => Ok(()),
            Class::Never(why) => Err(why),
            Class::Line => allowed(self.rule.lines, CONTROL),
            Class::Empty => allowed(!self.rule.name, INVISIBLE),
            Class::Private | Class::Unknown => allowed(!self.rule.name, UNDEFINED),
            Class::Isolate => allowed(!self.rule.name, DIRECTION),
            Class::Direction => allowed(!self.rule.name && self.is_right_to_left(), INVISIBLE),
            Class::Mark | Class::Beside => {
                // At the beginning of a name it would go onto what stands before the name.
                allowed(self.before.is_some() || !self.rule.name, "a mark on nothing")?;
                self.bounded()
            }
            Class::Joiner => {
                allowed(self.joins(c, next), INVISIBLE)?;
                self.bounded()
            }
            Class::Selector => {
                allowed(self.before.is_some_and(|before| selects(c, before)), INVISIBLE)?;
                self.bounded()
            }
            Class::Tag => self.tag(c),
        }
    }

    fn bounded(&self) -> Result<(), &'static str> {
        let most = if self.rule.name { MAX_MARKS_IN_NAMES } else { MAX_MARKS };
        if self.marks < most { Ok(()) } else { Err(FLOOD) }
    }

    fn is_right_to_left(&mut self) -> bool {
        *self.right_to_left.get_or_insert_with(|| has_right_to_left(self.text))
    }

    /// Whether emoji or a script have a use for a joiner here.
    fn joins(&self, joiner: char, next: Option<char>) -> bool {
        if self.before.is_some_and(|before| matches!(before, ZWJ | ZWNJ)) {
            return false;
        }
        let script = |c: char| is_cursive(c) || is_syllabic(c);
        let after_script = self.base.is_some_and(script) || self.before.is_some_and(script);
        let pictures = self.base.is_some_and(is_pictographic) && next.is_some_and(is_pictographic);
        match joiner {
            ZWJ => after_script || pictures || next.is_some_and(is_cursive),
            _ => after_script,
        }
    }

    /// A tag belongs to a region's flag: the black flag, letters and digits, the end.
    fn tag(&mut self, c: char) -> Result<(), &'static str> {
        let so_far = match self.region {
            Some(so_far) => so_far,
            None if self.before == Some(BLACK_FLAG) => 0,
            None => return Err(INVISIBLE),
        };
        let letter = matches!(c, '\u{e0030}'..='\u{e0039}' | '\u{e0061}'..='\u{e007a}');
        if c == CANCEL_TAG && REGION.contains(&so_far) {
            self.region = None;
            return Ok(());
        }
        self.region = Some(so_far + 1);
        if letter && so_far < *REGION.end() { Ok(()) } else { Err(INVISIBLE) }
    }
}

/// See [`super::is_symbol`].
pub(super) fn stands_alone(c: char) -> bool {
    let kind = || CodePointMapData::<GeneralCategory>::new().get(c);
    let symbol = |kind| {
        matches!(
            kind,
            GeneralCategory::OtherSymbol
                | GeneralCategory::CurrencySymbol
                | GeneralCategory::MathSymbol
        )
    };
    !c.is_ascii() && (symbol(kind()) || CodePointSetData::new::<ExtendedPictographic>().contains(c))
}
