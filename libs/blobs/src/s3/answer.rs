//! Reading the few texts we need out of the store's answers in XML.

/// What stands between the tags of an element, the first of its name.
pub(super) fn text(xml: &str, name: &str) -> Option<String> {
    elements(xml, name).next().map(plain)
}

/// What stands between the tags of each element of a name, as it was written.
pub(super) fn elements<'a>(xml: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let (open, close) = (format!("<{name}"), format!("</{name}>"));
    let mut rest = xml;
    std::iter::from_fn(move || {
        loop {
            let (_, after) = rest.split_once(open.as_str())?;
            rest = after;
            // Its name may only begin so.
            let Some(inside) = after.strip_prefix('>').or_else(|| with_attributes(after)) else {
                continue;
            };
            let (inside, after) = inside.split_once(close.as_str())?;
            rest = after;
            return Some(inside);
        }
    })
}

fn with_attributes(after: &str) -> Option<&str> {
    if !after.starts_with(char::is_whitespace) {
        return None;
    }
    let (attributes, inside) = after.split_once('>')?;
    (!attributes.ends_with('/')).then_some(inside)
}

/// A text without its entities.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        let Some((entity, after)) = after.split_once(';') else {
            plain.push('&');
            rest = after;
            break;
        };
        plain.push(character(entity).unwrap_or(char::REPLACEMENT_CHARACTER));
        rest = after;
    }
    plain.push_str(rest);
    plain
}

fn character(entity: &str) -> Option<char> {
    match entity {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        other => {
            let number = other.strip_prefix('#')?;
            let code = match number.strip_prefix('x') {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

/// A text as it may stand in XML.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_by_their_names() {
        let xml = "<?xml version=\"1.0\"?><R xmlns=\"x\"><Keys/><KeyCount>2</KeyCount>\
                   <C><Key>a&amp;b</Key></C><C><Key a='1'>c&#x64;&#101;</Key></C><Key/></R>";
        let keys: Vec<&str> = elements(xml, "Key").collect();
        assert_eq!(keys, ["a&amp;b", "c&#x64;&#101;"]);
        assert_eq!(text(xml, "Key").as_deref(), Some("a&b"));
        assert_eq!(text("<Key>c&#x64;&#101;</Key>", "Key").as_deref(), Some("cde"));
        assert_eq!(text(xml, "KeyCount").as_deref(), Some("2"));
        assert_eq!(text(xml, "Count"), None);
        assert_eq!(elements(xml, "C").count(), 2);
    }

    #[test]
    fn what_is_damaged_is_no_element() {
        for xml in ["", "<Key", "<Key>", "<Key a", "<Key>x</Ke", "<Key/>"] {
            assert_eq!(text(xml, "Key"), None, "{xml}");
        }
        assert_eq!(text("<K>a&none;b&amp</K>", "K").as_deref(), Some("a\u{fffd}b&amp"));
        assert_eq!(escaped("\"a&<b>\""), "\"a&amp;&lt;b&gt;\"");
    }
}
