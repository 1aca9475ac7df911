//! Reads Rust source as far as these tests need it: without comments and strings, cut at its braces.

use std::iter::Peekable;
use std::str::Chars;

/// The source with the contents of comments, strings and characters as spaces. Lines stay where they are.
pub(super) fn code(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    let mut last = ' ';
    while let Some(c) = rest.next() {
        let next = rest.peek().copied();
        match (c, next) {
            ('/', Some('/')) => blank_until(&mut rest, &mut out, |_, c| c == '\n'),
            ('/', Some('*')) => blank_until(&mut rest, &mut out, |last, c| last == '*' && c == '/'),
            ('"', _) => blank_string(&mut rest, &mut out),
            ('r', Some('"' | '#')) if !is_word(last) => raw_string(&mut rest, &mut out),
            ('\'', Some('\\')) => {
                rest.next();
                rest.next();
                blank_until(&mut rest, &mut out, |_, c| c == '\'');
            }
            // A character, unless it is a lifetime.
            ('\'', Some(_)) if rest.clone().nth(1) == Some('\'') => {
                rest.next();
                rest.next();
                out.push(' ');
            }
            _ => out.push(c),
        }
        last = c;
    }
    out
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn blank_until(rest: &mut Peekable<Chars<'_>>, out: &mut String, end: fn(char, char) -> bool) {
    let mut last = ' ';
    for c in rest.by_ref() {
        out.push(if c == '\n' { '\n' } else { ' ' });
        if end(last, c) {
            return;
        }
        last = c;
    }
}

fn blank_string(rest: &mut Peekable<Chars<'_>>, out: &mut String) {
    while let Some(c) = rest.next() {
        out.push(if c == '\n' { '\n' } else { ' ' });
        match c {
            '\\' => out.push(if rest.next() == Some('\n') { '\n' } else { ' ' }),
            '"' => return,
            _ => {}
        }
    }
}

fn raw_string(rest: &mut Peekable<Chars<'_>>, out: &mut String) {
    out.push('r');
    let mut signs = 0;
    while rest.next_if_eq(&'#').is_some() {
        signs += 1;
    }
    if rest.next_if_eq(&'"').is_none() {
        // A raw identifier.
        return;
    }
    let end = format!("\"{}", "#".repeat(signs));
    let mut held = String::new();
    for c in rest.by_ref() {
        out.push(if c == '\n' { '\n' } else { ' ' });
        held.push(c);
        if held.ends_with(&end) {
            return;
        }
    }
}

/// What stands between an opening brace at `start` and its closing brace.
pub(super) fn block(code: &str, start: usize) -> &str {
    let mut depth = 0_usize;
    for (at, c) in code[start..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return &code[start + 1..start + at],
            '}' => depth -= 1,
            _ => {}
        }
    }
    &code[start + 1..]
}

/// Where a keyword begins, every time it stands as a word.
pub(super) fn keyword<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = code[..*at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        !before.is_some_and(|c| is_word(c) || c == '.')
            && !after.is_some_and(|c| is_word(c) || c == '!')
    })
}

/// Where the body of what begins at `start` opens: the first brace outside parentheses, or nothing if a semicolon
/// comes first.
pub(super) fn opening(code: &str, start: usize) -> Option<usize> {
    let mut depth = 0_i32;
    for (at, c) in code[start..].char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            '{' if depth == 0 => return Some(start + at),
            ';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// The patterns of a match, each without its guard, from what stands between the match's braces.
pub(super) fn patterns(arms: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut depth = 0_i32;
    let mut pattern = String::new();
    let mut in_pattern = true;
    let mut last = ' ';
    for c in arms.chars() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        if in_pattern && depth == 0 && last == '=' && c == '>' {
            let whole = pattern.trim_end_matches('=').trim();
            found.push(whole.split(" if ").next().unwrap_or_default().trim().to_owned());
            pattern.clear();
            in_pattern = false;
        } else if !in_pattern && depth == 0 && (c == ',' || c == '}') {
            in_pattern = true;
        } else if in_pattern {
            pattern.push(c);
        }
        if !c.is_whitespace() {
            last = c;
        }
        if in_pattern && pattern.trim() == "," {
            pattern.clear();
        }
    }
    found
}

#[test]
fn comments_strings_and_characters_are_blank() {
    let text = "let a = \"x { // \\\" }\"; // {\nlet b = '{'; let c = r#\"{\"#; fn f<'a>() {}";
    let code = code(text);
    assert_eq!(code.matches('{').count(), 1, "{code}");
    assert_eq!(code.lines().count(), 2);
}

#[test]
fn patterns_are_found_without_their_guards() {
    let arms =
        "A::B { x } if x > 1 => { y => z }\n _ => f(|a| { a }), other if ok => 1, C | D => {}";
    assert_eq!(patterns(arms), ["A::B { x }", "_", "other", "C | D"]);
}
