//! The envelope of an event: CloudEvents 1.0 in JSON (structured mode), as it lies in the log.
//!
//! Besides CloudEvents' own attributes an event has `actor` (who caused it), `causation` (the
//! event that led to it, if one did), `traceparent` (W3C Trace Context, so one trace runs from request
//! to delivery) and `digest` (CRC-32 of the data and of what identifies the event: a bit that flips in
//! a store or on the way is noticed when the event is read).
//!
//! <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md>

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::as_written::AsWritten;
pub use crate::events::EventData;
use crate::ids::{EventId, InvalidId, TraceParent, UserId};
use crate::text::{text_conversions, text_serde};
use crate::time::Timestamp;

/// Who caused an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A person or bot.
    User(UserId),
    /// Tidings itself: `system`.
    System,
}

impl Actor {
    /// Parses a user id or `system`.
    ///
    /// # Errors
    /// [`InvalidId`] when it is neither.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        if text == "system" { Ok(Self::System) } else { UserId::parse(text).map(Self::User) }
    }

    /// As it stands on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::User(id) => id.as_str(),
            Self::System => "system",
        }
    }
}

text_serde!(Actor, InvalidId, |actor| actor.as_str());

text_conversions!(Actor, InvalidId);

/// Why a stored message is not an event this build can read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// It is not a CloudEvent of ours, or its data does not fit its type.
    #[error("not a well-formed event")]
    Malformed(#[source] serde_json::Error),
    /// Written by a newer build: the type or version is not known here.
    #[error("unknown event type {0:?}")]
    UnknownType(String),
    /// The checksum does not match: the bytes are not those that were written.
    #[error("the event's checksum does not match its content")]
    Corrupt,
}

/// Why an event was not written: its own bytes would not be read as what was meant.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// It cannot be written as JSON.
    #[error("the event cannot be written as JSON")]
    Unwritable(#[source] serde_json::Error),
    /// It could not be read back.
    #[error("the event could not be read back")]
    Unreadable(#[source] DecodeError),
    /// It would be read as another event.
    #[error("the event would be read back as another one")]
    Misread,
}

/// Bytes that nearly every event has room in.
const ROOM: usize = 1024;

/// One event: what happened, and the circumstances.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its own id.
    pub id: EventId,
    /// When it was decided, by the clock of the service that decided it; order is the log's alone.
    pub time: Timestamp,
    /// Who caused it.
    pub actor: Actor,
    /// The event that led to this one.
    pub causation: Option<EventId>,
    /// The trace it belongs to.
    pub traceparent: Option<TraceParent>,
    /// What happened.
    pub data: EventData,
}

#[derive(Serialize)]
struct Outgoing<'a> {
    specversion: &'static str,
    id: &'a EventId,
    source: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    subject: &'a str,
    time: Timestamp,
    datacontenttype: &'static str,
    actor: &'a Actor,
    #[serde(skip_serializing_if = "Option::is_none")]
    causation: Option<&'a EventId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a TraceParent>,
    digest: &'static str,
}

/// Stands where the digest will stand: as long as one.
const NO_DIGEST: &str = "00000000";

#[derive(Deserialize)]
struct Incoming<'a> {
    id: EventId,
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    subject: Cow<'a, str>,
    time: Timestamp,
    actor: Actor,
    #[serde(default)]
    causation: Option<EventId>,
    #[serde(default)]
    traceparent: Option<TraceParent>,
    #[serde(borrow)]
    digest: Cow<'a, str>,
    #[serde(borrow)]
    data: &'a RawValue,
}

fn checksum(id: &str, kind: &str, subject: &str, data: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for part in [id.as_bytes(), kind.as_bytes(), subject.as_bytes(), data] {
        hasher.update(part);
        hasher.update(&[0]);
    }
    hasher.finalize()
}

/// A checksum as it is written: eight lower-case hexadecimal digits, in one way only.
fn is_written(digest: &str, checksum: u32) -> bool {
    digest.len() == 8
        && digest.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        && u32::from_str_radix(digest, 16) == Ok(checksum)
}

/// serde takes an array for an object with its fields in that order; no event was ever written so.
fn must_be_object(json: &[u8]) -> Result<(), DecodeError> {
    if json.trim_ascii_start().starts_with(b"{") {
        return Ok(());
    }
    Err(DecodeError::Malformed(serde::de::Error::custom("not an object")))
}

impl Event {
    /// The bytes that go into the log, read back and compared: an event that cannot be read stops every view of an
    /// installation and cannot be taken back, so there is no other way to make these bytes.
    ///
    /// # Errors
    /// [`EncodeError`]: something in it is deeper, later or otherwise more than can be read.
    pub fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        let bytes = self.write().map_err(EncodeError::Unwritable)?;
        match Self::decode(&bytes) {
            Ok(read) if read == *self => Ok(bytes),
            Ok(_) => Err(EncodeError::Misread),
            Err(error) => Err(EncodeError::Unreadable(error)),
        }
    }

    /// The envelope, then the data, written straight behind it; the digest, which stands before the data and is made of
    /// it, is put in its place at last.
    fn write(&self) -> Result<Vec<u8>, serde_json::Error> {
        let kind = self.data.type_name();
        let subject = self.data.subject();
        let envelope = Outgoing {
            specversion: "1.0",
            id: &self.id,
            source: "/tidings",
            kind,
            subject: &subject,
            time: self.time,
            datacontenttype: "application/json",
            actor: &self.actor,
            causation: self.causation.as_ref(),
            traceparent: self.traceparent.as_ref(),
            digest: NO_DIGEST,
        };
        let mut bytes = Vec::with_capacity(ROOM);
        serde_json::to_writer(&mut bytes, &envelope)?;
        // `"}`: the digest is the last of the envelope.
        let digest_ends = bytes.len().saturating_sub(2);
        bytes.pop();
        bytes.extend_from_slice(b",\"data\":");
        let data_begins = bytes.len();
        self.data.write(&mut bytes)?;
        let data = bytes.get(data_begins..).unwrap_or_default();
        let digest = format!("{:08x}", checksum(self.id.as_str(), kind, &subject, data));
        let digest_begins = digest_ends.saturating_sub(digest.len());
        if let Some(place) = bytes.get_mut(digest_begins..digest_ends) {
            place.copy_from_slice(digest.as_bytes());
        }
        bytes.push(b'}');
        Ok(bytes)
    }

    /// Reads an event back and checks that it is the one that was written.
    ///
    /// # Errors
    /// See [`DecodeError`]; the bytes are left to the caller, who must not skip them silently.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        match AsWritten::read(bytes).and_then(|written| Self::of_written(&written)) {
            Some(event) => Ok(event),
            None => Self::decode_any(bytes),
        }
    }

    /// An event that lies as [`Event::encode`] writes it; none when anything is not as it should be: then
    /// [`Self::decode_any`] says what.
    fn of_written(written: &AsWritten<'_>) -> Option<Self> {
        let AsWritten { id, kind, subject, data, .. } = *written;
        if !is_written(written.digest, checksum(id, kind, subject, data.as_bytes())) {
            return None;
        }
        Some(Self {
            id: EventId::parse(id).ok()?,
            time: Timestamp::parse(written.time).ok()?,
            actor: Actor::parse(written.actor).ok()?,
            causation: written.causation.map(EventId::parse).transpose().ok()?,
            traceparent: written.traceparent.map(TraceParent::parse).transpose().ok()?,
            data: EventData::read(kind, data).ok()?,
        })
    }

    /// An event in any order, with any space and any further attributes.
    fn decode_any(bytes: &[u8]) -> Result<Self, DecodeError> {
        must_be_object(bytes)?;
        let incoming: Incoming<'_> =
            serde_json::from_slice(bytes).map_err(DecodeError::Malformed)?;
        let Incoming { id, kind, subject, data, .. } = &incoming;
        let data = data.get();
        if !is_written(&incoming.digest, checksum(id.as_str(), kind, subject, data.as_bytes())) {
            return Err(DecodeError::Corrupt);
        }
        must_be_object(data.as_bytes())?;
        let data = EventData::read(kind, data)?;
        Ok(Self {
            id: incoming.id,
            time: incoming.time,
            actor: incoming.actor,
            causation: incoming.causation,
            traceparent: incoming.traceparent,
            data,
        })
    }
}

/// What an event's envelope says, as texts: also of an event whose data this build cannot read. Nothing is checked but
/// that it is there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Outline {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it happened to.
    pub subject: String,
    /// When it was decided.
    pub time: Timestamp,
    /// Who caused it.
    pub actor: String,
}

impl Outline {
    /// Reads the envelope; none when it is not one.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        must_be_object(bytes).ok()?;
        serde_json::from_slice(bytes).ok()
    }
}

/// The type of an event that cannot be read although nothing happened to it: a newer build wrote it, or its data does
/// not fit its type. None when that much is not certain of it.
#[must_use]
pub fn intact_type(bytes: &[u8]) -> Option<String> {
    let Incoming { id, kind, subject, digest, data, .. } = serde_json::from_slice(bytes).ok()?;
    is_written(&digest, checksum(id.as_str(), &kind, &subject, data.get().as_bytes()))
        .then(|| kind.into_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;
    use crate::as_written::Heading;

    /// What is kept of every type, as it lies in the log.
    static GOLDEN: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/golden");
        let read = |file: std::io::Result<std::fs::DirEntry>| std::fs::read(file.unwrap().path());
        let files = std::fs::read_dir(folder).unwrap();
        files.map(|file| read(file).unwrap().trim_ascii_end().to_vec()).collect()
    });

    /// Whatever the short way reads is what the long way reads, and what it says of an event is what the long way says.
    #[track_caller]
    fn same(bytes: &[u8]) {
        let any = Event::decode_any(bytes);
        if let Some(written) = AsWritten::read(bytes)
            && let Some(event) = Event::of_written(&written)
        {
            assert_eq!(any.ok(), Some(event), "{}", String::from_utf8_lossy(bytes));
        }
        if let Ok(any) = serde_json::from_slice::<Heading<'_>>(bytes) {
            assert_eq!(Heading::read(bytes), Some(any));
        }
    }

    #[test]
    fn every_event_is_written_for_the_short_way() {
        for bytes in &*GOLDEN {
            let event = Event::decode_any(bytes).unwrap();
            let written = event.encode().unwrap();
            let short = AsWritten::read(&written).and_then(|written| Event::of_written(&written));
            assert_eq!(short.as_ref(), Some(&event), "{}", event.data.type_name());
            assert_eq!(Event::decode_any(&written).ok().as_ref(), Some(&event));
            same(bytes);
            same(&written);
        }
    }

    #[test]
    fn what_is_not_as_it_was_written_goes_the_long_way() {
        let event = Event::decode(&GOLDEN[0]).unwrap();
        let text = String::from_utf8(event.encode().unwrap()).unwrap();
        let spaced = text.replacen("\"subject\":", "\"subject\": ", 1);
        let escaped = text.replacen("\"source\":\"/tidings\"", "\"source\":\"\\/tidings\"", 1);
        let before = text.replacen("{\"specversion\"", "{\"more\":{},\"specversion\"", 1);
        let behind = format!("{},\"more\":{{}}}}", text.strip_suffix('}').unwrap());
        for other in [spaced, escaped, before, behind] {
            assert_ne!(other, text);
            let short = AsWritten::read(other.as_bytes());
            assert_eq!(short.and_then(|written| Event::of_written(&written)), None, "{other}");
            assert_eq!(Event::decode(other.as_bytes()).ok().as_ref(), Some(&event), "{other}");
            same(other.as_bytes());
        }
        let corrupt = text.replacen("\"digest\":\"", "\"digest\":\"x", 1);
        assert!(matches!(Event::decode(corrupt.as_bytes()), Err(DecodeError::Corrupt)));
    }

    proptest! {
        #[test]
        fn the_short_way_takes_nothing_that_the_long_one_does_not(
            which in 0..1_000_usize,
            edits in prop::collection::vec((any::<prop::sample::Index>(), 0..3_u8, any::<u8>()), 0..4),
        ) {
            let event = Event::decode(&GOLDEN[which % GOLDEN.len()]).unwrap();
            let mut bytes = event.encode().unwrap();
            for (at, how, byte) in edits {
                let at = at.index(bytes.len());
                match how {
                    0 => bytes[at] = byte,
                    1 => bytes.insert(at, byte),
                    _ => drop(bytes.remove(at)),
                }
            }
            same(&bytes);
        }
    }
}
