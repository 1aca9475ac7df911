use std::collections::BTreeSet;

use unicode_segmentation::UnicodeSegmentation as _;

use super::*;

fn found(text: &str, query: &str) -> bool {
    Words::parse(query).are_in(text)
}

fn terms(text: &str) -> Vec<String> {
    tokens(text).into_iter().map(|token| token.term).collect()
}

#[test]
fn words_phrases_and_beginnings_find() {
    for (text, queries) in [
        (
            "The quick brown fox, jumps!",
            &[
                "quick",
                "QUICK fox",
                "fox the",
                "\"quick brown\"",
                "jump*",
                "\"brown fox jumps\"",
                "\"quick bro\"*",
                "\"quick bro*\"",
                "fox.",
                "quick-brown",
                "“brown fox”",
                "fox*",
                "quick quick",
                "\"fox",
                "fox\"",
            ][..],
        ),
        ("José Ångström's naïve café", &["jose", "ANGSTROM", "naive cafe\u{301}", "angstrom’s"]),
        ("Straße nach Ὀδυσσεύς, Ёлка", &["strasse", "οδυσσευσ", "елка"]),
        ("ﬁne ＡＢＣ ①", &["fine abc", "1", "ab*"]),
        (
            "see https://example.com/a_b?c=1",
            &["example.com", "example", "a_b", "https://example.com/a_b?c=1"],
        ),
        ("I don't and C++ is C", &["don't", "don’t", "c++", "t"]),
        ("NEAR AND OR NOT $where x", &["near", "or", "and not", "$where", "-x", "near(and"]),
        (
            "北京大学生 iPhone手机",
            &[
                "北京",
                "大学",
                "学",
                "京大学",
                "生",
                "iphone手机",
                "iphone",
                "手",
                "北京大学生",
                "\"生 iphone\"",
            ],
        ),
        ("개발자에게 한국어를", &["국어", "한국", "발자", "한국어"]),
        ("ｶﾞｷﾞｸﾞ東京　大阪", &["ガギグ", "ガ", "東京 大阪", "東京"]),
        ("ภาษาไทยสนุก", &["ไทย", "ภาษา", "สนุก"]),
        ("हिन्दी में שָׁלוֹם", &["हिन्दी", "हि*", "में", "שלום"]),
        (
            "great 🎉🎉 👍🏽 👩\u{200d}💻 🇩🇪 ❤\u{fe0f}",
            &["🎉", "👍", "👍🏿", "👩\u{200d}💻", "🇩🇪", "❤", "great 🎉", "\"🎉 🎉\""],
        ),
        ("co\u{ad}operate 5€ → done", &["cooperate", "€", "5€", "→"]),
    ] {
        for query in queries {
            assert!(found(text, query), "{query:?} finds {text:?}: {:?}", Words::parse(query));
        }
    }
}

#[test]
fn nothing_else_finds() {
    for (text, query) in [
        ("The quick brown fox", "uick"),
        ("The quick brown fox", "quick cat"),
        ("The quick brown fox", "\"brown quick\""),
        ("The quick brown fox", "\"the brown\""),
        ("The quick brown fox", "qui"),
        ("The quick brown fox", "fo-*"),
        ("The quick brown fox", "f*x"),
        ("The quick brown fox", "*"),
        ("The quick brown fox", "\"\""),
        ("The quick brown fox", "\"*"),
        ("The quick brown fox", ""),
        ("The quick brown fox", "   \u{200d}"),
        ("The quick brown fox", "fox NOT cat"),
        ("The quick brown fox", "fox OR cat"),
        ("The quick brown fox", "-cat"),
        ("The quick brown fox", ".*"),
        ("北京大学", "学大"),
        ("北京大学", "北大"),
        ("がく", "かく"),
        ("हिन्दी", "हुन्दी"),
        ("🇬🇩🇪🇸", "🇩🇪"),
        ("👩\u{200d}💻", "💻"),
        ("party", "🎉"),
        ("", "x"),
    ] {
        assert!(!found(text, query), "{query:?} does not find {text:?}");
    }
}

#[test]
fn a_long_word_is_several_and_is_found_whole() {
    let word = "ab".repeat(100);
    assert_eq!(terms(&word).iter().map(String::len).collect::<Vec<_>>(), [64, 64, 64, 8]);
    assert!(found(&format!("x {word} y"), &word));
    assert!(found(&word, &format!("{}*", &word[..70])));
    assert!(!found(&word, &"ba".repeat(100)));
    assert!(terms(&"😀\u{200d}".repeat(500)).iter().all(|term| term.chars().count() <= 64));
}

#[test]
fn what_is_not_taken_apart_has_the_same_form() {
    let alone = |c: char| {
        let (mut folded, text) = (String::new(), c.to_string());
        fold(&text, &mut folded);
        (folded, plain(&text))
    };
    for c in ('\0'..='\u{33ff}').chain(('\u{3400}'..='\u{1ffff}').step_by(13)) {
        let (folded, plain) = alone(c);
        assert_eq!(folded, plain, "U+{:04X}", u32::from(c));
    }
}

#[test]
fn ascii_is_read_like_the_rest() {
    let text = "It's 10:30, \"Foo_Bar\" (v1.2)\r\nEND";
    // One character beyond ASCII behind each has the text taken apart.
    let apart: String = text.chars().flat_map(|c| [c, '\u{ad}']).collect();
    assert_eq!(terms(text), terms(&apart));
    assert_eq!(terms(text), ["it", "s", "10", "30", "foo", "bar", "v1", "2", "end"]);
}

#[test]
fn what_stands_apart_is_one_character_for_users() {
    let kinds = ['a', ' ', 'é', 'か', 'ガ', '京', '가', '각', '👍', '🦊', '🙏'];
    for (a, b) in kinds.iter().flat_map(|a| kinds.iter().map(move |b| (*a, *b))) {
        assert!(stands_apart(a) && stands_apart(b));
        let text: String = [a, b].iter().collect();
        assert_eq!(text.graphemes(true).count(), 2, "{text}");
    }
}

/// Texts of the awkward kinds, put together at random but always the same.
fn texts() -> impl Iterator<Item = String> {
    const PARTS: [&str; 24] = [
        "a", "B", "ß", "é", "e\u{301}", " ", "  ", "-", "\"", "*", "'", "京", "都", "가", "ก", "ิ",
        "🎉", "👍🏽", "🇩", "\u{200d}", "\u{fe0f}", "ﷺ", "½", "\0",
    ];
    let mut state: u64 = 7;
    let mut next = move |below: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    (0..4000).map(move |_| (0..next(30)).map(|_| PARTS[next(PARTS.len())]).collect())
}

#[test]
fn terms_are_bounded_plain_and_in_their_places() {
    for text in texts() {
        let tokens = tokens(&text);
        assert!(tokens.len() <= plain(&text).chars().count(), "{text:?}");
        for token in &tokens {
            assert!(text.get(token.span.clone()).is_some_and(|part| !part.is_empty()), "{text:?}");
            let sign = |c: char| c.is_whitespace() || c.is_ascii_punctuation() || c.is_control();
            assert!(!token.term.is_empty() && !token.term.contains(sign), "{:?}", token.term);
        }
        assert!(tokens.is_sorted_by_key(|token| token.span.start), "{text:?}");
    }
}

#[test]
fn every_text_finds_itself_and_is_marked() {
    for text in texts() {
        let words = Words::parse(&text.replace('*', " "));
        if words.is_empty() {
            continue;
        }
        assert!(words.are_in(&text), "{text:?}: {words:?}");
        assert!(words.snippet(&text).contains("<mark>"), "{text:?}");
        let phrase = text.replace(['"', '*'], " ");
        assert!(Words::parse(&format!("\"{phrase}\"")).are_in(&phrase), "{phrase:?}");
    }
}

/// A text is judged while its terms are being read, and marked by all of them together.
#[test]
fn what_is_in_a_text_is_what_is_marked_in_it() {
    let some = |text: &str, from: usize| text.chars().skip(from).take(3).collect::<String>();
    let mut both = [0; 2];
    for (text, other) in texts().zip(texts().skip(1)) {
        let (phrase, word) = (some(&text, 2).replace('"', ""), some(&other, 0).replace('"', ""));
        for query in
            [format!("\"{phrase}\""), format!("\"{phrase}*\" {word}"), format!("{word}* {phrase}")]
        {
            let words = Words::parse(&query);
            let mut marked = BTreeSet::new();
            words.found(&tokens(&text), |clause, _| marked.extend([clause]));
            let are_in = !words.is_empty() && marked.len() == words.clauses().len();
            assert_eq!(words.are_in(&text), are_in, "{text:?}: {query:?}");
            both[usize::from(are_in)] += 1;
        }
    }
    assert!(both.iter().all(|times| *times > 1_000), "{both:?}");
}

#[test]
fn a_phrase_is_found_wherever_it_begins() {
    for (text, phrase) in [
        ("a a b", "a b"),
        ("a b a b a c", "a b a c"),
        ("x x x y", "x x y"),
        ("北京京都", "京京"),
        ("北京京都市", "京都市"),
    ] {
        assert!(found(text, &format!("\"{phrase}\"")), "{phrase:?} in {text:?}");
    }
    for (text, phrase) in [("a b", "a b c"), ("b a", "a b"), ("a c b", "a b"), ("京 都", "京都")]
    {
        assert!(!found(text, &format!("\"{phrase}\"")), "{phrase:?} in {text:?}");
    }
}

fn snippet(text: &str, query: &str) -> String {
    Words::parse(query).snippet(text)
}

#[test]
fn a_snippet_marks_what_was_found_and_escapes_the_rest() {
    for (text, query, html) in [
        ("Hello, world & <all>", "world", "Hello, <mark>world</mark> &amp; &lt;all&gt;"),
        ("say \"it's\"", "s*", "<mark>say</mark> &quot;it&#39;<mark>s</mark>&quot;"),
        (
            "a quick  brown\n\nfox",
            "\"quick brown\" fox",
            "a <mark>quick brown</mark> <mark>fox</mark>",
        ),
        ("北京大学生", "大学", "北京<mark>大学</mark>生"),
        ("北京大学生", "京大学", "北<mark>京大学</mark>生"),
        ("北京大学生", "学", "北京大<mark>学</mark>生"),
        ("go 👍🏽!", "👍", "go <mark>👍🏽</mark>!"),
        ("Café</mark><script>", "cafe", "<mark>Café</mark>&lt;/mark&gt;&lt;script&gt;"),
        ("<b>x</b>", "b", "&lt;<mark>b</mark>&gt;x&lt;/<mark>b</mark>&gt;"),
        ("nothing", "else", "nothing"),
        ("", "else", ""),
    ] {
        assert_eq!(snippet(text, query), html);
    }
}

#[test]
fn a_snippet_is_bounded_and_around_the_first_match() {
    let filler = "lorem ipsum ".repeat(600);
    let html = snippet(&format!("{filler}needle {filler}"), "needle");
    assert!(html.starts_with('…') && html.ends_with('…') && html.contains("<mark>needle</mark>"));
    assert!((150..=230).contains(&html.chars().count()), "{html}");
    assert!(html.starts_with("…lorem") || html.starts_with("…ipsum"), "{html}");
    // Nothing to cut at, one character that never ends, and a match longer than what is shown.
    for text in [
        format!("{}京都{}", "字".repeat(3000), "字".repeat(3000)),
        format!("京都{}", "\u{301}".repeat(5000)),
        format!("{}京都", "👍\u{200d}".repeat(3000)),
    ] {
        let html = snippet(&text, "京都");
        assert!(html.contains("<mark>") && html.chars().count() <= 215, "{}", html.chars().count());
    }
    let long = "ab ".repeat(150);
    let html = snippet(&format!("{long} end"), &format!("\"{long}\""));
    assert!(html.starts_with("<mark>ab") && html.ends_with("</mark>…"), "{html}");
    assert!(html.chars().count() <= 215);
}

#[test]
fn ten_thousand_words_are_read_and_looked_for_in_no_time() {
    let text: String = (0..2000).map(|n| format!("w{n} ")).collect();
    let query: String = (0..10_000).map(|n| format!("w{}* ", n % 2000)).collect();
    assert!(found(&text, &query));
    assert!(!found(&text, &format!("{query} missing")));
    assert!(Words::parse(&"\"".repeat(10_000)).is_empty());
    assert!(Words::parse(&"*".repeat(10_000)).is_empty());
}

#[test]
fn terms_are_those_of_these_versions_of_unicode() {
    // What was indexed by other tables may have other terms: raise LAYOUT with these.
    assert_eq!(char::UNICODE_VERSION, (17, 0, 0));
    assert_eq!(unicode_normalization::UNICODE_VERSION, (18, 0, 0));
    assert_eq!(unicode_segmentation::UNICODE_VERSION, (17, 0, 0));
}
