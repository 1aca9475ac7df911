//! The registry of typed ids.
//!
//! An id is a prefix that names its kind, an underscore and 26 characters of Crockford base 32 holding
//! a UUID of version 7 (RFC 9562), so ids sort by the time they were made and contain only
//! `[A-Za-z0-9_]`: none can ever be a NATS wildcard, a subject separator or a path trick. Ids are
//! opaque to clients and are always made by servers.
//!
//! An id is held as its text, in place: about thirty bytes that are copied, and no memory of its own. Every event,
//! lane and document names half a dozen.

use std::str::FromStr;

use data_encoding::{Encoding, Specification};
use schemars::JsonSchema;
use sha2::{Digest as _, Sha256};
use std::sync::LazyLock;
use uuid::Uuid;

use crate::text::{text_conversions, text_serde};
use crate::values::Emoji;

/// Crockford's base 32, lower case: keeps the order of the bytes it encodes.
static BASE32: LazyLock<Encoding> = LazyLock::new(|| {
    let mut spec = Specification::new();
    spec.symbols.push_str("0123456789abcdefghjkmnpqrstvwxyz");
    match spec.encoding() {
        Ok(encoding) => encoding,
        // The alphabet is a constant with 32 distinct symbols; a unit test encodes with it.
        Err(_) => data_encoding::BASE32HEX_NOPAD,
    }
});

/// Characters of an id after its prefix and underscore: 128 bits in base 32.
pub const ID_BODY_LEN: usize = 26;

/// Why a text is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {kind} id")]
pub struct InvalidId {
    /// The kind of id that was wanted, as it stands in its prefix.
    pub kind: &'static str,
}

/// Fills an id's text: what its kind begins with, and the UUID's digits.
fn write(text: &mut [u8], tag: &str, uuid: Uuid) {
    let (start, body) = text.split_at_mut(tag.len());
    start.copy_from_slice(tag.as_bytes());
    BASE32.encode_mut(uuid.as_bytes(), body);
}

/// Whether a text is what [`write`] makes of some UUID: 26 digits, of which the last has only its upper
/// three bits. Checked by eye and not by decoding, as an event holds half a dozen ids.
pub(crate) fn valid_body(body: &str) -> bool {
    let body = body.as_bytes();
    let digits = body.iter().all(|b| {
        matches!(b, b'0'..=b'9' | b'a'..=b'h' | b'j' | b'k' | b'm' | b'n' | b'p'..=b't' | b'v'..=b'z')
    });
    let last = matches!(body.last(), Some(b'0' | b'4' | b'8' | b'c' | b'g' | b'm' | b'r' | b'w'));
    body.len() == ID_BODY_LEN && digits && last
}

macro_rules! typed_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
        #[schemars(with = "String")]
        pub struct $name([u8; concat!($prefix, "_").len() + ID_BODY_LEN]);

        text_serde!($name, InvalidId, |id| id.as_str());

        impl $name {
            /// What every id of this kind begins with, without the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// Makes an id of a UUID the caller drew (version 7 keeps ids in order of time; a name-based
            /// UUID makes the id a function of its name).
            #[must_use]
            pub fn from_uuid(uuid: Uuid) -> Self {
                let tag = concat!($prefix, "_");
                let mut text = [0; concat!($prefix, "_").len() + ID_BODY_LEN];
                write(&mut text, tag, uuid);
                Self(text)
            }

            /// Parses an id of exactly this kind.
            ///
            /// # Errors
            /// [`InvalidId`] when the prefix, the length or a character is wrong.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                let valid = text.strip_prefix(concat!($prefix, "_")).is_some_and(valid_body);
                match text.as_bytes().try_into() {
                    Ok(bytes) if valid => Ok(Self(bytes)),
                    _ => Err(InvalidId { kind: $prefix }),
                }
            }

            /// The id as it stands on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                // Only ASCII is ever held, so this does not fail.
                std::str::from_utf8(&self.0).unwrap_or_default()
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.as_str()).finish()
            }
        }
        text_conversions!($name, InvalidId);
        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::parse(text)
            }
        }
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }
    };
}

typed_id!(
    /// A person's or bot's account.
    UserId, "usr");
typed_id!(
    /// A login of one user on one device.
    SessionId, "ses");
typed_id!(
    /// A channel, group or direct conversation.
    RoomId, "room");
typed_id!(
    /// A message in a room.
    MessageId, "msg");
typed_id!(
    /// An entry of a user's inbox.
    NotificationId, "ntf");
typed_id!(
    /// A one-time code that was asked for.
    ChallengeId, "chl");
typed_id!(
    /// An event in the log (CloudEvents `id`).
    EventId, "evt");
typed_id!(
    /// An erasure of a person's data. Who knows it may ask how far it is.
    ErasureId, "ers");
typed_id!(
    /// A copy of a person's data that they asked for.
    ExportId, "exp");
typed_id!(
    /// An invitation to a room.
    InviteId, "inv");
typed_id!(
    /// An uploaded file.
    MediaId, "media");
typed_id!(
    /// A report of a message.
    ReportId, "rep");
typed_id!(
    /// A user's reaction of one kind, among the reactions to one message. Never leaves the servers.
    ReactionId, "rea");

impl ReactionId {
    /// The id of a user's reaction with an emoji: a function of both.
    #[must_use]
    pub fn of(user: &UserId, emoji: &Emoji) -> Self {
        let digest = Sha256::new().chain_update(user.as_str()).chain_update(emoji.as_str());
        let bytes = digest.finalize();
        let half = bytes.iter().take(16).fold(0, |all, byte| (all << 8) | u128::from(*byte));
        Self::from_uuid(Uuid::from_u128(half))
    }
}

typed_id!(
    /// That something occurs in a block of the log: an entry of the index of the audit trail. Never leaves the servers.
    SightingId, "sgt");

impl SightingId {
    /// The id of what occurs in a block: a function of both. Blocks sort first, so what is new lies together.
    #[must_use]
    pub fn of(term: &str, block: u64) -> Self {
        Self::from_uuid(Uuid::from_u128((u128::from(block) << 64) | u128::from(fnv(term))))
    }
}

/// FNV-1a, 64 bits: fast, and the same everywhere.
fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A W3C Trace Context `traceparent` header value, version 00
/// (`00-<32 hex>-<16 hex>-<2 hex>`, <https://www.w3.org/TR/trace-context/>).
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String")]
pub struct TraceParent(String);

text_serde!(TraceParent, InvalidId, |parent| parent.as_str());

impl TraceParent {
    /// Parses a header value; anything that is not exactly version 00 is refused.
    ///
    /// # Errors
    /// [`InvalidId`] when a field's length or a character is wrong, or an id is all zeros.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let hex = |part: &str, len: usize| {
            part.len() == len && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        let mut parts = text.split('-');
        let mut part = || parts.next();
        match (part(), part(), part(), part(), part()) {
            (Some(version), Some(trace), Some(span), Some(flags), None)
                if version == "00"
                    && hex(trace, 32)
                    && hex(span, 16)
                    && hex(flags, 2)
                    && trace.bytes().any(|b| b != b'0')
                    && span.bytes().any(|b| b != b'0') =>
            {
                Ok(Self(text.to_owned()))
            }
            _ => Err(InvalidId { kind: "traceparent" }),
        }
    }

    /// The header value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The 32 hexadecimal digits that name the whole trace.
    #[must_use]
    pub fn trace_id(&self) -> &str {
        self.0.get(3..35).unwrap_or_default()
    }

    /// Whether the process it comes from records its spans of the trace, and others are to.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        // The lowest bit of the flags, of which the last digit has it.
        matches!(
            self.0.as_bytes().last(),
            Some(b'1' | b'3' | b'5' | b'7' | b'9' | b'b' | b'd' | b'f')
        )
    }
}

text_conversions!(TraceParent, InvalidId, |parent| parent.0);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_round_trips_and_keeps_the_order_of_time() {
        let older = MessageId::from_uuid(Uuid::from_u128(1 << 80));
        let newer = MessageId::from_uuid(Uuid::from_u128(2 << 80));
        assert!(older < newer);
        assert_eq!(MessageId::parse(older.as_str()), Ok(older));
        assert_eq!(older.as_str().len(), "msg_".len() + ID_BODY_LEN);
        assert_eq!(format!("{older:?}"), format!("MessageId(\"{older}\")"));
    }

    #[test]
    fn sightings_sort_by_their_blocks() {
        let of = SightingId::of;
        assert!(of("z", 1) < of("a", 2) && of("a", 1) != of("b", 1) && of("a", 7) == of("a", 7));
        assert_eq!(fnv("foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn exactly_what_decodes_is_a_body() {
        let symbols: Vec<char> = (0..=255_u8).map(char::from).collect();
        let decodes =
            |body: &str| BASE32.decode(body.as_bytes()).is_ok_and(|bytes| bytes.len() == 16);
        for symbol in symbols {
            for place in [0, 12, ID_BODY_LEN - 1] {
                let body: String =
                    (0..ID_BODY_LEN).map(|i| if i == place { symbol } else { '0' }).collect();
                assert_eq!(valid_body(&body), decodes(&body), "{body:?}");
            }
        }
        for length in [0, 25, 27] {
            assert!(!valid_body(&"0".repeat(length)));
        }
    }

    #[test]
    fn what_is_not_an_id_is_refused() {
        for bad in ["", "*", ">", "msg_", "msg_*", "usr_00000000000000000000000000", "msg_0000\r\n"]
        {
            assert!(MessageId::parse(bad).is_err(), "{bad:?}");
        }
        assert!(MessageId::parse("msg_0000000000000000000000000l").is_err());
    }

    #[test]
    fn traceparent_is_checked_field_by_field() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(
            TraceParent::parse(good).map(|t| t.trace_id().to_owned()),
            Ok("4bf92f3577b34da6a3ce929d0e0e4736".to_owned())
        );
        assert!(TraceParent::parse(&good.replace("00-4b", "01-4b")).is_err());
        for (flags, sampled) in
            [("00", false), ("01", true), ("03", true), ("10", false), ("ff", true)]
        {
            let parent = TraceParent::parse(&format!("{}{flags}", &good[..53]));
            assert_eq!(parent.map(|parent| parent.is_sampled()), Ok(sampled), "{flags}");
        }
        assert!(TraceParent::parse(&good.replace('a', "A")).is_err());
    }
}
