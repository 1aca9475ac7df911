//! `tidings retention`: moves old messages to the archive now, or shows what would move.

use std::fmt::Write;
use std::process::ExitCode;
use std::sync::Arc;

use chat_svc::{Aging, Retention, RetentionFate};
use schemas::Rejection;
use serde_json::{Value, json};
use telemetry::Shutdown;

use super::attach::Attached;
use crate::cli::Retention as Action;
use crate::config::Config;
use crate::failure::Failure;
use crate::shared_deps::{connect_log, open_built_read_model};
use crate::terminal::{self, count, print, print_json};

/// Makes one pass over the rooms, by the settings of this call.
///
/// # Errors
/// The log or the read model cannot be reached, another pass is under way, or nothing follows the log that is written.
pub(crate) async fn run(
    action: Action,
    config: &Config,
    attached: &Attached,
) -> Result<ExitCode, Failure> {
    if !action.dry_run && config.nats_url.is_none() && !attached.beside_serve(config) {
        let text = "messages move while Tidings runs: start it, or look with --dry-run";
        return Err(Failure::new(text));
    }
    let log = connect_log(attached.url(), "tidings retention", config).await?;
    log.attach().await.map_err(|error| Failure::because("the log cannot be read", &error))?;
    let index = Arc::new(open_built_read_model(config).await?);
    let retention = Retention::new(log, index, config.retention.rule);
    let spinner = terminal::waiting("looking for old messages");
    let found = if action.dry_run {
        retention.preview().await.map_err(|why| not_done(&why))?
    } else {
        let made = retention.apply(&Shutdown::new()).await.map_err(|why| not_done(&why))?;
        made.ok_or_else(|| Failure::new("another pass is under way; try again when it is over"))?
    };
    spinner.finish_and_clear();
    let told = Told { fate: config.retention.rule.fate, dry_run: action.dry_run };
    if action.output.json {
        print_json(&as_json(&found, told))?;
    } else {
        print(&as_text(&found, told))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What a pass did, or would have done.
#[derive(Debug, Clone, Copy)]
struct Told {
    fate: RetentionFate,
    dry_run: bool,
}

impl Told {
    /// The same as `--retention` has it.
    const fn fate(self) -> &'static str {
        match self.fate {
            RetentionFate::Archive => "archive",
            RetentionFate::Purge => "purge",
        }
    }

    const fn in_words(self) -> &'static str {
        match (self.fate, self.dry_run) {
            (RetentionFate::Archive, true) => "would move to the archive",
            (RetentionFate::Archive, false) => "moved to the archive",
            (RetentionFate::Purge, true) => {
                "would be deleted for good, those in the archive included"
            }
            (RetentionFate::Purge, false) => "were deleted for good",
        }
    }
}

fn not_done(why: &Rejection) -> Failure {
    Failure::new(why.detail.as_str())
}

fn totals(found: &[Aging]) -> (u64, u64) {
    let of = |number: fn(&Aging) -> u64| found.iter().map(number).sum();
    (of(|aging| aging.messages), of(|aging| aging.held))
}

fn as_json(found: &[Aging], told: Told) -> Value {
    let rooms: Vec<Value> = found
        .iter()
        .map(|aging| {
            json!({
                "room_id": aging.room_id,
                "days": aging.days,
                "before": aging.before,
                "messages": aging.messages,
                "held": aging.held,
            })
        })
        .collect();
    let (messages, held) = totals(found);
    json!({
        "dry_run": told.dry_run,
        "retention": told.fate(),
        "messages": messages,
        "held": held,
        "rooms": rooms,
    })
}

fn as_text(found: &[Aging], told: Told) -> String {
    let mut text = String::new();
    for Aging { room_id, days, before, messages, held } in found {
        let held = if *held == 0 { String::new() } else { format!(", {held} held") };
        let days = count(u64::from(*days), "day");
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{room_id} {messages} posted before {before} ({days}){held}");
    }
    let (messages, _) = totals(found);
    let _ = writeln!(text, "{} {}", count(messages, "message"), told.in_words());
    text
}

#[cfg(test)]
mod tests {
    use schemas::{RoomId, Timestamp};

    use super::*;

    #[test]
    fn a_pass_is_told_room_by_room_and_in_all() {
        let aging = |messages, held| Aging {
            room_id: RoomId::parse("room_000t3z8d4q50e000000000000c").unwrap(),
            days: 30,
            before: Timestamp::from_millis(0),
            messages,
            held,
        };
        let found = [aging(7, 0), aging(0, 3)];
        let told = |fate, dry_run| Told { fate, dry_run };
        let would_move = told(RetentionFate::Archive, true);
        let text = as_text(&found, would_move);
        assert_eq!(text.lines().count(), 3);
        assert!(text.contains(" 7 posted before 1970-01-01T00:00:00.000Z (30 days)\n"), "{text}");
        assert!(text.contains("(30 days), 3 held\n"), "{text}");
        assert!(text.ends_with("7 messages would move to the archive\n"), "{text}");
        let text = as_text(&found, told(RetentionFate::Purge, true));
        assert!(text.contains("7 messages would be deleted for good, "), "{text}");
        let text = as_text(&[Aging { days: 1, ..aging(1, 0) }], would_move);
        assert!(text.contains(" (1 day)\n1 message would move to"), "{text}");
        let moved = told(RetentionFate::Archive, false);
        assert!(as_text(&[], moved).starts_with("0 messages moved"));
        let json = as_json(&found, moved);
        assert_eq!((json["messages"].as_u64(), json["held"].as_u64()), (Some(7), Some(3)));
        assert_eq!((&json["rooms"][1]["held"], &json["retention"]), (&json!(3), &json!("archive")));
    }
}
