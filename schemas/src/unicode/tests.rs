use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;
use proptest::prelude::*;

use super::*;

const NAME: Rule = Rule::name("name", 64);
const BODY: Rule = Rule::body("body", 8_000);
const NOTE: Rule = Rule::note("topic", 1_000);

#[track_caller]
fn kept(text: &str, rule: &Rule) {
    assert_eq!(accept(text, rule).as_deref(), Ok(text), "{}", text.escape_unicode());
}

#[track_caller]
fn refused(text: &str, rule: &Rule, code: &str) {
    let found = accept(text, rule).map_err(|error| error.code);
    assert_eq!(found, Err(code), "{}", text.escape_unicode());
}

/// Characters without a look of their own that belong nowhere in a text of ours.
fn never() -> impl Iterator<Item = char> {
    let listed = "\u{ad}\u{34f}\u{115f}\u{1160}\u{17b4}\u{17b5}\u{180e}\u{200b}\u{2060}\u{2061}\u{2064}\u{206a}\
        \u{206f}\u{3164}\u{feff}\u{ffa0}\u{fff9}\u{fffb}\u{1bca0}\u{1d173}\u{1d17a}\u{e0000}\u{e0001}\u{e0fff}\
        \u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2028}\u{2029}\u{fdd0}\u{fffe}\u{10ffff}\u{b}\u{c}\u{7f}\u{85}\u{9f}";
    listed.chars().chain('\0'..'\t').chain('\u{e}'..' ').chain('\u{80}'..'\u{a0}')
}

#[test]
fn what_has_no_look_is_refused_wherever_it_stands() {
    for c in never() {
        for rule in [&NAME, &BODY, &NOTE] {
            refused(&format!("a{c}b"), rule, "invalid_format");
            refused(&format!("日{c}本"), rule, "invalid_format");
            assert!(accept(&c.to_string(), rule).is_err(), "{}", c.escape_unicode());
        }
    }
    for c in [
        '\u{200e}',
        '\u{200f}',
        '\u{61c}',
        '\u{200c}',
        '\u{200d}',
        '\u{fe0f}',
        '\u{fe00}',
        '\u{e0100}',
        '\u{180b}',
        '\u{e0041}',
    ] {
        for rule in [&NAME, &BODY] {
            refused(&format!("a{c}b"), rule, "invalid_format");
            refused(&c.to_string(), rule, "too_short");
        }
    }
}

#[test]
fn nothing_to_see_is_like_blank() {
    for blank in [
        "",
        " ",
        "\u{a0}\u{3000}",
        "\u{200b}",
        "\u{2800}",
        "\u{3164}",
        "\u{2060}\u{feff}",
        "\u{180e}",
        "\u{ad}",
        "\u{115f}",
        "\u{202e}",
        "\u{34f}",
        "\u{e0041}",
        "\u{301}",
        "\u{1d159}",
        "\u{fffc}",
        "\u{2066}\u{2069}",
    ] {
        refused(blank, &NAME, "too_short");
        refused(blank, &BODY, "too_short");
    }
    refused(" \n\t\n ", &BODY, "too_short");
    kept("", &NOTE);
    refused(" \n ", &NOTE, "too_short");
}

#[test]
fn what_people_write_is_kept() {
    for text in [
        "héllo wörld",
        "Ωμέγα",
        "Дмитрий",
        "日本語",
        "한국어",
        "می‌خواهم",
        "שָׁלוֹם",
        "নমস্কার র‍্যাব",
        "ශ්‍රී ලංකා",
        "മലയാളം ന്‍",
        "བོད་སྐད",
        "ไทย",
        "🇩🇪",
        "👩‍👩‍👧‍👦",
        "❤️‍🔥",
        "👩🏽‍❤️‍💋‍👨🏻",
        "🏳️‍🌈",
        "🏴‍☠️",
        "🏴󠁧󠁢󠁳󠁣󠁴󠁿",
        "1️⃣ #️⃣ ™️ ↔️ ✓︎",
        "葛󠄀城",
        "👍🏽",
        "🧑🏽‍🤝‍🧑🏿",
        "🐻‍❄️",
        "🙂‍↔️",
        "👁️‍🗨️",
        "ᠠᠮᠢᠲᠠ᠋",
        "\u{600}١٢",
        "x²",
    ] {
        kept(text, &NAME);
        kept(text, &BODY);
    }
    kept("one\n\ttwo", &BODY);
    kept("שלום\u{200f}! \u{2067}abc\u{2069}", &BODY);
    kept("⠓⠑⠇⠇⠕⠀⠺⠕⠗⠇⠙", &BODY);
    kept("\u{e0b0} prompt", &BODY);
}

#[test]
fn names_are_stricter() {
    for text in [
        "\u{2066}ada\u{2069}",
        "ada\u{e000}",
        "ada\u{378}",
        "a\u{2800}b",
        "שלום\u{200f}!",
        "two\nlines",
        "a\tb",
        "\u{301}a",
    ] {
        refused(text, &NAME, "invalid_format");
    }
    assert_eq!(accept(" \u{3000}Ada\n ", &NAME).as_deref(), Ok("Ada"));
}

#[test]
fn joiners_and_tags_stay_where_they_are_needed() {
    for text in [
        "a\u{200d}👍",
        "👍\u{200d}",
        "👍\u{200d}a",
        "می\u{200c}\u{200c}خ",
        "a\u{fe0f}",
        "👍\u{fe0f}\u{fe0f}",
        "日\u{fe0f}",
        "🏴\u{e0067}",
        "🏴\u{e0067}\u{e0062}\u{e0073}",
        "🏴\u{e007f}",
        "🏴\u{e0067}\u{e0062}\u{e007f}",
        "👍\u{e0067}\u{e0062}\u{e0073}\u{e007f}",
        "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e0074}\u{e0074}\u{e007f}",
        "🏴\u{e0041}\u{e0042}\u{e0043}\u{e007f}",
    ] {
        refused(text, &BODY, "invalid_format");
        refused(&format!("{text} and more"), &BODY, "invalid_format");
    }
}

#[test]
fn marks_on_one_character_are_bounded() {
    let zalgo = |marks: usize| format!("a{}", "\u{310}".repeat(marks));
    kept(&zalgo(MAX_MARKS), &BODY);
    refused(&zalgo(MAX_MARKS + 1), &BODY, "invalid_format");
    kept(&zalgo(MAX_MARKS_IN_NAMES), &NAME);
    refused(&zalgo(MAX_MARKS_IN_NAMES + 1), &NAME, "invalid_format");
    refused(&"👍\u{200d}".repeat(31), &BODY, "invalid_format");
    kept(&zalgo(3).repeat(9), &NAME);
}

#[test]
fn lengths_are_characters_after_normalisation() {
    let decomposed = "e\u{301}".repeat(8_000);
    assert_eq!(accept(&decomposed, &BODY).map(|body| body.chars().count()), Ok(8_000));
    refused(&"é".repeat(8_001), &BODY, "too_long");
    refused(&"𝄞".repeat(8_001), &BODY, "too_long");
    assert!(accept(&"🦀".repeat(8_000), &BODY).is_ok_and(|body| body.len() == 32_000));
    // Some characters get longer when they are composed.
    refused(&"\u{1d160}".repeat(4_000), &BODY, "too_long");
    refused(&"x".repeat(1_000_000), &BODY, "too_long");
    let lines = accept("a\r\nb\rc\n", &BODY);
    assert_eq!(lines.as_deref(), Ok("a\nb\nc\n"));
}

#[test]
fn names_that_look_alike_have_one_key() {
    for (one, other) in [
        ("été", "e\u{301}te\u{301}"),
        ("Team", "TEAM"),
        ("ｔｅａｍ", "team"),
        ("ﬁne", "FINE"),
        ("straße", "STRASSE"),
        ("STRAẞE", "strasse"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("①", "1"),
        ("a  b", "a\u{a0}b"),
        ("❤️", "❤"),
        ("می‌خ", "میخ"),
        ("K", "\u{212a}"),
        ("Å", "\u{212b}"),
    ] {
        assert_eq!(key(one), key(other), "{one} {other}");
    }
    assert_ne!(key("été"), key("ete"));
    assert_ne!(key("team a"), key("teama"));
}

fn texts() -> impl Strategy<Value = String> {
    let special = proptest::sample::select(
        "aé\u{301}\u{310}\u{345} \n\t\r\u{a0}\u{200b}\u{200c}\u{200d}\u{200e}\u{2066}\u{202e}\u{2028}\u{fe0f}\u{e0100}\u{e0067}\u{e007f}\u{1f3f4}👍\u{1f3fd}❤ßΣς日م\u{94d}क\u{1d160}\u{2800}\u{e000}\u{378}ﬁ\u{1100}\u{1161}"
            .chars()
            .collect::<Vec<_>>(),
    );
    let one = prop_oneof![3 => special, 1 => any::<char>()];
    proptest::collection::vec(one, 0..40).prop_map(|chars| chars.into_iter().collect())
}

proptest! {
    #[test]
    fn accepting_twice_changes_nothing_and_leaves_nothing_hidden(text in texts()) {
        let ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
        for rule in [&NAME, &BODY, &NOTE, &Rule::line("title", 200)] {
            let Ok(kept) = accept(&text, rule) else { continue };
            prop_assert_eq!(accept(&kept, rule), Ok(kept.clone()));
            prop_assert_eq!(composed(&kept).into_owned(), kept.clone());
            prop_assert!(kept.chars().count() <= rule.max);
            let hidden = ['\r', '\0', '\u{202e}', '\u{2028}', '\u{200b}', '\u{feff}'];
            prop_assert!(!kept.contains(hidden));
            prop_assert!(rule.lines || !kept.contains(['\n', '\t']));
            if !(rule.optional && kept.is_empty()) {
                prop_assert!(kept.chars().any(|c| !c.is_whitespace() && !ignorable.contains(c)));
            }
        }
    }

    #[test]
    fn a_text_is_accepted_composed_or_not(text in texts()) {
        let decomposed = icu_normalizer::DecomposingNormalizerBorrowed::new_nfd().normalize(&text).into_owned();
        prop_assert_eq!(accept(&text, &BODY), accept(&decomposed, &BODY));
        prop_assert_eq!(key(&text), key(&decomposed));
    }

    #[test]
    fn a_key_is_its_own_key(text in texts()) {
        prop_assert_eq!(key(&key(&text)), key(&text));
    }

    #[test]
    fn any_text_is_looked_at_without_panic(text in "\\PC{0,200}", other in any::<String>()) {
        for text in [text, other] {
            let _ = (accept(&text, &NAME), accept(&text, &BODY), key(&text), sought(&text));
        }
    }
}
