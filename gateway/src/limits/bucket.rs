//! One allowance of one person or address: the generic cell rate algorithm, which needs one number.
//!
//! The number is the moment at which all that was taken so far will have been paid back. Taking is fine as long
//! as that moment is not further away than the window; so a whole quota may be used at once, and comes
//! back evenly.

use std::time::{Duration, Instant};

use crate::config::Rate;

/// The longest a client is kept waiting, whatever has been debited.
const MAX_DEBT: Duration = Duration::from_secs(300);

/// What may be taken, and how fast it comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Budget {
    /// Its name in headers.
    policy: &'static str,
    /// What is counted, when it is not requests.
    unit: Option<&'static str>,
    /// What may be taken at once.
    quota: u64,
    /// The time in which that comes back.
    window: Duration,
}

impl Budget {
    /// So much as the rate says, at once if need be.
    pub(crate) fn of(policy: &'static str, rate: Rate) -> Self {
        Self { policy, unit: None, quota: rate.count.get().into(), window: rate.per }
    }

    /// The same in bytes.
    pub(crate) fn in_bytes(policy: &'static str, rate: Rate) -> Self {
        Self { unit: Some("content-bytes"), ..Self::of(policy, rate) }
    }

    /// The rate stays, and so many times as much may be taken at once.
    pub(crate) const fn in_bursts_of(mut self, times: u32) -> Self {
        self.quota = self.quota.saturating_mul(times as u64);
        self.window = self.window.saturating_mul(times);
        self
    }

    /// What may be taken at once.
    pub(crate) const fn quota(&self) -> u64 {
        self.quota
    }

    /// The time in which so much comes back.
    fn time_of(&self, cost: u64) -> Duration {
        let nanos = self.window.as_nanos().saturating_mul(cost.into()) / u128::from(self.quota);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// How much comes back in a time.
    fn in_time(&self, time: Duration) -> u64 {
        let nanos = self.window.as_nanos().max(1);
        let units = time.as_nanos().saturating_mul(self.quota.into()) / nanos;
        u64::try_from(units).unwrap_or(u64::MAX)
    }
}

/// What a limit says to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// The limit.
    budget: Budget,
    /// What is left at this moment.
    pub(crate) remaining: u64,
    /// Time until the whole quota is there again.
    pub(crate) reset: Duration,
    /// Set when it is too much: the time after which it is not.
    pub(crate) wait: Option<Duration>,
}

impl Verdict {
    /// The limit as an item of `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10).
    pub(crate) fn policy(&self) -> String {
        let Budget { policy, unit, quota, window } = &self.budget;
        let unit = unit.map(|unit| format!(";qu=\"{unit}\"")).unwrap_or_default();
        format!("\"{policy}\";q={quota};w={}{unit}", whole_seconds(*window))
    }

    /// What is left as an item of `RateLimit`.
    pub(crate) fn left(&self) -> String {
        let policy = self.budget.policy;
        format!("\"{policy}\";r={};t={}", self.remaining, whole_seconds(self.reset))
    }
}

/// Rounded up: who waits so long has waited long enough.
pub(crate) fn whole_seconds(time: Duration) -> u32 {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    u32::try_from(seconds).unwrap_or(u32::MAX)
}

/// How far an allowance is used up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Bucket(Option<Instant>);

impl Bucket {
    /// The time until all of it is there again.
    pub(crate) fn owed(self, now: Instant) -> Duration {
        self.0.map_or(Duration::ZERO, |paid_back| paid_back.saturating_duration_since(now))
    }

    /// Takes from it. A refusal costs nothing. What is larger than the whole quota is given when nothing
    /// is owed, and owed then.
    pub(crate) fn take(&mut self, budget: &Budget, cost: u64, now: Instant) -> Verdict {
        let owed = self.owed(now);
        let after = owed.saturating_add(budget.time_of(cost));
        let wait = after.checked_sub(budget.window).map(|wait| wait.min(owed));
        let mut verdict = Verdict {
            budget: *budget,
            remaining: budget.in_time(budget.window.saturating_sub(owed)),
            reset: owed,
            wait: wait.filter(|wait| !wait.is_zero()),
        };
        if verdict.wait.is_none() {
            self.debit(budget, cost, now);
            verdict.reset = self.owed(now);
            verdict.remaining = budget.in_time(budget.window.saturating_sub(verdict.reset));
        }
        verdict
    }

    /// Takes from it what has been used already, whether it is there or not.
    pub(crate) fn debit(&mut self, budget: &Budget, cost: u64, now: Instant) {
        let after = self.owed(now).saturating_add(budget.time_of(cost));
        self.0 = Some(now + after.min(MAX_DEBT.max(budget.window)));
    }

    /// Gives back what was taken and not used.
    pub(crate) fn refund(&mut self, budget: &Budget, cost: u64, now: Instant) {
        self.0 = Some(now + self.owed(now).saturating_sub(budget.time_of(cost)));
    }

    /// Whether more is owed than so many whole quotas.
    pub(crate) fn is_over(self, budget: &Budget, times: u32, now: Instant) -> bool {
        self.owed(now) > budget.window.saturating_mul(times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    fn budget(count: u32, seconds: u64) -> Budget {
        let count = NonZeroU32::new(count).unwrap();
        Budget::of("default", Rate { count, per: Duration::from_secs(seconds) })
    }

    #[test]
    fn the_whole_allowance_may_be_used_at_once_and_comes_back_evenly() {
        let (budget, mut bucket, begin) = (budget(3, 6), Bucket::default(), Instant::now());
        let left: Vec<u64> = (0..3).map(|_| bucket.take(&budget, 1, begin).remaining).collect();
        assert_eq!(left, [2, 1, 0]);
        assert_eq!(bucket.take(&budget, 1, begin).wait, Some(Duration::from_secs(2)));
        let later = bucket.take(&budget, 1, begin + Duration::from_secs(2));
        assert_eq!((later.wait, later.remaining), (None, 0));
        assert!(bucket.take(&budget, 1, begin + Duration::from_secs(3)).wait.is_some());
    }

    #[test]
    fn refused_requests_cost_nothing() {
        let (budget, mut bucket, begin) = (budget(1, 10), Bucket::default(), Instant::now());
        assert_eq!(bucket.take(&budget, 1, begin).wait, None);
        assert!((0..100).all(|_| bucket.take(&budget, 1, begin).wait.is_some()));
        assert_eq!(bucket.take(&budget, 1, begin + Duration::from_secs(10)).wait, None);
    }

    #[test]
    fn a_burst_is_larger_than_the_rate_and_no_faster() {
        let (budget, mut bucket, begin) =
            (budget(20, 1).in_bursts_of(3), Bucket::default(), Instant::now());
        assert_eq!(budget.quota(), 60);
        let mut taken = |at: u64| {
            let now = begin + Duration::from_secs(at);
            (0..1_000).take_while(|_| bucket.take(&budget, 1, now).wait.is_none()).count()
        };
        assert_eq!((taken(0), taken(1), taken(100)), (60, 20, 60));
    }

    #[test]
    fn what_was_used_elsewhere_is_owed_beyond_the_quota() {
        let (budget, mut bucket, begin) = (budget(10, 10), Bucket::default(), Instant::now());
        bucket.debit(&budget, 25, begin);
        assert!(bucket.is_over(&budget, 2, begin) && !bucket.is_over(&budget, 3, begin));
        assert_eq!(bucket.take(&budget, 1, begin).wait, Some(Duration::from_secs(16)));
        assert_eq!(bucket.take(&budget, 1, begin + Duration::from_secs(16)).wait, None);
        bucket.debit(&budget, u64::MAX, begin);
        assert_eq!(bucket.owed(begin), MAX_DEBT);
        bucket.refund(&budget, u64::MAX, begin);
        assert_eq!(bucket.owed(begin), Duration::ZERO);
    }

    #[test]
    fn what_is_larger_than_the_quota_waits_for_all_of_it() {
        let (budget, mut bucket, begin) = (budget(1_000, 10), Bucket::default(), Instant::now());
        assert_eq!(bucket.take(&budget, 100, begin).wait, None);
        assert_eq!(bucket.take(&budget, 5_000, begin).wait, Some(Duration::from_secs(1)));
        let later = begin + Duration::from_secs(1);
        assert_eq!(bucket.take(&budget, 5_000, later).wait, None);
        assert_eq!(bucket.owed(later), Duration::from_secs(50));
    }
}
