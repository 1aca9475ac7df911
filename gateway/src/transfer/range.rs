//! Parts of a file (RFC 9110, section 14).

use std::ops::Range;

/// Parts that are asked for at once.
const MAX_PARTS: usize = 16;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of it: no part is asked for, or something that is not understood.
    All,
    /// These parts, none of them empty.
    Parts(Vec<Range<u64>>),
    /// Nothing that there is.
    Nothing,
}

/// Reads the header `Range` for a file of so many bytes.
pub(super) fn wanted(header: Option<&str>, size: u64) -> Wanted {
    let Some((unit, list)) = header.and_then(|header| header.split_once('=')) else {
        return Wanted::All;
    };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Wanted::All;
    }
    let mut parts = Vec::new();
    let mut asked = 0;
    for one in list.split(',').map(str::trim).filter(|one| !one.is_empty()) {
        asked += 1;
        match part(one, size) {
            None => return Wanted::All,
            Some(part) if part.is_empty() => {}
            Some(part) => parts.push(part),
        }
    }
    // A client that asks for so much, or for the same again and again, is given the whole once.
    let bytes: u64 = parts.iter().map(|part| part.end - part.start).sum();
    if asked == 0 || asked > MAX_PARTS || bytes > size {
        return Wanted::All;
    }
    if parts.is_empty() { Wanted::Nothing } else { Wanted::Parts(parts) }
}

/// One part; empty when there is nothing of it, none when it is not understood.
fn part(text: &str, size: u64) -> Option<Range<u64>> {
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let (first, last) = text.split_once('-')?;
    let (first, last) = (first.trim(), last.trim());
    if first.is_empty() {
        return Some(size.saturating_sub(number(last)?)..size);
    }
    let first = number(first)?;
    let end = match last {
        "" => size,
        last => {
            let last = number(last)?;
            if last < first {
                return None;
            }
            last.saturating_add(1).min(size)
        }
    };
    Some(first.min(end)..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn is(header: &str, expected: &[(u64, u64)]) {
        let parts = expected.iter().map(|(start, end)| *start..*end).collect();
        assert_eq!(wanted(Some(header), 100), Wanted::Parts(parts), "{header}");
    }

    #[test]
    fn parts_are_read() {
        is("bytes=0-0", &[(0, 1)]);
        is("bytes=10-", &[(10, 100)]);
        is("bytes=-7", &[(93, 100)]);
        is("bytes=-700", &[(0, 100)]);
        is("bytes=90-700", &[(90, 100)]);
        is("Bytes = 0-4 , 10-11,", &[(0, 5), (10, 12)]);
        is("bytes=0-4,500-", &[(0, 5)]);
    }

    #[test]
    fn what_is_not_understood_gives_the_whole_and_what_is_not_there_nothing() {
        for all in [
            "",
            "bytes",
            "bytes=",
            "bytes=a-b",
            "bytes=5-4",
            "lines=0-4",
            "bytes=--4",
            "bytes=1-2-3",
            "bytes=-",
            "bytes=0-99,0-99",
        ] {
            assert_eq!(wanted(Some(all), 100), Wanted::All, "{all}");
        }
        assert_eq!(wanted(None, 100), Wanted::All);
        let many = format!("bytes={}", "0-0,".repeat(17));
        assert_eq!(wanted(Some(&many), 100), Wanted::All);
        for nothing in ["bytes=100-", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert_eq!(wanted(Some(nothing), 100), Wanted::Nothing, "{nothing}");
        }
        assert_eq!(wanted(Some("bytes=0-"), 0), Wanted::Nothing);
    }
}
