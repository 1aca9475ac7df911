//! Finding the people a text names.
//!
//! `@username` names a member whatever letters or marks stand round it, but not inside an address, a link or
//! code. A word may be read in several ways: `@bob.smith` is `bob.smith` where a member is called so, else
//! `bob`. Which reading it is, is for the caller to look up, the longest first.

use std::collections::HashSet;
use std::ops::Range;

use schemas::values::{Format, Username};

use super::prose::prose;

/// Distinct words of one text that are looked up; further ones are plain text.
pub const MAX_WORDS: usize = 200;
/// Readings of all words of one text that are looked up.
pub const MAX_READINGS: usize = 600;
/// Members a text can name; further ones are plain text.
pub const MAX_NAMED: usize = 50;

/// The longest a username can be.
const MAX_USERNAME: usize = 32;

/// The distinct `@words` of a text, in its order, each with what it may mean: usernames to try, longest first.
#[must_use]
pub fn mentioned(text: &str, format: Format) -> Vec<Vec<Username>> {
    if !text.contains('@') {
        return Vec::new();
    }
    match format {
        Format::Plain => words(text),
        Format::Markdown => words(&prose(text)),
    }
}

fn words(text: &str) -> Vec<Vec<Username>> {
    let mut links = links(text).into_iter().peekable();
    let (mut found, mut seen, mut readings) = (Vec::new(), HashSet::new(), 0);
    for (at, _) in text.match_indices('@') {
        while links.next_if(|link| link.end <= at).is_some() {}
        let linked = links.peek().is_some_and(|link| link.start <= at);
        if linked || in_address(text, at) {
            continue;
        }
        let word = word(text.get(at + 1..).unwrap_or_default());
        let Some(longest) = word.first() else { continue };
        if !seen.insert(longest.clone()) {
            continue;
        }
        readings += word.len();
        if found.len() == MAX_WORDS || readings > MAX_READINGS {
            break;
        }
        found.push(word);
    }
    found
}

const fn in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

/// Whether an `@` belongs to what stands before it: an address has an ASCII letter or digit there, or one with
/// a mark after it.
fn in_address(text: &str, at: usize) -> bool {
    // All that matters is ASCII, and no byte of another character is.
    let before = |back: usize| at.checked_sub(back).and_then(|place| text.as_bytes().get(place));
    match before(1) {
        Some(b'@') => true,
        Some(b'.' | b'+' | b'_' | b'%' | b'-') => before(2).is_some_and(u8::is_ascii_alphanumeric),
        Some(byte) => byte.is_ascii_alphanumeric(),
        None => false,
    }
}

/// What may be meant by what stands after an `@`: everything up to a letter or digit with no other after it.
fn word(rest: &str) -> Vec<Username> {
    let bytes = rest.as_bytes();
    let length = bytes.iter().take_while(|byte| in_name(**byte)).count();
    if is_host(rest.get(length..).unwrap_or_default()) {
        return Vec::new();
    }
    let ends = (1..=length.min(MAX_USERNAME)).rev().filter(|end| {
        let letter = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_alphanumeric);
        letter(end - 1) && (*end == length || !letter(*end))
    });
    ends.filter_map(|end| Username::existing(rest.get(..end)?).ok()).collect()
}

/// Whether this begins as the second half of an address of another server: `@bob@example.org`.
fn is_host(rest: &str) -> bool {
    let Some(host) = rest.strip_prefix('@') else { return false };
    let length = host.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'-').count();
    let domain = host.get(length..).unwrap_or_default().strip_prefix('.');
    length > 0
        && domain.is_some_and(|domain| domain.starts_with(|c: char| c.is_ascii_alphanumeric()))
}

/// Where links are, as clients find them in plain text: `scheme://`, `www.` and `host.tld/` up to white space, a
/// quotation mark or a bracket that was not opened in it. Ascending, apart from one another.
fn links(text: &str) -> Vec<Range<usize>> {
    let mut links = Vec::new();
    let mut from = 0;
    while let Some(rest) = text.get(from..) {
        let Some(skipped) = rest.find(|c| !ends_link(c)) else { break };
        let start = from + skipped;
        let rest = text.get(start..).unwrap_or_default();
        let end = start + rest.find(ends_link).unwrap_or(rest.len());
        links_of_token(text, start..end, &mut links);
        from = end;
    }
    links
}

/// What no link goes on after.
fn ends_link(c: char) -> bool {
    match c {
        '<' | '>' | '"' => true,
        _ if c.is_ascii() => c.is_ascii_whitespace() || c.is_ascii_control(),
        _ => !c.is_alphanumeric(),
    }
}

fn links_of_token(text: &str, token: Range<usize>, links: &mut Vec<Range<usize>>) {
    let mut from = token.start;
    while let Some(start) = text.get(from..token.end).and_then(link_start) {
        let start = from + start;
        let end = start + unopened(text.get(start..token.end).unwrap_or_default());
        links.push(start..end);
        from = end.max(start + 1);
    }
}

/// Where the first link of a text without white space begins.
fn link_start(token: &str) -> Option<usize> {
    let scheme = token.match_indices("://").find_map(|(at, _)| {
        let head = token.as_bytes().get(..at).unwrap_or_default();
        let length = head.iter().rev().take_while(|b| b.is_ascii_alphanumeric()).count();
        (length > 0).then(|| at - length)
    });
    let www = token.match_indices("www.").map(|(at, _)| at).find(|at| {
        let before = at.checked_sub(1).and_then(|place| token.as_bytes().get(place));
        before.is_none_or(|byte| !byte.is_ascii_alphanumeric())
    });
    [scheme, www, host_with_path(token)].into_iter().flatten().min()
}

/// Where `host.tld/` begins, if a text begins so: opening marks apart.
fn host_with_path(token: &str) -> Option<usize> {
    let start = token.find(|c: char| c.is_ascii_alphanumeric())?;
    let marks = token.get(..start)?;
    let (host, _) = token.get(start..)?.split_once('/')?;
    let host = host.split(':').next().unwrap_or_default();
    let (rest, tld) = host.rsplit_once('.')?;
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let fits = tld.len() >= 2
        && tld.bytes().all(|b| b.is_ascii_alphabetic())
        && rest.split('.').all(label)
        && !marks.contains('@');
    fits.then_some(start)
}

/// How long a link is that ends before a closing bracket which was not opened in it.
fn unopened(link: &str) -> usize {
    let mut open = [0_usize; 3];
    for (at, byte) in link.bytes().enumerate() {
        let (kind, opens) = match byte {
            b'(' => (0, true),
            b')' => (0, false),
            b'[' => (1, true),
            b']' => (1, false),
            b'{' => (2, true),
            b'}' => (2, false),
            _ => continue,
        };
        let Some(count) = open.get_mut(kind) else { continue };
        match (opens, *count) {
            (true, _) => *count += 1,
            (false, 0) => return at,
            (false, _) => *count -= 1,
        }
    }
    link.len()
}

#[cfg(test)]
mod tests;
