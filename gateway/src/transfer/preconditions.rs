//! What a request for a file makes conditional (RFC 9110, section 13), judged in the order of its section 13.2.2. Pure:
//! what the client knows stands in its headers, what there is is handed in.

use std::time::{Duration, SystemTime};

use actix_web::http::Method;
use actix_web::http::header::{
    HeaderMap, HeaderName, HeaderValue, HttpDate, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    IF_RANGE, IF_UNMODIFIED_SINCE, RANGE,
};
use schemas::{Code, Rejection, Timestamp};

/// What there is under a URL.
#[derive(Debug, Clone, Copy)]
pub(super) struct Present<'a> {
    /// Its `ETag`, a strong one, with the quotes.
    pub(super) etag: &'a str,
    /// Its `Last-Modified`. What stands under a URL changes at most once, so it is a strong validator, too.
    pub(super) modified: Option<HttpDate>,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is carried out, as if there were no header `Range`.
    Whole,
    /// It is carried out; `Range` counts.
    Parts,
    /// 304: the client has what there is.
    NotModified,
    /// 412.
    Failed,
}

/// Judges a request for what there is, or for nothing.
pub(super) fn judge(method: &Method, headers: &HeaderMap, present: Option<Present<'_>>) -> Verdict {
    let reads = *method == Method::GET || *method == Method::HEAD;
    let modified = present.and_then(|present| present.modified);
    let is_as_known = match names(headers, &IF_MATCH, present, false) {
        Some(named) => named,
        // Dates count only where no tags are named, and only for what has one.
        None => date(headers, &IF_UNMODIFIED_SINCE)
            .zip(modified)
            .is_none_or(|(since, modified)| modified <= since),
    };
    if !is_as_known {
        return Verdict::Failed;
    }
    let is_known = match names(headers, &IF_NONE_MATCH, present, true) {
        Some(named) => named,
        None => date(headers, &IF_MODIFIED_SINCE)
            .zip(modified)
            .is_some_and(|(since, modified)| reads && modified <= since),
    };
    match is_known {
        true if reads => Verdict::NotModified,
        true => Verdict::Failed,
        false if *method == Method::GET && may_be_parts(headers, present) => Verdict::Parts,
        false => Verdict::Whole,
    }
}

/// The answer to [`Verdict::Failed`].
pub(super) fn failed() -> Rejection {
    Rejection::new(
        Code::PreconditionFailed,
        "a condition in the headers of the request does not hold",
    )
}

/// When something was modified, as `Last-Modified` says it: in whole seconds; none before 1970.
pub(super) fn http_date(moment: Timestamp) -> Option<HttpDate> {
    let seconds = u64::try_from(moment.millis().div_euclid(1000)).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).map(HttpDate::from)
}

/// Whether a list of tags has that of what there is; none where there is no such header. `weakly`: a tag that is weak
/// counts, too.
fn names(
    headers: &HeaderMap,
    name: &HeaderName,
    present: Option<Present<'_>>,
    weakly: bool,
) -> Option<bool> {
    let mut lines = headers.get_all(name).peekable();
    lines.peek()?;
    let Some(Present { etag, .. }) = present else { return Some(false) };
    let is_it = |tag: &str| tag == etag || (weakly && tag.strip_prefix("W/") == Some(etag));
    Some(
        lines
            .filter_map(|line| line.to_str().ok())
            .any(|line| line.trim() == "*" || line.split(',').map(str::trim).any(is_it)),
    )
}

/// The date in a header that is there once and is one; anything else counts as nothing.
fn date(headers: &HeaderMap, name: &HeaderName) -> Option<HttpDate> {
    only(headers, name)?.to_str().ok()?.trim().parse().ok()
}

fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut lines = headers.get_all(name);
    let first = lines.next()?;
    lines.next().is_none().then_some(first)
}

/// Whether parts may be given: parts of something else are no use to a client that has others already.
fn may_be_parts(headers: &HeaderMap, present: Option<Present<'_>>) -> bool {
    if !headers.contains_key(RANGE) || !headers.contains_key(IF_RANGE) {
        return true;
    }
    let (Some(known), Some(present)) = (only(headers, &IF_RANGE), present) else { return false };
    let known = known.to_str().unwrap_or_default().trim();
    let is_its_date = || known.parse::<HttpDate>().is_ok_and(|date| present.modified == Some(date));
    known == present.etag || is_its_date()
}

#[cfg(test)]
mod tests {
    use Verdict::{Failed, NotModified, Parts, Whole};

    use super::*;

    const ETAG: &str = "\"aa\"";
    const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
    const THEN: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const AFTER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

    fn judged(method: &Method, given: &[(HeaderName, &str)], is_there: bool) -> Verdict {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.append(name.clone(), HeaderValue::from_str(value).unwrap());
        }
        let modified = http_date(Timestamp::from_millis(784_111_777_900));
        judge(method, &headers, is_there.then_some(Present { etag: ETAG, modified }))
    }

    #[track_caller]
    fn is(expected: Verdict, given: &[(HeaderName, &str)]) {
        assert_eq!(judged(&Method::GET, given, true), expected, "{given:?}");
    }

    #[test]
    fn a_condition_alone() {
        is(Parts, &[]);
        for (tag, matches, none_match) in [
            ("\"aa\"", Parts, NotModified),
            ("*", Parts, NotModified),
            ("\"bb\", \"aa\"", Parts, NotModified),
            // Weak tags are not enough to go on by, and enough not to send it again.
            ("W/\"aa\"", Failed, NotModified),
            ("\"bb\"", Failed, Parts),
            ("aa", Failed, Parts),
            ("", Failed, Parts),
        ] {
            is(matches, &[(IF_MATCH, tag)]);
            is(none_match, &[(IF_NONE_MATCH, tag)]);
        }
        for (date, unmodified, modified) in [
            (BEFORE, Failed, Parts),
            (THEN, Parts, NotModified),
            (AFTER, Parts, NotModified),
            ("yesterday", Parts, Parts),
        ] {
            is(unmodified, &[(IF_UNMODIFIED_SINCE, date)]);
            is(modified, &[(IF_MODIFIED_SINCE, date)]);
        }
        for (known, verdict) in [
            ("\"aa\"", Parts),
            ("\"bb\"", Whole),
            ("W/\"aa\"", Whole),
            (THEN, Parts),
            (BEFORE, Whole),
            (AFTER, Whole),
            ("yesterday", Whole),
        ] {
            is(verdict, &[(RANGE, "bytes=0-0"), (IF_RANGE, known)]);
        }
    }

    #[test]
    fn conditions_are_judged_in_order() {
        // A tag that is named makes the date beside it count for nothing.
        is(Parts, &[(IF_MATCH, ETAG), (IF_UNMODIFIED_SINCE, BEFORE)]);
        is(Parts, &[(IF_NONE_MATCH, "\"bb\""), (IF_MODIFIED_SINCE, AFTER)]);
        is(Failed, &[(IF_MATCH, "\"bb\""), (IF_NONE_MATCH, ETAG)]);
        is(NotModified, &[(IF_MATCH, ETAG), (IF_NONE_MATCH, ETAG)]);
        is(Failed, &[(IF_UNMODIFIED_SINCE, BEFORE), (IF_NONE_MATCH, ETAG)]);
        is(NotModified, &[(IF_NONE_MATCH, ETAG), (RANGE, "bytes=0-0"), (IF_RANGE, "\"bb\"")]);
        // A list may come in several lines; a date may not.
        is(Parts, &[(IF_MATCH, "\"bb\""), (IF_MATCH, ETAG)]);
        is(Parts, &[(IF_MODIFIED_SINCE, AFTER), (IF_MODIFIED_SINCE, AFTER)]);
        is(Whole, &[(RANGE, "bytes=0-0"), (IF_RANGE, ETAG), (IF_RANGE, ETAG)]);
    }

    #[test]
    fn what_writes_is_refused_and_of_parts_only_get_knows() {
        let put = |given: &[(HeaderName, &str)], is_there| judged(&Method::PUT, given, is_there);
        assert_eq!(put(&[(IF_NONE_MATCH, "*")], false), Whole);
        assert_eq!(put(&[(IF_NONE_MATCH, "*")], true), Failed);
        assert_eq!(put(&[(IF_MATCH, "*")], false), Failed);
        assert_eq!(put(&[(IF_MATCH, ETAG)], true), Whole);
        assert_eq!(put(&[(IF_MODIFIED_SINCE, AFTER)], true), Whole);
        assert_eq!(judged(&Method::HEAD, &[(RANGE, "bytes=0-0")], true), Whole);
        assert_eq!(judged(&Method::HEAD, &[(IF_NONE_MATCH, ETAG)], true), NotModified);
    }
}
