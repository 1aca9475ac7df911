//! How many frames a client may send.

use std::time::{Duration, Instant};

/// So many frames, once used up, come back at the rate.
const BURST_SECONDS: f64 = 3.0;
/// Frames that may be refused before the socket is closed, and how many of those come back in a second.
const PATIENCE: f64 = 100.0;
const FORGIVENESS: f64 = 5.0;

/// Frames a second; the burst is three times that.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct FrameRate {
    per_second: f64,
}

impl FrameRate {
    /// So many frames in such a time.
    #[must_use]
    pub(crate) fn new(frames: u32, per: Duration) -> Self {
        let seconds = per.as_secs_f64().max(0.001);
        Self { per_second: f64::from(frames) / seconds }
    }
}

impl Default for FrameRate {
    /// 20 a second, with a burst of 60.
    fn default() -> Self {
        Self { per_second: 20.0 }
    }
}

/// What to do with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Allowance {
    /// Deal with it.
    Granted,
    /// Refuse it.
    Refused,
    /// The client does not stop: close the socket.
    Exhausted,
}

/// Two buckets: of frames, and of patience with a client that does not mind being refused.
#[derive(Debug)]
pub(crate) struct Throttle {
    rate: Option<FrameRate>,
    frames: f64,
    patience: f64,
    last: Option<Instant>,
}

impl Throttle {
    /// None: no limit.
    pub(crate) fn new(rate: Option<FrameRate>) -> Self {
        let frames = rate.map_or(0.0, |rate| rate.per_second * BURST_SECONDS).max(1.0);
        Self { rate, frames, patience: PATIENCE, last: None }
    }

    pub(crate) fn take(&mut self, now: Instant) -> Allowance {
        let Some(FrameRate { per_second }) = self.rate else { return Allowance::Granted };
        let passed =
            self.last.map_or(0.0, |last| now.saturating_duration_since(last).as_secs_f64());
        self.last = Some(now);
        let burst = (per_second * BURST_SECONDS).max(1.0);
        self.frames = (self.frames + passed * per_second).min(burst);
        self.patience = (self.patience + passed * FORGIVENESS).min(PATIENCE);
        if self.frames >= 1.0 {
            self.frames -= 1.0;
            return Allowance::Granted;
        }
        self.patience -= 1.0;
        if self.patience >= 0.0 { Allowance::Refused } else { Allowance::Exhausted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixty_at_once_then_twenty_a_second_then_no_more_patience() {
        let begin = Instant::now();
        let mut throttle = Throttle::new(Some(FrameRate::default()));
        let mut count = |at: Duration, wanted: Allowance| {
            let mut taken = 0;
            while throttle.take(begin + at) == wanted {
                taken += 1;
                assert!(taken < 1_000);
            }
            taken
        };
        assert_eq!(count(Duration::ZERO, Allowance::Granted), 60);
        assert_eq!(count(Duration::from_secs(1), Allowance::Granted), 20);
        assert!(count(Duration::from_secs(1), Allowance::Refused) >= 95);
    }

    #[test]
    fn off_means_off() {
        let mut throttle = Throttle::new(None);
        assert!((0..10_000).all(|_| throttle.take(Instant::now()) == Allowance::Granted));
    }
}
