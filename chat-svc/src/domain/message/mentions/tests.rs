use proptest::prelude::*;

use super::*;

/// The longest reading of each word.
fn named(text: &str, format: Format) -> Vec<String> {
    let words = mentioned(text, format);
    words.iter().map(|word| word[0].to_string()).collect()
}

#[track_caller]
fn plain(text: &str, expected: &[&str]) {
    assert_eq!(named(text, Format::Plain), expected, "{text}");
}

#[track_caller]
fn markdown(text: &str, expected: &[&str]) {
    assert_eq!(named(text, Format::Markdown), expected, "{text}");
}

#[track_caller]
fn both(text: &str, expected: &[&str]) {
    plain(text, expected);
    markdown(text, expected);
}

#[test]
fn a_name_stands_among_any_letters_and_marks() {
    for text in [
        "@bob",
        "hi @bob!",
        "@Bob: hello",
        "(@bob)",
        "[@bob]",
        "{@bob}",
        "\"@bob\"",
        "„@bob“",
        "@bob's",
        "all at @bob,",
        "交给@bob处理",
        "こんにちは@bobさん",
        "안녕@bob님",
        "สวัสดี@bob",
        "привет@bobу",
        "é@bob",
        "👍@bob👍",
        "->@bob",
        "a/@bob",
        "a:@bob",
        "-@bob",
        "--@bob",
        "...@bob",
        "word...@bob",
        "word--@bob",
        "_@bob_",
        "__@bob__",
        "*@bob*",
        "**@bob**",
        "~~@bob~~",
        "> @bob",
        "# @bob",
        "- @bob",
        "1. @bob",
        "| @bob |",
        "<b>@bob</b>",
        "\\@bob",
        "@bob\n",
        "x\n@bob",
        "@bob@",
        "@bob@carol",
        "@bob.",
        "@bob...",
        "@bob-",
        "@bob--",
        "@bob_",
        "@bob__",
        "@bob._-.",
        "_%@bob",
        "é.@bob",
    ] {
        both(text, &["bob"]);
    }
    both("@bob, @CYD. @bob @eve", &["bob", "cyd", "eve"]);
    markdown("a*@bob*", &["bob"]);
    markdown("@bo**b**x @cyd", &["cyd"]);
    markdown("**bold**@bob", &["bob"]);
    markdown("`code`@bob", &["bob"]);
    markdown("@bob\\_smith", &["bob_smith"]);
}

#[test]
fn addresses_name_no_member() {
    both("mail bob@example.org, a.b+c@x.y a.@bob a+@bob a_@bob a%@bob a-@bob A9@bob", &[]);
    both("@@bob @ @. @_bob @-bob @ab", &[]);
    both("@bob@example.org and @cyd@social.example", &[]);
}

#[test]
fn links_name_no_member() {
    both("see https://example.org/@bob and @cyd", &["cyd"]);
    both(
        "HTTPS://x.y/z?u=@bob, ftp://@bob www.x.org/@bob medium.com/@bob sub.example.co.uk:8080/@bob",
        &[],
    );
    both("看https://example.org/@bob", &[]);
    both("(https://example.org/@bob) @cyd", &["cyd"]);
    both("(https://example.org)@cyd", &["cyd"]);
    both("https://example.org/a，@cyd", &["cyd"]);
    plain("https://example.org/a_(b)/@bob", &[]);
    both("\"https://example.org\"@cyd", &["cyd"]);
    both("e.g./@bob", &["bob"]);
    markdown(
        "[@bob](https://example.org) [x](/@bob) <https://example.org/@bob> ![@bob](x.png) @cyd",
        &["cyd"],
    );
    markdown("[@bob][1]\n\n[1]: https://example.org/@eve", &[]);
    markdown("<a href=\"https://example.org/@bob\">@cyd</a>", &["cyd"]);
    markdown("**https://example.org**@cyd", &["cyd"]);
    plain("[@bob](x)", &["bob"]);
}

#[test]
fn code_names_no_member_in_markdown_and_is_text_in_plain() {
    for text in [
        "`@bob`",
        "``a ` @bob``",
        "```\n@bob\n```",
        "~~~\n@bob\n~~~",
        "```rust\n@bob",
        "    @bob",
        "> ```\n> @bob\n> ```",
        "- x\n\n      @bob",
        "`@room`\n@\n`@bob`",
    ] {
        markdown(text, &[]);
        assert!(!named(text, Format::Plain).is_empty(), "{text}");
    }
    markdown("`@bob @cyd", &["bob", "cyd"]);
    markdown("`a` @bob `b`", &["bob"]);
    markdown("\\`@bob\\`", &["bob"]);
    markdown("para\n    @bob", &["bob"]);
}

#[test]
fn the_longest_reading_comes_first_and_ends_in_a_letter_or_digit() {
    let readings = |text: &str| -> Vec<String> {
        mentioned(text, Format::Plain).concat().iter().map(ToString::to_string).collect()
    };
    assert_eq!(readings("@Bob.Smith-2. x"), ["bob.smith-2", "bob.smith", "bob"]);
    assert_eq!(readings("@bob..smith"), ["bob..smith", "bob"]);
    assert_eq!(readings("@room-mate"), ["room-mate", "room"]);
    assert_eq!(readings(&format!("@{}", "a".repeat(33))), [""; 0]);
    assert_eq!(readings(&format!("@bob.{}", "a".repeat(33))), ["bob"]);
}

#[test]
fn what_is_looked_up_is_bounded() {
    let text: String = (0..400).map(|n| format!("@user{n} ")).collect();
    assert_eq!(mentioned(&text, Format::Plain).len(), MAX_WORDS);
    let text: String = (0..400).map(|n| format!("@a{n}.b.c.d.e.f.g.h.i ")).collect();
    let readings: usize = mentioned(&text, Format::Markdown).iter().map(Vec::len).sum();
    assert!(readings <= MAX_READINGS && readings > MAX_READINGS / 2, "{readings}");
    assert_eq!(mentioned(&"@bob ".repeat(1_600), Format::Plain).len(), 1);
}

/// A body full of one thing takes no longer than it does on average to look at: if any of these were
/// quadratic in steps of any size, the longest bodies would take minutes.
#[test]
fn catastrophic_texts_are_read_in_linear_time() {
    for unit in [
        "[",
        "]",
        ">",
        "*",
        "`",
        "_",
        "~",
        "<",
        "(",
        "@",
        "!",
        "#",
        "-",
        "|",
        "\\",
        "[](",
        "[a](",
        "![",
        "*a_",
        "**a*",
        "_*",
        "`a``",
        "> > ",
        "- - ",
        "<!--",
        "<a",
        "&",
        "&#64;",
        "www.",
        "://",
        "a://",
        "http://)",
        "a.b/",
        "@a.",
        "@a@",
        "@_",
        "\n\n    ",
        "[a]: b\n",
        "[a][",
        "1. ",
        "\t",
        "```\n",
        "~~~",
        "***",
        "](",
        "*[",
        "<https://",
    ] {
        // Four times what a message may hold, in a paragraph and at the beginning of a line.
        for start in ["@bob ", "@bob\n\n"] {
            let text = format!("{start}{}@eve", unit.repeat(32_000 / unit.len()));
            for format in [Format::Plain, Format::Markdown] {
                let words = mentioned(&text, format);
                assert!(words.iter().any(|word| word[0].as_str() == "bob"), "{unit}");
            }
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_read_and_readings_stand_in_it(
        noise in "\\PC{0,60}",
        marks in "[@a-c._+%`*\\[\\]()<> \n~:/w#-]{0,120}",
    ) {
        for text in [noise, marks] {
            for format in [Format::Plain, Format::Markdown] {
                for word in mentioned(&text, format) {
                    prop_assert!(!word.is_empty());
                    for pair in word.windows(2) {
                        prop_assert!(pair[0].as_str().starts_with(pair[1].as_str()));
                    }
                    for reading in &word {
                        prop_assert!(reading.as_str().ends_with(|c: char| c.is_ascii_alphanumeric()));
                    }
                    if format == Format::Plain {
                        let longest = format!("@{}", word[0]);
                        prop_assert!(text.to_ascii_lowercase().contains(&longest));
                    }
                }
            }
        }
    }

    #[test]
    fn a_name_between_spaces_is_always_read(before in "[^@`<\\[\\]\\\\&:/~.\n\t\r]{0,40}", after in "[^@`<\\[\\]\\\\&\n\t\r]{0,40}") {
        let text = format!("x {before} @bob {after}");
        for format in [Format::Plain, Format::Markdown] {
            prop_assert!(named(&text, format).contains(&"bob".to_owned()), "{:?}", text);
        }
    }
}
