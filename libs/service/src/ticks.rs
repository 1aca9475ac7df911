//! Ticks that come together: a process that has nothing to do wakes once for all who look at something now and then.

use std::sync::OnceLock;
use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

/// Ticks of a period, in step with those of all others in this process whose periods are the same or fit. The first comes
/// within one period; one that is missed is left out.
#[must_use]
pub fn ticks(period: Duration) -> Interval {
    static BEGUN: OnceLock<Instant> = OnceLock::new();
    let now = Instant::now();
    let begun = *BEGUN.get_or_init(|| now);
    let mut ticks =
        interval_at(begun + whole(now.saturating_duration_since(begun), period), period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks
}

/// The next multiple of a period after a time.
fn whole(passed: Duration, period: Duration) -> Duration {
    let over = passed.as_nanos().checked_rem(period.as_nanos()).unwrap_or(0);
    let over = u64::try_from(over).map_or(Duration::ZERO, Duration::from_nanos);
    passed + period.saturating_sub(over)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_tick_is_a_whole_number_of_periods_away_from_the_first() {
        let ms = Duration::from_millis;
        let cases = [
            ((0, 100), 100),
            ((1, 100), 100),
            ((99, 100), 100),
            ((100, 100), 200),
            ((1250, 1000), 2000),
        ];
        for ((passed, period), expected) in cases {
            assert_eq!(whole(ms(passed), ms(period)), ms(expected), "{passed} of {period}");
        }
    }

    #[tokio::test]
    async fn ticks_that_begin_apart_come_together() {
        let (short, long) = (Duration::from_millis(5), Duration::from_millis(20));
        let mut first = ticks(short);
        let one = first.tick().await;
        let other = ticks(long).tick().await;
        assert_eq!((other - one).as_nanos() % short.as_nanos(), 0);
    }
}
