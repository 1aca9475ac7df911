//! Limits written as `100/min`.

use std::num::NonZeroU32;
use std::time::Duration;

/// How often something may be done: so many times in a span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    /// How many.
    pub(crate) count: NonZeroU32,
    /// In which time: a second, a minute or an hour.
    pub(crate) per: Duration,
}

/// Parses `100/min`, `20/s`, `5/h`; `off` is no limit.
pub(crate) fn parse(text: &str) -> Result<Option<Rate>, String> {
    if text == "off" {
        return Ok(None);
    }
    let wrong = || format!("`{text}` is not a rate; write 100/min, 20/s, 5/h or off");
    let (count, unit) = text.split_once('/').ok_or_else(wrong)?;
    let seconds = match unit.trim() {
        "s" | "sec" | "second" => 1,
        "m" | "min" | "minute" => 60,
        "h" | "hour" => 3600,
        _ => return Err(wrong()),
    };
    let count = count.trim().parse().map_err(|_| wrong())?;
    Ok(Some(Rate { count, per: Duration::from_secs(seconds) }))
}

/// Parses bytes in a span of time: `10MB/min`, `512KiB/s`; `off` is no limit.
pub(crate) fn parse_bytes(text: &str) -> Result<Option<Rate>, String> {
    if text == "off" {
        return Ok(None);
    }
    let wrong = || format!("`{text}` is not bytes in a time; write 10MB/min, 512KiB/s or off");
    let (size, unit) = text.split_once('/').ok_or_else(wrong)?;
    let bytes = bytes(size).and_then(|bytes| u32::try_from(bytes).ok()).ok_or_else(wrong)?;
    parse(&format!("{bytes}/{unit}")).map_err(|_| wrong())
}

/// Parses a size: `100MB`, `1GiB`; `off` is no limit.
pub(crate) fn parse_size(text: &str) -> Result<Option<u64>, String> {
    if text == "off" {
        return Ok(None);
    }
    let found = bytes(text).filter(|bytes| *bytes > 0);
    found.map(Some).ok_or_else(|| format!("`{text}` is not a size; write 100MB or 1GiB"))
}

/// A number of bytes with its unit.
fn bytes(size: &str) -> Option<u64> {
    let digits = size.find(|c: char| !c.is_ascii_digit())?;
    let (number, scale) = size.split_at(digits);
    let scale: u64 = match scale.trim() {
        "B" => 1,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(scale)
}

/// Parses a span of time: `100ms`, `1s`, `2m`, `1h`; more than nothing, at most a day.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong =
        || format!("`{text}` is not a span of time; write 100ms, 1s, 2m or 1h, at most 24h");
    let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let unit: u64 = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(wrong()),
    };
    let millis = number.checked_mul(unit).ok_or_else(wrong)?;
    if millis == 0 || millis > 86_400_000 {
        return Err(wrong());
    }
    Ok(Duration::from_millis(millis))
}

/// Parses how long something is kept: `30d` or `12h`, more than nothing, at most ten years; `off` is not at all.
pub(crate) fn parse_days(text: &str) -> Result<Option<Duration>, String> {
    if text == "off" {
        return Ok(None);
    }
    let wrong = || {
        format!("`{text}` is not a time to keep something; write 30d, 12h or off, at most 3660d")
    };
    let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let unit: u64 = match unit {
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    let seconds = number.checked_mul(unit).ok_or_else(wrong)?;
    if seconds == 0 || seconds > 3_660 * 86_400 {
        return Err(wrong());
    }
    Ok(Some(Duration::from_secs(seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_a_number_and_a_unit() {
        let rate = parse("100/min").unwrap().unwrap();
        assert_eq!((rate.count.get(), rate.per), (100, Duration::from_secs(60)));
        assert_eq!(parse("off"), Ok(None));
        for bad in ["", "100", "0/s", "-1/s", "1/day", "1.5/s", "99999999999/s", "OFF"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn bytes_have_a_unit_and_a_time() {
        let rate = parse_bytes("10MB/min").unwrap().unwrap();
        assert_eq!((rate.count.get(), rate.per), (10_000_000, Duration::from_secs(60)));
        assert_eq!(parse_bytes("2KiB/s").unwrap().unwrap().count.get(), 2_048);
        assert_eq!(parse_bytes("off"), Ok(None));
        for bad in ["", "10/min", "10MB", "MB/min", "0MB/min", "-1MB/min", "10TB/min", "9GB/min"] {
            assert!(parse_bytes(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_kept_is_kept_for_hours_or_days() {
        assert_eq!(parse_days("30d"), Ok(Some(Duration::from_secs(30 * 86_400))));
        assert_eq!(parse_days("12h"), Ok(Some(Duration::from_secs(12 * 3_600))));
        assert_eq!(parse_days("off"), Ok(None));
        for bad in ["", "30", "0d", "d", "-1d", "5m", "4000d", "99999999999999999999d"] {
            assert!(parse_days(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes_have_a_unit() {
        assert_eq!(parse_size("100MB"), Ok(Some(100_000_000)));
        assert_eq!(parse_size("2TiB"), Ok(Some(2 << 40)));
        assert_eq!(parse_size("off"), Ok(None));
        for bad in ["", "100", "MB", "0MB", "-1MB", "1.5GB", "99999999999TB"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn spans_of_time_have_a_unit_and_a_bound() {
        assert_eq!(parse_duration("100ms"), Ok(Duration::from_millis(100)));
        assert_eq!(parse_duration("2m"), Ok(Duration::from_secs(120)));
        for bad in ["", "5", "0s", "s", "-1s", "1d", "25h", "99999999999999999999s"] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
    }
}
