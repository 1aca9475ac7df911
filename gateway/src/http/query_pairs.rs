//! The parameters of a query string, decoded. It must not know what they mean.

use schemas::Rejection;

use crate::problem;

/// A parameter of a query, decoded.
pub(super) struct Pair {
    pub(super) name: String,
    pub(super) value: String,
    /// Whether name and value were UTF-8; where they were not, another character stands in.
    pub(super) is_text: bool,
}

/// The pairs of a query string.
///
/// # Errors
/// `validation_failed` for what is no query.
pub(super) fn pairs(query: &str) -> Result<Vec<Pair>, Rejection> {
    let decoded = |part: &str| {
        actix_web::web::Query::<Vec<(String, String)>>::from_query(part)
            .map(actix_web::web::Query::into_inner)
            .map_err(|_| problem::bad("the query is not well-formed"))
    };
    let mut pairs = Vec::new();
    for part in query.split('&') {
        let is_text = is_text(part);
        let found = decoded(part)?.into_iter();
        pairs.extend(found.map(|(name, value)| Pair { name, value, is_text }));
    }
    Ok(pairs)
}

/// Whether what stands in a URL is UTF-8 once its escapes are decoded.
fn is_text(encoded: &str) -> bool {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = match (first, after) {
            (b'%', &[high, low, ..]) => hex(high).zip(hex(low)),
            _ => None,
        };
        let taken = escaped.map_or(first, |(high, low)| (high << 4) | low);
        rest = if escaped.is_some() { after.get(2..).unwrap_or_default() } else { after };
        bytes.push(taken);
    }
    std::str::from_utf8(&bytes).is_ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_utf_8_is_marked_and_everything_else_is_decoded() {
        let read = |query: &str| {
            let pairs = pairs(query).unwrap_or_default().into_iter();
            pairs.map(|Pair { name, value, is_text }| (name, value, is_text)).collect::<Vec<_>>()
        };
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned(), true);
        assert!(read("").is_empty());
        assert_eq!(read("name=%C3%A9%20+%zz%&&b"), [pair("name", "é  %zz%"), pair("b", "")]);
        for bad in ["q=%ff", "q=%C3", "%FF=q", "q=a%ED%A0%80", "q=%C0%AF"] {
            assert!(read(bad).iter().all(|(_, _, is_text)| !is_text), "{bad}");
        }
        let split: Vec<bool> = read("a=%C3&b=%A9&c=d").into_iter().map(|pair| pair.2).collect();
        assert_eq!(split, [false, false, true]);
    }
}
