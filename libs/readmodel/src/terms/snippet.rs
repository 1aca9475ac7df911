//! The part of a text around what was found in it, as HTML.

use std::fmt::Write as _;
use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation as _;

use super::query::Words;
use super::tokens;

/// Characters of the text that are shown, and those of them before what was found first.
const SHOWN: usize = 200;
const BEFORE: usize = 60;
/// So far from where it would be cut a text is cut between words.
const SLACK: usize = 20;

impl Words {
    /// The part of a text around the first thing that is found in it, at most 200 of its characters: HTML in which what
    /// was found stands in `<mark>` and everything else is escaped. White space is single spaces; `…` stands where
    /// the text goes on.
    #[must_use]
    pub fn snippet(&self, text: &str) -> String {
        let marks = self.spans(&tokens(text));
        let first = marks.first().cloned().unwrap_or(0..0);
        let start = start(text, first.start);
        let end = end(text, start, first.end);
        let mut html = String::with_capacity(end - start + 64);
        html.push_str(if start > 0 { "…" } else { "" });
        let mut at = start;
        for mark in marks {
            let mark = mark.start.clamp(at, end)..mark.end.min(end);
            if mark.start >= mark.end {
                continue;
            }
            escape(&text[at..mark.start], &mut html);
            html.push_str("<mark>");
            escape(&text[mark.clone()], &mut html);
            html.push_str("</mark>");
            at = mark.end;
        }
        escape(&text[at..end], &mut html);
        html.push_str(if end < text.len() { "…" } else { "" });
        html
    }
}

/// Where the part begins: not within a character that users see, nor within a word if that can be.
fn start(text: &str, found: usize) -> usize {
    let (mut start, mut chars) = (found, 0);
    for cluster in text[..found].graphemes(true).rev() {
        chars += cluster.chars().count();
        if chars > BEFORE {
            return between_words(&text[start..found]).map_or(start, |words| start + words);
        }
        start -= cluster.len();
    }
    start
}

/// Where the first word begins that stands whole in a text cut at its beginning, if that is near.
fn between_words(text: &str) -> Option<usize> {
    let space = text.char_indices().take(SLACK).find(|(_, c)| c.is_whitespace())?;
    let word = text[space.0..].find(|c: char| !c.is_whitespace())?;
    Some(space.0 + word)
}

/// Where the part ends. What was found first is cut when it is too long, and otherwise stands whole.
fn end(text: &str, start: usize, found: usize) -> usize {
    let (mut end, mut chars) = (start, 0);
    for cluster in text[start..].graphemes(true) {
        chars += cluster.chars().count();
        if chars > SHOWN {
            let near: Range<usize> = found.max(back(text, end))..end;
            let space = text.get(near.clone()).and_then(|rest| rest.rfind(char::is_whitespace));
            return space.map_or(end, |space| near.start + space);
        }
        end += cluster.len();
    }
    end
}

/// Some characters back.
fn back(text: &str, from: usize) -> usize {
    text[..from].char_indices().rev().nth(SLACK).map_or(0, |(at, _)| at)
}

fn escape(text: &str, html: &mut String) {
    let mut spaced = false;
    for c in text.chars() {
        if c.is_whitespace() {
            if !spaced {
                html.push(' ');
            }
            spaced = true;
            continue;
        }
        spaced = false;
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            // What was stored before it was refused.
            c if c.is_control() => drop(write!(html, "&#{};", u32::from(c))),
            c => html.push(c),
        }
    }
}
