//! When the frames gathered for large rooms go out.
//!
//! Writing to a socket costs about the same for one frame as for fifty, and the peer pays likewise for
//! reading. So after frames went to many sockets the next ones wait for as long as those writes take
//! anyway: a quiet room is told at once, a lively large one in as many writes as the machine can make,
//! each with whatever has come by then.

use std::time::{Duration, Instant};

/// What a write to a socket is taken to cost: 7 to 10 microseconds of a core were measured on Linux over
/// loopback, wake-up and `writev` together.
const WRITE: Duration = Duration::from_micros(7);
/// The longest that a frame waits for company.
const LONGEST: Duration = Duration::from_millis(10);
/// Shorter waits are not worth a timer, which counts in milliseconds.
const SHORTEST: Duration = Duration::from_micros(500);

#[derive(Debug, Default)]
pub(super) struct Pace {
    quiet_until: Option<Instant>,
}

impl Pace {
    /// Queues were written to.
    pub(super) fn spent(&mut self, writes: usize, now: Instant) {
        let writes = u32::try_from(writes).unwrap_or(u32::MAX);
        let cost = WRITE.saturating_mul(writes).min(LONGEST);
        self.quiet_until = Some(now + cost);
    }

    /// When what is gathered is to go out; none: now.
    pub(super) fn due(&self, now: Instant) -> Option<Instant> {
        self.quiet_until.filter(|until| until.saturating_duration_since(now) >= SHORTEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_frame_goes_out_at_once_and_the_next_when_its_writes_are_done() {
        let mut pace = Pace::default();
        let now = Instant::now();
        assert_eq!(pace.due(now), None);
        pace.spent(1_000, now);
        assert_eq!(pace.due(now), Some(now + Duration::from_millis(7)));
        assert_eq!(pace.due(now + Duration::from_millis(7)), None);
    }

    #[test]
    fn few_sockets_are_not_waited_for_and_many_not_for_long() {
        let mut pace = Pace::default();
        let now = Instant::now();
        pace.spent(70, now);
        assert_eq!(pace.due(now), None);
        pace.spent(1_000_000, now);
        assert_eq!(pace.due(now), Some(now + LONGEST));
    }
}
