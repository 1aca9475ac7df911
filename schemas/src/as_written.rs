//! The envelope of an event that lies in the log exactly as `Event::encode` writes it: found by looking for the texts
//! between its attributes, without a parser of JSON. Nearly every event there is lies so, and each is read half a dozen
//! times. Whatever lies otherwise is left to the parser, which alone says what is wrong with it.

use std::borrow::Cow;

use serde::Deserialize;

/// The attributes, as their texts; nothing is said of what they mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AsWritten<'a> {
    pub(crate) id: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) subject: &'a str,
    pub(crate) time: &'a str,
    pub(crate) actor: &'a str,
    pub(crate) causation: Option<&'a str>,
    pub(crate) traceparent: Option<&'a str>,
    pub(crate) digest: &'a str,
    /// From the first brace to the last: one JSON value if the event is JSON at all.
    pub(crate) data: &'a str,
}

impl<'a> AsWritten<'a> {
    /// Finds them; none when one of them is not where it is written, or needs more than to be cut out.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let rest = std::str::from_utf8(bytes).ok()?;
        let rest = rest.strip_prefix("{\"specversion\":\"1.0\",\"id\":\"")?;
        let (id, rest) = text(rest, "\",\"source\":\"/tidings\",\"type\":\"")?;
        let (kind, rest) = text(rest, "\",\"subject\":\"")?;
        let (subject, rest) = text(rest, "\",\"time\":\"")?;
        let (time, rest) = text(rest, "\",\"datacontenttype\":\"application/json\",\"actor\":\"")?;
        let (actor, rest) = text(rest, "\",\"")?;
        let (causation, rest) = perhaps(rest, "causation\":\"")?;
        let (traceparent, rest) = perhaps(rest, "traceparent\":\"")?;
        let (digest, rest) = text(rest.strip_prefix("digest\":\"")?, "\",\"data\":")?;
        let data = rest.strip_suffix('}')?;
        let whole = data.starts_with('{') && data.ends_with('}');
        whole.then_some(Self {
            id,
            kind,
            subject,
            time,
            actor,
            causation,
            traceparent,
            digest,
            data,
        })
    }
}

/// A text that means what it says, and what is behind it once `then` has followed, which begins with the quotation mark
/// that ends the text.
fn text<'a>(rest: &'a str, then: &str) -> Option<(&'a str, &'a str)> {
    let ends = |byte: u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
    let end = rest.bytes().position(ends)?;
    let (text, rest) = rest.split_at_checked(end)?;
    Some((text, rest.strip_prefix(then)?))
}

/// An attribute that may be left out, and what is behind it up to the name of the next.
fn perhaps<'a>(rest: &'a str, name: &str) -> Option<(Option<&'a str>, &'a str)> {
    let Some(rest) = rest.strip_prefix(name) else { return Some((None, rest)) };
    let (found, rest) = text(rest, "\",\"")?;
    Some((Some(found), rest))
}

/// What an event's envelope says of it, for those who read nothing more of most events. Nothing is checked but that it
/// is there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Heading<'a> {
    /// Its type.
    #[serde(rename = "type", borrow)]
    pub kind: Cow<'a, str>,
    /// What it happened to.
    #[serde(borrow)]
    pub subject: Cow<'a, str>,
    /// Who caused it.
    #[serde(borrow)]
    pub actor: Cow<'a, str>,
}

impl<'a> Heading<'a> {
    /// Reads it; none when it is not there.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        match AsWritten::read(bytes) {
            Some(AsWritten { kind, subject, actor, .. }) => {
                Some(Self { kind: kind.into(), subject: subject.into(), actor: actor.into() })
            }
            None => serde_json::from_slice(bytes).ok(),
        }
    }
}
