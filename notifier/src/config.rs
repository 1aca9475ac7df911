//! What can be set, and what the notifier needs.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use readmodel::ReadModel;
use schemas::{CodeKey, NameKey};

/// What can be set.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where mail is handed over: `smtp://[user:password@]host[:port]` (STARTTLS when the server offers it) or
    /// `smtps://...`. None: mails are written as `.eml` files into `mail_dir`.
    pub smtp_url: Option<String>,
    /// Certificates (PEM) of an authority of one's own that the mail server's is checked by. With it TLS is required.
    pub smtp_ca_file: Option<PathBuf>,
    /// The sender of mails, such as `Tidings <tidings@example.org>`.
    pub mail_from: String,
    /// The folder for mails without an SMTP server; made when it is needed.
    pub mail_dir: PathBuf,
    /// How failing effects are tried again.
    pub retry: Retry,
    /// How failing mails are.
    pub mail_retry: Retry,
}

/// Where people reach the server: as it was configured, else where a gateway in the same process listens. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Site(Arc<OnceLock<String>>);

impl Site {
    /// What links begin with when it is not known where people reach the server.
    const UNKNOWN: &str = "http://localhost:8080";

    /// Says where; the first to say so is believed.
    pub fn is_at(&self, url: &str) {
        let _ = self.0.set(url.trim_end_matches('/').to_owned());
    }

    /// Where, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        self.0.get().cloned().unwrap_or_else(|| Self::UNKNOWN.to_owned())
    }
}

/// How an effect that fails is tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retry {
    /// The pauses, in their order; the last is made again and again.
    pub pauses: Vec<Duration>,
    /// Tries in all, the first included; at least 1. Then it is a dead letter.
    pub attempts: u32,
}

impl Default for Retry {
    /// 1 s, 2 s, 4 s ... 10 min; 12 tries.
    fn default() -> Self {
        let doubling = (0..10).map(|times| Duration::from_secs(1 << times));
        let pauses = doubling.chain([Duration::from_secs(600)]).collect();
        Self { pauses, attempts: 12 }
    }
}

impl Retry {
    /// 10 s, 1, 5 and 30 minutes, then hourly for a day: a mail server may be away that long.
    #[must_use]
    pub fn of_mail() -> Self {
        let pauses = [10, 60, 300, 1800, 3600].map(Duration::from_secs).to_vec();
        Self { pauses, attempts: 1 + 4 + 24 }
    }

    /// The pause after a failed attempt (from 1).
    #[must_use]
    pub fn pause_after(&self, attempt: u32) -> Duration {
        let place = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
        self.pauses.get(place).or(self.pauses.last()).copied().unwrap_or_default()
    }
}

/// What the notifier needs besides what all services are given.
#[derive(Clone)]
pub struct Needs {
    /// The key of the lanes of names; that of the log ([`eventlog::EventLog::note_names`]).
    pub names: NameKey,
    /// The key of one-time codes, the same as auth-svc's.
    pub codes: CodeKey,
    /// To look up inbox entries.
    pub read_model: ReadModel,
    /// Where people reach the server, for links in mails.
    pub site: Site,
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

    #[test]
    fn mails_are_tried_for_a_day() {
        let retry = Retry::of_mail();
        let pauses = (1..retry.attempts).map(|n| retry.pause_after(n).as_secs());
        let pauses: Vec<u64> = pauses.collect();
        assert_eq!(pauses[..6], [10, 60, 300, 1800, 3600, 3600]);
        assert_eq!(pauses[4..].iter().sum::<u64>(), 24 * 3600);
    }
}
