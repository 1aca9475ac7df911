//! The words users and rooms are found by: the same for what is stored and for what is asked, in every store.
//!
//! A word begins wherever letters and digits begin, or signs (punctuation, emoji, other symbols); it goes on to the next
//! space, so that `ada.l` and `lovelace` both find `ada.lovelace`. Scripts that are written without spaces have no
//! words to see, so there every ideograph begins one. Words are compared in a form without case, accents and
//! compatibility variants. Every sign in a query stands for itself.

use std::collections::BTreeSet;

use unicode_normalization::char::is_combining_mark;

use crate::documents::{RoomDoc, UserDoc};
use crate::plain::plain;

/// What a character is to the words around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Letter,
    /// A letter of a script without spaces.
    Ideograph,
    Sign,
}

fn kind(c: char) -> Kind {
    let unspaced = matches!(u32::from(c),
        0x3041..=0x30ff | 0x31f0..=0x31ff | 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xf900..=0xfaff
        | 0x20000..=0x3ffff);
    match c.is_alphanumeric() || is_combining_mark(c) {
        true if unspaced => Kind::Ideograph,
        true => Kind::Letter,
        false => Kind::Sign,
    }
}

/// The words a thing with these names is found by. As many as the names have characters at most.
pub(crate) fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for name in names {
        for chunk in plain(name).split_whitespace() {
            let mut before = None;
            for (at, c) in chunk.char_indices() {
                let now = kind(c);
                if before != Some(now) || now == Kind::Ideograph {
                    words.insert(chunk[at..].to_owned());
                }
                before = Some(now);
            }
        }
    }
    words
}

/// The words of a query, each of which must be the beginning of a word of what is found; the longest first, as
/// it excludes most. None in a query without anything to see, which finds nothing. An `@` before a name is how
/// users are addressed.
pub(crate) fn asked(query: &str) -> Vec<String> {
    let plain = plain(query);
    let bare = |word: &'_ str| match word.strip_prefix('@') {
        Some(name) if !name.is_empty() => name.to_owned(),
        _ => word.to_owned(),
    };
    let distinct: BTreeSet<String> = plain.split_whitespace().map(bare).collect();
    let mut words: Vec<String> = distinct.into_iter().collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    words
}

/// Whether a query finds a name.
#[must_use]
pub fn found_by(name: &str, query: &str) -> bool {
    let (words, asked) = (of([name]), asked(query));
    !asked.is_empty() && asked.iter().all(|asked| words.iter().any(|word| word.starts_with(asked)))
}

/// The words a user is found by; none for one who is erased.
pub(crate) fn of_user(user: &UserDoc) -> BTreeSet<String> {
    if user.state.deleted {
        return BTreeSet::new();
    }
    of([user.state.username.as_str(), user.state.display_name.as_str()])
}

/// Begins a word of an address. No name and no query has this character, so only who asks for addresses finds them.
pub(crate) const OF_ADDRESS: char = '\u{1}';

/// The words a user is found by, and those of the address, which only admins may look for.
pub(crate) fn of_account(user: &UserDoc) -> BTreeSet<String> {
    if user.state.deleted {
        return BTreeSet::new();
    }
    let address = of([user.state.email.as_str()]);
    let mut words = of_user(user);
    words.extend(address.into_iter().map(|word| format!("{OF_ADDRESS}{word}")));
    words
}

/// Whether a query finds a user.
pub(crate) fn finds(query: &str, user: &UserDoc) -> bool {
    let (asked, words) = (asked(query), of_user(user));
    let begins = |asked: &String| {
        words.range(asked.clone()..).next().is_some_and(|word| word.starts_with(asked.as_str()))
    };
    !asked.is_empty() && asked.iter().all(begins)
}

/// The words a room is found by; none for a room that cannot be found by its name.
pub(crate) fn of_room(room: &RoomDoc) -> BTreeSet<String> {
    let name = room.state.name.as_ref().filter(|_| room.public_name().is_some());
    of(name.map(|name| name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, query: &str) -> bool {
        found_by(name, query)
    }

    #[test]
    fn the_beginning_of_any_word_finds() {
        for (name, queries) in [
            ("Given zzz", &["zzz", "zz", "giv", "zzz given", "GIVEN", "  given\tzzz "][..]),
            ("team zzz talk", &["talk", "zzz ta", "team talk"]),
            ("ada.lovelace", &["lovelace", "ada.l", "ada lov", "@ada"]),
            ("José Ångström", &["jose", "ang", "ÅNG", "jose\u{301}", "JOS\u{c9}"]),
            ("Straße", &["strasse", "STRASSE", "straß"]),
            ("Ὀδυσσεύς", &["οδυσ", "ΟΔΥΣΣΕΥΣ"]),
            ("Ёлка", &["елка", "ёлк"]),
            ("ﬁne ＡＢＣ", &["fine", "abc", "fi"]),
            ("北京大学", &["北京", "大学", "学", "京大"]),
            ("개발 한국어", &["한국", "개"]),
            ("การตลาด", &["การ"]),
            ("हिन्दी", &["हिन्दी", "हि"]),
            ("🎉 party🎉time", &["🎉", "party", "time"]),
            ("O'Brien", &["brien", "o'b", "o’brien"]),
            ("C++ & Rust", &["c", "c++", "rust c", "++", "& c+"]),
            ("100% (really)", &["100%", "%", "(re", "real", "100"]),
            ("İstanbul", &["istanbul"]),
            ("שָׁלוֹם", &["שלום"]),
        ] {
            for query in queries {
                assert!(found(name, query), "{query:?} finds {name:?}");
            }
        }
    }

    #[test]
    fn nothing_else_finds() {
        for (name, query) in [
            ("Given zzz", "iven"),
            ("Given zzz", "given zzzz"),
            ("Given zzz", "given talk"),
            ("Given zzz", "%"),
            ("Given zzz", "_"),
            ("Given zzz", ".*"),
            ("Given zzz", "^"),
            ("Given zzz", "g%"),
            ("Given zzz", "(g+)+$"),
            ("Given zzz", "given,zzz"),
            ("Given zzz", "z_z"),
            ("Given zzz", ""),
            ("Given zzz", "\u{200d}"),
            ("Given zzz", "\u{1}"),
            ("北京大学", "学大"),
            ("हिन्दी", "हु"),
            ("がく", "かく"),
            ("party", "🎉"),
        ] {
            assert!(!found(name, query), "{query:?} does not find {name:?}");
        }
    }

    #[test]
    fn a_name_has_no_more_words_than_characters() {
        for name in ["漢".repeat(100), "a ".repeat(50), "🎉a".repeat(50), "ﷺ".repeat(100)] {
            let plain = plain(&name).chars().count();
            assert!(of([name.as_str()]).len() <= plain, "{name}");
        }
    }
}
