//! Places in the log.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::text_conversions;

/// The number JetStream gave a stored event: 1 for the first of a stream; 0 means "before the first".
pub type Sequence = u64;

/// Names one incarnation of the log: it changes when the stream is made anew, so that a position of
/// an older log is recognised instead of misread. 1 to 16 characters of `[a-z0-9]`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Epoch {
    /// What lies behind the length is zeros.
    text: [u8; LONGEST],
    length: usize,
}

/// Characters of an epoch, at most.
const LONGEST: usize = 16;

/// A text is not a position (`epoch:sequence`).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a position")]
pub struct InvalidPosition;

impl Epoch {
    /// Parses an epoch.
    ///
    /// # Errors
    /// [`InvalidPosition`] when it is empty, too long or has another character than `[a-z0-9]`.
    pub fn parse(text: &str) -> Result<Self, InvalidPosition> {
        let fits =
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let mut epoch = Self { text: [0; LONGEST], length: text.len() };
        let place = epoch.text.get_mut(..text.len()).filter(|_| fits);
        place.ok_or(InvalidPosition)?.copy_from_slice(text.as_bytes());
        Ok(epoch)
    }

    /// The epoch as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let text = self.text.get(..self.length).unwrap_or_default();
        str::from_utf8(text).unwrap_or_default()
    }

    /// A place in this epoch's log.
    #[must_use]
    pub fn at(&self, sequence: Sequence) -> Position {
        Position { epoch: *self, sequence }
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Epoch").field(&self.as_str()).finish()
    }
}

text_conversions!(Epoch, InvalidPosition);

/// A place in the log: a consistent cut through everything that happened. Opaque to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Position {
    /// Which log.
    pub epoch: Epoch,
    /// The last event included; 0 is the beginning.
    pub sequence: Sequence,
}

impl Position {
    /// Parses `epoch:sequence`.
    ///
    /// # Errors
    /// [`InvalidPosition`] for any other shape, a sign, zeros in front, or a number beyond 64 bits.
    pub fn parse(text: &str) -> Result<Self, InvalidPosition> {
        let (epoch, sequence) = text.split_once(':').ok_or(InvalidPosition)?;
        let digits = !sequence.is_empty() && sequence.bytes().all(|b| b.is_ascii_digit());
        // One place is written in one way, so that positions can be compared as texts.
        if !digits || (sequence.len() > 1 && sequence.starts_with('0')) {
            return Err(InvalidPosition);
        }
        let sequence = sequence.parse().map_err(|_| InvalidPosition)?;
        Ok(Self { epoch: Epoch::parse(epoch)?, sequence })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.epoch, self.sequence)
    }
}
text_conversions!(Position, InvalidPosition, |position| position.to_string());

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_round_trips_and_bad_ones_are_refused() {
        let position = Position::parse("e1:42");
        assert_eq!(position.map(|p| p.to_string()), Ok("e1:42".to_owned()));
        for bad in [
            "",
            "e1",
            "e1:",
            ":1",
            "e1:-1",
            "e1:+1",
            "e1:042",
            "E1:1",
            "e1:1:1",
            "e1:99999999999999999999999",
        ] {
            assert!(Position::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_epoch_is_one_to_sixteen_characters() {
        for text in ["a", "0123456789abcdef"] {
            assert_eq!(Epoch::parse(text).map(|epoch| epoch.to_string()), Ok(text.to_owned()));
        }
        for bad in ["", "0123456789abcdefg", "a-b", "a\0"] {
            assert!(Epoch::parse(bad).is_err(), "{bad:?}");
        }
    }
}
