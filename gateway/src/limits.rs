//! How often somebody may ask: the generic cell rate algorithm, which needs one number per key.
//!
//! The number is the moment at which all that was asked for so far will have been paid back. A request is
//! fine as long as that moment is not further away than the time the limit is given for; so a whole
//! allowance may be used at once, and comes back evenly.

use std::hash::Hash;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::sync::Cache;
use parking_lot::Mutex;
use schemas::UserId;

use crate::config::{Config, Rate};

/// Keys remembered at most; the least used are forgotten first.
const MAX_KEYS: u64 = 100_000;

/// What a limit says to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// The limit's name in headers.
    pub(crate) policy: &'static str,
    /// The limit.
    pub(crate) rate: Rate,
    /// Requests left at this moment.
    pub(crate) remaining: u32,
    /// Time until the whole allowance is there again.
    pub(crate) reset: Duration,
    /// Set when the request is one too many: the time after which it is not.
    pub(crate) wait: Option<Duration>,
}

/// A limit for each key of one kind.
pub(crate) struct Limiter<K> {
    policy: &'static str,
    rate: Rate,
    paid_back: Cache<K, Arc<Mutex<Instant>>>,
}

impl<K: Hash + Eq + Send + Sync + 'static> Limiter<K> {
    fn new(policy: &'static str, rate: Rate) -> Self {
        // Who has been quiet for the time of the limit has his whole allowance: nothing to remember.
        let paid_back = Cache::builder().max_capacity(MAX_KEYS).time_to_idle(rate.per * 2).build();
        Self { policy, rate, paid_back }
    }

    /// Counts one request.
    fn count(&self, key: K, now: Instant) -> Verdict {
        let cell = self.paid_back.get_with(key, || Arc::new(Mutex::new(now)));
        let mut paid_back = cell.lock();
        let interval = self.rate.per / self.rate.count.get();
        let owed = paid_back.saturating_duration_since(now);
        let after = owed + interval;
        let mut verdict = Verdict {
            policy: self.policy,
            rate: self.rate,
            remaining: 0,
            reset: owed,
            wait: after.checked_sub(self.rate.per).filter(|wait| !wait.is_zero()),
        };
        if verdict.wait.is_none() {
            *paid_back = now + after;
            verdict.reset = after;
            verdict.remaining = times(self.rate.per.saturating_sub(after), interval);
        }
        verdict
    }
}

/// How many whole intervals fit into a time.
fn times(time: Duration, interval: Duration) -> u32 {
    let whole = time.as_nanos().checked_div(interval.as_nanos()).unwrap_or(0);
    u32::try_from(whole).unwrap_or(u32::MAX)
}

/// The limits of REST.
pub(crate) struct Limits {
    people: Option<Limiter<UserId>>,
    addresses: Option<Limiter<IpAddr>>,
}

impl Limits {
    /// The limits the settings ask for.
    #[must_use]
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            people: config.rate_requests.map(|rate| Limiter::new("default", rate)),
            addresses: config.rate_auth.map(|rate| Limiter::new("auth", rate)),
        }
    }

    /// Counts a request of a person; none when there is no limit.
    #[must_use]
    pub(crate) fn person(&self, user: &UserId) -> Option<Verdict> {
        self.people.as_ref().map(|limiter| limiter.count(user.clone(), Instant::now()))
    }

    /// Counts an attempt to register, log in or the like from an address; none when there is no limit.
    #[must_use]
    pub(crate) fn address(&self, ip: IpAddr) -> Option<Verdict> {
        self.addresses.as_ref().map(|limiter| limiter.count(network(ip), Instant::now()))
    }
}

/// One customer has a whole IPv6 network of 64 bits: counting addresses would count nothing.
fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) => {
            let bits = u128::from(v6) >> 64 << 64;
            IpAddr::V6(bits.into())
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    fn limiter(count: u32, seconds: u64) -> Limiter<&'static str> {
        let rate =
            Rate { count: NonZeroU32::new(count).unwrap(), per: Duration::from_secs(seconds) };
        Limiter::new("default", rate)
    }

    #[test]
    fn the_whole_allowance_may_be_used_at_once_and_comes_back_evenly() {
        let limiter = limiter(3, 6);
        let begin = Instant::now();
        let left: Vec<u32> = (0..3).map(|_| limiter.count("a", begin).remaining).collect();
        assert_eq!(left, [2, 1, 0]);
        assert_eq!(limiter.count("a", begin).wait, Some(Duration::from_secs(2)));
        assert_eq!(limiter.count("b", begin).remaining, 2);
        let later = limiter.count("a", begin + Duration::from_secs(2));
        assert_eq!((later.wait, later.remaining), (None, 0));
        assert!(limiter.count("a", begin + Duration::from_secs(3)).wait.is_some());
    }

    #[test]
    fn refused_requests_cost_nothing() {
        let limiter = limiter(1, 10);
        let begin = Instant::now();
        assert_eq!(limiter.count("a", begin).wait, None);
        for _ in 0..100 {
            assert!(limiter.count("a", begin).wait.is_some());
        }
        assert_eq!(limiter.count("a", begin + Duration::from_secs(10)).wait, None);
    }

    #[test]
    fn an_ipv6_network_counts_as_one_address() {
        let one: IpAddr = "2001:db8::1".parse().unwrap();
        let other: IpAddr = "2001:db8::ffff:1".parse().unwrap();
        assert_eq!(network(one), network(other));
        let mapped: IpAddr = "::ffff:10.0.0.1".parse().unwrap();
        assert_eq!(network(mapped), "10.0.0.1".parse::<IpAddr>().unwrap());
    }
}
