//! Moments in time as they stand on the wire.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use schemars::JsonSchema;

use crate::text::{text_conversions, text_serde};

/// A moment in UTC with millisecond resolution, written as RFC 3339 (`2026-11-21T10:00:00.000Z`), from the
/// year 0001 to the year 9999: RFC 3339 knows no others, so no other could be read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, JsonSchema)]
#[schemars(with = "String", extend("format" = "date-time"))]
pub struct Timestamp(i64);

text_serde!(Timestamp, InvalidTimestamp, |moment| Written::of(*moment).as_str());

/// A text is not an RFC 3339 moment of the years 0001 to 9999 in UTC.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 date and time of the years 0001 to 9999")]
pub struct InvalidTimestamp;

impl Timestamp {
    /// The first moment there is: `0001-01-01T00:00:00.000Z`.
    pub const MIN: Self = Self(-62_135_596_800_000);
    /// The last: `9999-12-31T23:59:59.999Z`.
    pub const MAX: Self = Self(YEAR_10000 - 1);

    /// From milliseconds since the Unix epoch; what lies outside [`Self::MIN`] and [`Self::MAX`] becomes the
    /// nearer of them.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        if millis < Self::MIN.0 {
            Self::MIN
        } else if millis > Self::MAX.0 {
            Self::MAX
        } else {
            Self(millis)
        }
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// This moment moved by a number of seconds, backwards when negative; at most to [`Self::MIN`] and
    /// [`Self::MAX`].
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self::from_millis(self.0.saturating_add(seconds.saturating_mul(1000)))
    }

    /// Reads the machine's clock. Pure code is handed a `Timestamp` instead of calling this.
    #[must_use]
    pub fn now() -> Self {
        Self::from_millis(Utc::now().timestamp_millis())
    }

    /// Parses RFC 3339; any offset is accepted and turned into UTC, and what is finer than a millisecond is
    /// cut off.
    ///
    /// # Errors
    /// [`InvalidTimestamp`] when the text is anything else, or a moment before the year 0001 or after 9999
    /// once its offset is applied.
    pub fn parse(text: &str) -> Result<Self, InvalidTimestamp> {
        let bytes = text.as_bytes();
        match written_here(bytes).or_else(|| written_finer(bytes)) {
            Some(millis) => Ok(Self(millis)),
            None => Self::parse_any(text),
        }
    }

    fn parse_any(text: &str) -> Result<Self, InvalidTimestamp> {
        let moment = DateTime::parse_from_rfc3339(text).map_err(|_| InvalidTimestamp)?;
        let millis = moment.timestamp_millis();
        let there_is = (Self::MIN.0..=Self::MAX.0).contains(&millis);
        if there_is { Ok(Self(millis)) } else { Err(InvalidTimestamp) }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Written::of(*self).as_str())
    }
}
text_conversions!(Timestamp, InvalidTimestamp, |moment| moment.to_string());

const DAY: i64 = 86_400_000;
/// The first moment of the year 10000, whose text is longer.
const YEAR_10000: i64 = 253_402_300_800_000;
/// Days from the beginning of the year 0, in March, to the Unix epoch.
const MARCH_0: i64 = 719_468;
/// Days in four centuries.
const CENTURIES: i64 = 146_097;

/// A moment's text. An event holds two or three of them, and a general formatter costs more than all its
/// other texts together; it remains for the years it is needed for.
enum Written {
    /// `2026-11-21T10:00:00.007Z`.
    Short([u8; 24]),
    /// Before 1970.
    Long(String),
}

impl Written {
    fn of(moment: Timestamp) -> Self {
        match moment.0 {
            millis @ 0..YEAR_10000 => Self::Short(short(millis)),
            millis => Self::Long(DateTime::<Utc>::from_timestamp_millis(millis).map_or_else(
                || format!("{millis}ms"),
                |moment| moment.to_rfc3339_opts(SecondsFormat::Millis, true),
            )),
        }
    }

    fn as_str(&self) -> &str {
        match self {
            Self::Short(bytes) => std::str::from_utf8(bytes).unwrap_or_default(),
            Self::Long(text) => text,
        }
    }
}

/// Writes a moment between 1970 and 9999. Counts days from a 1st of March, so that the leap day is a year's last.
fn short(millis: i64) -> [u8; 24] {
    let days = millis / DAY + MARCH_0;
    let (century, day) = (days / CENTURIES, days % CENTURIES);
    let of_century = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * of_century + of_century / 4 - of_century / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = of_century + century * 400 + i64::from(month <= 2);
    let time = millis % DAY;
    let mut text = *b"0000-00-00T00:00:00.000Z";
    for (from, to, number) in [
        (0, 4, year),
        (5, 7, month),
        (8, 10, day),
        (11, 13, time / 3_600_000),
        (14, 16, time / 60_000 % 60),
        (17, 19, time / 1000 % 60),
        (20, 23, time % 1000),
    ] {
        let mut rest = number;
        for place in text.get_mut(from..to).into_iter().flatten().rev() {
            *place = b'0' + u8::try_from(rest % 10).unwrap_or_default();
            rest /= 10;
        }
    }
    text
}

/// Reads what nats-server writes, which is the same with more than three digits behind the point. Those are cut off.
fn written_finer(text: &[u8]) -> Option<i64> {
    let (millis, finer) = text.strip_suffix(b"Z")?.split_at_checked(23)?;
    if !finer.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let mut text = *b"0000-00-00T00:00:00.000Z";
    text.get_mut(..23)?.copy_from_slice(millis);
    written_here(&text)
}

/// Reads what [`short`] writes; none for any other form, which may be right as well.
fn written_here(text: &[u8]) -> Option<i64> {
    let text: &[u8; 24] = text.try_into().ok()?;
    let number = |from: usize, to: usize| {
        text.get(from..to)?.iter().try_fold(0, |sum: i64, digit| {
            digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0'))
        })
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if year < 1970 || !(1..=12).contains(&month) {
        return None;
    }
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let of_century = year % 400;
    let day =
        (153 * month + 2) / 5 + day - 1 + of_century * 365 + of_century / 4 - of_century / 100;
    let days = year / 400 * CENTURIES + day - MARCH_0;
    let millis = days * DAY + ((hour * 60 + minute) * 60 + second) * 1000 + number(20, 23)?;
    // Written again it must be the same: that finds the 31st of June, the 61st second and a wrong separator.
    (millis >= 0 && short(millis) == *text).then_some(millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_form_has_milliseconds_and_z() {
        let moment = Timestamp::from_millis(1_795_255_200_007);
        assert_eq!(moment.to_string(), "2026-11-21T10:00:00.007Z");
        assert_eq!(Timestamp::parse("2026-11-21T12:00:00.007+02:00"), Ok(moment));
        assert!(Timestamp::parse("yesterday").is_err());
    }

    fn general(millis: i64) -> String {
        let moment = DateTime::<Utc>::from_timestamp_millis(millis);
        moment.map(|m| m.to_rfc3339_opts(SecondsFormat::Millis, true)).unwrap_or_default()
    }

    #[test]
    fn every_day_is_written_and_read_as_the_general_formatter_does() {
        // Every day of more than one whole cycle of the calendar, and some of all that can be written.
        let days = (-10..410 * 366).map(|day| day * DAY + day * 3_661_007 % DAY);
        for millis in days.chain((0..YEAR_10000).step_by(40_000_000_000)).chain([YEAR_10000 - 1]) {
            let text = Timestamp::from_millis(millis).to_string();
            assert_eq!(text, general(millis));
            assert_eq!(Timestamp::parse(&text), Ok(Timestamp::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_finer_than_a_millisecond_is_cut_off_in_every_way() {
        for (text, millis) in [
            ("2026-11-27T07:31:02.123456789Z", "2026-11-27T07:31:02.123Z"),
            ("2026-11-27T07:31:02.9999Z", "2026-11-27T07:31:02.999Z"),
            ("1970-01-01T00:00:00.00049Z", "1970-01-01T00:00:00.000Z"),
            ("2024-02-29T23:59:59.0009999999Z", "2024-02-29T23:59:59.000Z"),
            ("1969-12-31T23:59:59.9999Z", "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(Timestamp::parse(text), Timestamp::parse(millis), "{text}");
            assert_eq!(Timestamp::parse(text), Timestamp::parse_any(text), "{text}");
        }
        for text in [
            "2026-11-27T07:31:02.1234x6Z",
            "2026-11-27T07:31:02.12345",
            "2026-11-27T07:31:02,12345Z",
            "2026-06-31T07:31:02.12345Z",
            "2026-11-27T07:31:60.12345Z",
            "2026-11-27T07:31:02.12Z5Z",
            "2026-11-27t07:31:02.12345Z",
            "2026-11-27T07:31:02.12345z",
        ] {
            assert_eq!(Timestamp::parse(text), Timestamp::parse_any(text), "{text}");
        }
    }

    #[test]
    fn there_are_no_moments_that_could_not_be_read_back() {
        for (least, most) in [(i64::MIN, i64::MAX), (Timestamp::MIN.millis() - 1, YEAR_10000)] {
            assert_eq!(Timestamp::from_millis(least), Timestamp::MIN);
            assert_eq!(Timestamp::from_millis(most), Timestamp::MAX);
        }
        assert_eq!(Timestamp::MAX.plus_seconds(i64::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::MIN.plus_seconds(-1), Timestamp::MIN);
        for (moment, text) in [
            (Timestamp::MIN, "0001-01-01T00:00:00.000Z"),
            (Timestamp::MAX, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(moment.to_string(), text);
            assert_eq!(Timestamp::parse(text), Ok(moment));
        }
        for text in ["9999-12-31T23:59:59.9999999Z", "9999-12-31T22:59:59.999-01:00"] {
            assert_eq!(Timestamp::parse(text), Ok(Timestamp::MAX), "{text}");
        }
        assert_eq!(Timestamp::parse("0001-01-01T14:00:00+14:00"), Ok(Timestamp::MIN));
        for bad in [
            "9999-12-31T23:59:59.999-23:59",
            "9999-12-31T23:59:60Z",
            "9999-12-31T23:59:59.999-00:01",
            "0001-01-01T00:00:00+00:01",
            "0000-12-31T23:59:59Z",
            "0000-01-01T00:00:00.000Z",
            "+10000-01-01T00:00:00.000Z",
            "-0001-01-01T00:00:00Z",
            "10000-01-01T00:00:00Z",
        ] {
            assert_eq!(Timestamp::parse(bad), Err(InvalidTimestamp), "{bad}");
        }
    }

    #[test]
    fn what_is_no_moment_is_refused_by_both_readers() {
        for bad in [
            "2026-02-29T10:00:00.000Z",
            "2026-06-31T10:00:00.000Z",
            "2026-13-01T10:00:00.000Z",
            "2026-00-01T10:00:00.000Z",
            "2026-01-01T24:00:00.000Z",
            "2026-01-01T10:60:00.000Z",
            "2026/01/01T10:00:00.000Z",
            "2026-01-01T10:00:00.000z ",
        ] {
            assert!(Timestamp::parse(bad).is_err(), "{bad}");
        }
        assert!(Timestamp::parse("2028-02-29T10:00:00.000Z").is_ok());
    }
}
