//! What can be set, and what the notifier needs.

use std::path::PathBuf;
use std::time::Duration;

use readmodel::ReadModel;
use schemas::NameKey;

/// What can be set.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where mail is handed over: `smtp://[user:password@]host[:port]` (STARTTLS when the server offers it) or
    /// `smtps://...`. None: mails are written as `.eml` files into `mail_dir`.
    pub smtp_url: Option<String>,
    /// The sender of mails, such as `Tidings <tidings@example.org>`.
    pub mail_from: String,
    /// The folder for mails without an SMTP server; made when it is needed.
    pub mail_dir: PathBuf,
    /// How failing effects are tried again.
    pub retry: Retry,
}

/// How an effect that fails is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// The first pause; each further one is twice as long.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// Tries in all, the first included; at least 1. Then it is a dead letter.
    pub attempts: u32,
}

impl Default for Retry {
    /// 1 s, 2 s, 4 s ... 10 min; 12 tries, which outlasts a mail server that is away for half an hour.
    fn default() -> Self {
        Self {
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(600),
            attempts: 12,
        }
    }
}

impl Retry {
    /// The pause after a failed attempt (from 1).
    #[must_use]
    pub fn pause_after(&self, attempt: u32) -> Duration {
        let doublings = attempt.saturating_sub(1).min(31);
        self.first_pause.saturating_mul(1 << doublings).min(self.longest_pause)
    }
}

/// What the notifier needs besides what all services are given.
#[derive(Clone)]
pub struct Needs {
    /// The key of the lanes of names; that of the log ([`eventlog::EventLog::note_names`]).
    pub names: NameKey,
    /// To look up inbox entries.
    pub read_model: ReadModel,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let retry = Retry::default();
        let pauses: Vec<u64> = (1..=12).map(|n| retry.pause_after(n).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]);
        assert_eq!(retry.pause_after(u32::MAX), Duration::from_secs(600));
    }
}
