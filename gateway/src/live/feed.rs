//! What to do with the next event of the live feed: pure, so that every way a feed can go wrong is a
//! test and not a hope.
//!
//! The feed is at most once: an event can be missing (a lost connection, a slow reader), and after a
//! back-fill events come that were read from the log already. Every gateway must hand on exactly the
//! log's events in the log's order all the same.

use std::time::{Duration, Instant};

use schemas::Sequence;

/// How long the log may be known to be ahead of the feed before the difference counts as lost.
/// Republishing takes well under a millisecond; this is patience with a busy machine.
const PATIENCE: Duration = Duration::from_millis(300);

/// What to do with an event that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is the next one: hand it on.
    Next,
    /// It was handed on before.
    Seen,
    /// Events after `after` and before this one are missing: read them from the log first.
    Gap {
        /// The last event handed on.
        after: Sequence,
    },
}

/// Where in the log the feed is.
#[derive(Debug, Clone)]
pub(crate) struct Feed {
    last: Sequence,
    /// The log is known to reach at least this far, since when.
    rumour: Option<(Sequence, Instant)>,
}

impl Feed {
    /// A feed whose next event is the one after `last`.
    pub(crate) const fn after(last: Sequence) -> Self {
        Self { last, rumour: None }
    }

    /// The last event handed on.
    pub(crate) const fn last(&self) -> Sequence {
        self.last
    }

    /// Judges an event that came over the live feed.
    pub(crate) const fn judge(&self, sequence: Sequence) -> Verdict {
        if sequence <= self.last {
            Verdict::Seen
        } else if sequence == self.last + 1 {
            Verdict::Next
        } else {
            Verdict::Gap { after: self.last }
        }
    }

    /// Everything up to a sequence has been handed on (or was erased from the log).
    pub(crate) fn reached(&mut self, sequence: Sequence) {
        self.last = self.last.max(sequence);
        if self.rumour.is_some_and(|(head, _)| head <= self.last) {
            self.rumour = None;
        }
    }

    /// The log is said to reach at least to `head`: by a checkpoint, a command's reply, the log
    /// itself.
    pub(crate) fn heard(&mut self, head: Sequence, now: Instant) {
        if head <= self.last {
            return;
        }
        // The oldest unmet rumour keeps its time: a busy log must not push the alarm away for ever.
        let since = self.rumour.map_or(now, |(_, since)| since);
        let furthest = self.rumour.map_or(head, |(known, _)| known.max(head));
        self.rumour = Some((furthest, since));
    }

    /// The end of the feed is lost if the log has been known to be further for too long. Answers how far.
    pub(crate) fn overdue(&self, now: Instant) -> Option<Sequence> {
        self.rumour
            .filter(|(_, since)| now.saturating_duration_since(*since) >= PATIENCE)
            .map(|(head, _)| head)
    }

    /// Time has not been lost while events keep coming: the alarm starts anew after progress.
    pub(crate) fn progressed(&mut self, now: Instant) {
        if let Some((_, since)) = &mut self.rumour {
            *since = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Given the events handed on so far, when these come over the feed and the log holds everything,
    /// then these are handed on, in this order.
    #[track_caller]
    fn delivered(start: Sequence, came: &[Sequence], expected: &[Sequence]) {
        let mut feed = Feed::after(start);
        let mut out = Vec::new();
        for &sequence in came {
            match feed.judge(sequence) {
                Verdict::Next => out.push(sequence),
                Verdict::Seen => continue,
                Verdict::Gap { after } => out.extend(after + 1..=sequence),
            }
            feed.reached(sequence);
        }
        assert_eq!(out, expected);
    }

    #[test]
    fn events_in_order_pass() {
        delivered(4, &[5, 6, 7], &[5, 6, 7]);
    }

    #[test]
    fn a_lost_event_is_filled_in_before_anything_later() {
        delivered(4, &[5, 8, 9], &[5, 6, 7, 8, 9]);
    }

    #[test]
    fn what_the_back_fill_has_read_is_not_handed_on_twice() {
        delivered(4, &[8, 5, 6, 7, 8, 9], &[5, 6, 7, 8, 9]);
        delivered(4, &[5, 5, 4, 6], &[5, 6]);
    }

    #[test]
    fn the_lost_end_of_a_quiet_feed_is_noticed_after_a_while() {
        let begin = Instant::now();
        let mut feed = Feed::after(10);
        feed.heard(12, begin);
        assert_eq!(feed.overdue(begin + PATIENCE / 2), None);
        assert_eq!(feed.overdue(begin + PATIENCE), Some(12));
        feed.reached(12);
        assert_eq!(feed.overdue(begin + PATIENCE * 2), None);
    }

    #[test]
    fn a_busy_feed_that_keeps_coming_raises_no_alarm() {
        let begin = Instant::now();
        let mut feed = Feed::after(10);
        feed.heard(50, begin);
        for sequence in 11..40 {
            feed.reached(sequence);
            feed.progressed(begin + PATIENCE / 2);
        }
        assert_eq!(feed.overdue(begin + PATIENCE), None);
        assert_eq!(feed.overdue(begin + PATIENCE * 2), Some(50));
    }

    #[test]
    fn old_news_is_no_news() {
        let begin = Instant::now();
        let mut feed = Feed::after(10);
        feed.heard(10, begin);
        assert_eq!(feed.overdue(begin + PATIENCE * 10), None);
    }
}
