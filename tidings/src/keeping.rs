//! What is kept, how much of it and for how long: settings of files and of retention.

use std::time::Duration;

use chat_svc::{MediaConfig, MediaLimits, RetentionConfig, RetentionFate, RetentionRule};

use crate::failure::Failure;
use crate::rate;
use crate::settings::Settings;

/// The most days a room or an installation keeps messages at hand: a century.
const MAX_DAYS: u32 = 36_500;

/// What is kept of files and of messages.
///
/// # Errors
/// A setting that is wrong.
pub(crate) fn kept(all: &Settings) -> Result<(MediaConfig, RetentionConfig), Failure> {
    let text = |setting: &Option<String>| setting.clone().unwrap_or_default();
    let files = [&all.media_max_file, &all.media_quota_person, &all.media_quota, &all.media_unused];
    let messages = [
        &all.retention_days,
        &all.retention,
        &all.retention_interval,
        &all.retention_day,
        &all.deleted_bodies,
    ];
    let media = media(&files.map(text)).map_err(Failure::wrong_call)?;
    Ok((media, retention(&messages.map(text)).map_err(Failure::wrong_call)?))
}

/// How much may be uploaded: a file, what a person and what all may have together; and how long it is kept unused.
fn media([file, person, all, unused]: &[String; 4]) -> Result<MediaConfig, String> {
    let said = |name: &'static str| move |error: String| format!("{name}: {error}");
    let file = rate::parse_size(file).map_err(said("media_max_file"))?;
    let quota = |text: &str| rate::parse_size(text).map_err(|error| format!("{error}, or off"));
    let limits = MediaLimits {
        file: file.ok_or("media_max_file: a size; there is always a largest file")?,
        person: quota(person).map_err(said("media_quota_person"))?,
        installation: quota(all).map_err(said("media_quota"))?,
    };
    let unused_after = rate::parse_duration(unused).map_err(said("media_unused"))?;
    // What is kept for a short time only is looked for more often.
    let usual = MediaConfig::default();
    let look_every = usual.look_every.min((unused_after / 4).max(Duration::from_millis(200)));
    Ok(MediaConfig { limits, unused_after, look_every })
}

/// After how many days messages move to the archive or are purged, how often is looked for such, how long a day is, and how many a deleted
/// text stays in the log.
fn retention([days, fate, every, day, deleted]: &[String; 5]) -> Result<RetentionConfig, String> {
    let said = |name: &'static str| move |error: String| format!("{name}: {error}");
    let days = match days.as_str() {
        "off" => None,
        days => {
            let number = days.parse().ok().filter(|days| (1..=MAX_DAYS).contains(days));
            Some(number.ok_or_else(|| {
                format!("retention_days: `{days}` is not off or a number from 1 to {MAX_DAYS}")
            })?)
        }
    };
    let fate = match fate.as_str() {
        "archive" => RetentionFate::Archive,
        "purge" => RetentionFate::Purge,
        other => return Err(format!("retention: `{other}` is not archive or purge")),
    };
    let every = rate::parse_duration(every).map_err(said("retention_interval"))?;
    let day = rate::parse_duration(day).map_err(said("retention_day"))?;
    let deleted_bodies = match deleted.as_str() {
        "keep" => None,
        text => {
            let number = text.strip_suffix('d').and_then(|days| days.parse().ok());
            let number = number.filter(|days| (1..=MAX_DAYS).contains(days));
            Some(day.saturating_mul(number.ok_or_else(|| {
                format!("deleted_bodies: `{text}` is not keep or days like 30d, 1d to {MAX_DAYS}d")
            })?))
        }
    };
    Ok(RetentionConfig { rule: RetentionRule { fate, days, day }, every, deleted_bodies })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retention_is_off_or_a_number_of_days() {
        let read = |days: &str| {
            let settings = [days, "archive", "1h", "24h", "keep"].map(str::to_owned);
            retention(&settings).map(|config| config.rule.days)
        };
        assert_eq!(read("off"), Ok(None));
        assert_eq!(read("1"), Ok(Some(1)));
        assert_eq!(read("36500"), Ok(Some(36_500)));
        for wrong in ["", "0", "36501", "-1", "30d", "OFF", "1.5"] {
            assert!(read(wrong).is_err_and(|error| error.contains("retention_days")), "{wrong}");
        }
        let usual = retention(&["off", "archive", "1h", "24h", "keep"].map(str::to_owned));
        assert_eq!(usual, Ok(RetentionConfig::default()));
    }

    #[test]
    fn deleted_texts_are_kept_or_go_after_days() {
        let read = |text: &str| {
            let settings = ["off", "purge", "1h", "2h", text].map(str::to_owned);
            retention(&settings).map(|config| config.deleted_bodies)
        };
        assert_eq!(read("keep"), Ok(None));
        assert_eq!(read("30d"), Ok(Some(Duration::from_secs(30 * 2 * 60 * 60))));
        for wrong in ["", "off", "0d", "30", "36501d", "1h", "-1d"] {
            assert!(read(wrong).is_err_and(|error| error.contains("deleted_bodies")), "{wrong}");
        }
    }
}
