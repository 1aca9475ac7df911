//! Emoji: what counts as one, and the one way each is stored.

/// Most bytes of an emoji; the longest there is (a family, or a kiss with skin tones) has 35.
const MAX_BYTES: usize = 64;
/// Asks for the picture rather than the text; emoji are sent with and without it.
const AS_PICTURE: char = '\u{fe0f}';

/// One emoji of Unicode's list (emoji-test.txt), fully qualified: with and without U+FE0F it is the same one. None for
/// any other text.
pub(crate) fn one(text: &str) -> Option<String> {
    if text.len() > MAX_BYTES {
        return None;
    }
    let found = emojis::get(text).or_else(|| {
        // Some clients add the mark where no emoji has it.
        let bare: String = text.chars().filter(|char| *char != AS_PICTURE).collect();
        emojis::get(&bare)
    });
    found.map(|emoji| emoji.as_str().to_owned())
}

/// An emoji as it was stored: a newer build may know more of them. None for what no build has stored.
pub(crate) fn stored(text: &str) -> Option<String> {
    (1..=MAX_BYTES).contains(&text.len()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{one, stored};

    #[test]
    fn with_and_without_the_mark_it_is_one_emoji() {
        for (given, expected) in [
            ("\u{2764}", "\u{2764}\u{fe0f}"),
            ("\u{2764}\u{fe0f}", "\u{2764}\u{fe0f}"),
            ("\u{1f44d}\u{fe0f}", "\u{1f44d}"),
            ("1\u{20e3}", "1\u{fe0f}\u{20e3}"),
            ("\u{1f441}\u{200d}\u{1f5e8}", "\u{1f441}\u{fe0f}\u{200d}\u{1f5e8}\u{fe0f}"),
            ("\u{1f3f3}\u{200d}\u{1f308}", "\u{1f3f3}\u{fe0f}\u{200d}\u{1f308}"),
        ] {
            assert_eq!(one(given).as_deref(), Some(expected), "{given}");
        }
    }

    #[test]
    fn skin_tones_flags_and_families_are_emoji_of_their_own() {
        for emoji in ["👍", "👍🏽", "👨‍👩‍👧‍👦", "🇫🇷", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "👩🏽‍❤️‍💋‍👨🏿", "#️⃣"]
        {
            assert_eq!(one(emoji).as_deref(), Some(emoji));
        }
    }

    #[test]
    fn anything_else_is_none() {
        let (two, huge) = ("👍👍", "👍".repeat(10_000));
        let texts = ["", " ", "a", "1", "#", ":+1:", "👍 ", " 👍", two, "👍a", "e\u{301}", &huge];
        let odd = ["\u{fe0f}", "\u{200d}", "\u{2764}\u{fe0e}", "🇫", "👍\u{200d}👍", "\0", "漢"];
        for text in texts.into_iter().chain(odd) {
            assert!(one(text).is_none(), "{text:.20}");
        }
    }

    #[test]
    fn what_a_newer_build_has_stored_is_read() {
        assert_eq!(stored("\u{1fa00}").as_deref(), Some("\u{1fa00}"));
        assert!(stored("").is_none() && stored(&"x".repeat(65)).is_none());
    }
}
