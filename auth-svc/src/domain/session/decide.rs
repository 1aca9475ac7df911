//! Decisions about sessions.

use schemas::{SessionId, Timestamp};

use super::Record;

/// Milliseconds during which the token before the current one is taken for a retry.
const RETRY_WINDOW: i64 = 10_000;
/// Milliseconds between two events that say a session is used.
const TELL_EVERY: i64 = 3_600_000;
/// Milliseconds between two notes that a session is used; gateways say so every five minutes, a little early or late.
const NOTE_EVERY: i64 = 240_000;
/// Sessions of one account; the oldest ends when another begins.
const MAX_SESSIONS: usize = 100;

/// What a genuine refresh token means for its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The current one: the session goes on with the next generation.
    Rotate,
    /// The one before, a moment after it was used: the answer was lost, give the current one again.
    Retry,
    /// An old one: a copy of it is in other hands.
    Reuse,
    /// One that was never given out: the session's record was lost and an older one restored.
    Unknown,
}

/// What a genuine token of this generation means.
pub(crate) fn judge(record: &Record, generation: u64, now: Timestamp) -> Verdict {
    // A token from the future is no retry: the clock has gone back, and how old it is cannot be told.
    let age = now.millis().saturating_sub(record.rotated_at.millis());
    match record.generation.checked_sub(generation) {
        None => Verdict::Unknown,
        Some(0) => Verdict::Rotate,
        Some(1) if (0..=RETRY_WINDOW).contains(&age) => Verdict::Retry,
        Some(_) => Verdict::Reuse,
    }
}

/// The session with its next generation, and whether the log is to be told that it is used.
pub(crate) fn rotate(record: &Record, now: Timestamp) -> (Record, bool) {
    let mut next = record.clone();
    next.generation += 1;
    next.rotated_at = now;
    next.last_used_at = now;
    let tell = now.millis().saturating_sub(record.told_at.millis()) >= TELL_EVERY;
    if tell {
        next.told_at = now;
    }
    (next, tell)
}

/// The session as used now; none when it was noted lately: its list says minutes, not seconds.
pub(crate) fn used(record: Record, now: Timestamp) -> Option<Record> {
    let age = now.millis().saturating_sub(record.last_used_at.millis());
    (age >= NOTE_EVERY).then_some(Record { last_used_at: now, ..record })
}

/// Which sessions of a list, the oldest first, are too many.
pub(crate) fn surplus(list: &[SessionId]) -> &[SessionId] {
    list.get(..list.len().saturating_sub(MAX_SESSIONS)).unwrap_or_default()
}
