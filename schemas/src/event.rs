//! The envelope of an event: CloudEvents 1.0 in JSON (structured mode), as it lies in the log.
//!
//! Besides CloudEvents' own attributes an event has `actor` (who caused it), `causation` (the
//! event that led to it, if one did), `traceparent` (W3C Trace Context, so one trace runs from request
//! to delivery) and `digest` (CRC-32 of the data and of what identifies the event: a bit that flips in
//! a store or on the way is noticed when the event is read).
//!
//! <https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md>

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub use crate::events::EventData;
use crate::ids::{EventId, InvalidId, TraceParent, UserId};
use crate::text::{text_conversions, text_serde};
use crate::time::Timestamp;

/// Who caused an event.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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
    digest: String,
    data: &'a RawValue,
}

#[derive(Deserialize)]
struct Incoming<'a> {
    id: EventId,
    #[serde(rename = "type", borrow)]
    kind: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    subject: std::borrow::Cow<'a, str>,
    time: Timestamp,
    actor: Actor,
    #[serde(default)]
    causation: Option<EventId>,
    #[serde(default)]
    traceparent: Option<TraceParent>,
    #[serde(borrow)]
    digest: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    data: &'a RawValue,
}

fn checksum(id: &str, kind: &str, subject: &str, data: &str) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for part in [id, kind, subject, data] {
        hasher.update(part.as_bytes());
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

    fn write(&self) -> Result<Vec<u8>, serde_json::Error> {
        let data = self.data.to_raw()?;
        let kind = self.data.type_name();
        let subject = self.data.subject();
        let outgoing = Outgoing {
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
            digest: format!("{:08x}", checksum(self.id.as_str(), kind, &subject, data.get())),
            data: &data,
        };
        serde_json::to_vec(&outgoing)
    }

    /// Reads an event back and checks that it is the one that was written.
    ///
    /// # Errors
    /// See [`DecodeError`]; the bytes are left to the caller, who must not skip them silently.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        must_be_object(bytes)?;
        let incoming: Incoming<'_> =
            serde_json::from_slice(bytes).map_err(DecodeError::Malformed)?;
        let Incoming { id, kind, subject, data, .. } = &incoming;
        if !is_written(&incoming.digest, checksum(id.as_str(), kind, subject, data.get())) {
            return Err(DecodeError::Corrupt);
        }
        must_be_object(data.get().as_bytes())?;
        let data = EventData::from_raw(&incoming.kind, incoming.data)?;
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
    is_written(&digest, checksum(id.as_str(), &kind, &subject, data.get()))
        .then(|| kind.into_owned())
}
