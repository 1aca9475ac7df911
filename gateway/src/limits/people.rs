//! What each person may do, over all of their sessions and sockets.

use std::time::Instant;

use parking_lot::Mutex;
use schemas::UserId;

use super::bucket::{Bucket, Budget, Verdict};
use super::spending::{Spending, Unsent};
use super::table::{Entry, Table};
use crate::config::Config;

/// Seconds' worth of frames and writes that may come at once.
const BURST: u32 = 3;
/// Refused frames, in bursts, after which a socket is closed.
const PATIENCE: u32 = 2;
/// One in so many is forgiven: a client that sends a little too fast is refused now and then and never closed.
const FORGIVENESS: u32 = 4;
/// Bytes of a resume that count as one frame.
const RESUMED_AT_ONCE: u64 = 64 * 1024;

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

/// What one person has used.
#[derive(Default)]
struct Person {
    requests: Bucket,
    /// Frames and writes over REST.
    writes: Bucket,
    bytes: Bucket,
    /// Frames sent although they were refused.
    refused: Bucket,
    /// Reads of files.
    media: Bucket,
}

impl Entry for Person {
    fn is_settled(&self, now: Instant) -> bool {
        let all = [self.requests, self.writes, self.bytes, self.refused, self.media];
        all.iter().all(|bucket| bucket.owed(now).is_zero())
    }
}

/// The limits of people. What is none is not limited.
pub(super) struct People {
    requests: Option<Budget>,
    writes: Option<Budget>,
    refused: Option<Budget>,
    bytes: Option<Budget>,
    media: Option<Budget>,
    used: Table<UserId, Person>,
    /// What other gateways have not been told yet.
    unsent: Mutex<Unsent<UserId>>,
}

impl People {
    pub(super) fn new(config: &Config) -> Self {
        let writes = config.rate_frames.map(|rate| Budget::of("writes", rate).in_bursts_of(BURST));
        let slowly = config.rate_frames.map(|mut rate| {
            rate.per *= FORGIVENESS;
            Budget::of("refused", rate).in_bursts_of(BURST * PATIENCE)
        });
        Self {
            requests: config.rate_requests.map(|rate| Budget::of("default", rate)),
            writes,
            refused: slowly,
            bytes: config.rate_bytes.map(|rate| Budget::in_bytes("bytes", rate)),
            media: config.rate_media.map(|rate| Budget::of("media", rate)),
            used: Table::new(),
            unsent: Mutex::default(),
        }
    }

    /// Counts a request over REST; what each limit that applies says of it.
    pub(super) fn request(&self, user: &UserId, writes: bool, now: Instant) -> Vec<Verdict> {
        let writes = self.writes.filter(|_| writes);
        let verdicts = self.used.with(user, now, |person| {
            let first = self.requests.map(|budget| person.requests.take(&budget, 1, now));
            if first.is_some_and(|verdict| verdict.wait.is_some()) {
                return first.into_iter().collect();
            }
            let second = writes.map(|budget| person.writes.take(&budget, 1, now));
            if second.is_some_and(|verdict| verdict.wait.is_some())
                && let Some(budget) = &self.requests
            {
                person.requests.refund(budget, 1, now);
            }
            first.into_iter().chain(second).collect::<Vec<_>>()
        });
        if verdicts.iter().all(|verdict| verdict.wait.is_none()) {
            let writes = u32::from(writes.is_some());
            let spent = Spending { requests: 1, writes, ..Spending::default() };
            self.note(user, spent, now);
        }
        verdicts
    }

    /// Counts a read of a file. Other gateways are not told: it is asked for where it is shown.
    pub(super) fn media(&self, user: &UserId, now: Instant) -> Option<Verdict> {
        let budget = self.media.as_ref()?;
        Some(self.used.with(user, now, |person| person.media.take(budget, 1, now)))
    }

    /// Counts a frame.
    pub(super) fn frame(&self, user: &UserId, now: Instant) -> Allowance {
        let (Some(writes), Some(refused)) = (&self.writes, &self.refused) else {
            return Allowance::Granted;
        };
        let allowance = self.used.with(user, now, |person| {
            if person.writes.take(writes, 1, now).wait.is_none() {
                return Allowance::Granted;
            }
            match person.refused.take(refused, 1, now).wait {
                None => Allowance::Refused,
                Some(_) => Allowance::Exhausted,
            }
        });
        if allowance == Allowance::Granted {
            self.note(user, Spending { writes: 1, ..Spending::default() }, now);
        }
        allowance
    }

    /// Counts a socket that comes in. It is let in beyond the limit, so that a client that was a little too fast is not
    /// shut out; false when far too much is owed.
    pub(super) fn enter(&self, user: &UserId, now: Instant) -> bool {
        let Some(writes) = &self.writes else { return true };
        let may = self.used.with(user, now, |person| {
            let may = !person.writes.is_over(writes, 1 + PATIENCE, now);
            if may {
                person.writes.debit(writes, 1, now);
            }
            may
        });
        if may {
            self.note(user, Spending { writes: 1, ..Spending::default() }, now);
        }
        may
    }

    /// Counts what a resume made the server send: a frame per started 64 KiB, owed when it is not there.
    pub(super) fn resumed(&self, user: &UserId, bytes: u64, now: Instant) {
        let Some(writes) = &self.writes else { return };
        let frames = u32::try_from(bytes.div_ceil(RESUMED_AT_ONCE)).unwrap_or(u32::MAX);
        self.used.with(user, now, |person| person.writes.debit(writes, frames.into(), now));
        self.note(user, Spending { writes: frames, ..Spending::default() }, now);
    }

    /// Whether there is a limit of bytes.
    pub(super) const fn count_bytes(&self) -> bool {
        self.bytes.is_some()
    }

    /// Counts bytes that are to be stored; none when there is no limit.
    pub(super) fn store(&self, user: &UserId, bytes: u64, now: Instant) -> Option<Verdict> {
        let budget = self.bytes.as_ref()?;
        let verdict = self.used.with(user, now, |person| person.bytes.take(budget, bytes, now));
        if verdict.wait.is_none() {
            self.note(user, Spending { bytes, ..Spending::default() }, now);
        }
        Some(verdict)
    }

    /// Gives bytes back that were not stored after all.
    pub(super) fn not_stored(&self, user: &UserId, bytes: u64, now: Instant) {
        if let Some(budget) = &self.bytes {
            self.used.with(user, now, |person| person.bytes.refund(budget, bytes, now));
        }
    }

    /// Notes what other gateways are to be told.
    pub(super) fn note(&self, user: &UserId, spent: Spending, now: Instant) {
        self.unsent.lock().note(user, spent, now);
    }

    /// What is to be told to other gateways now.
    pub(super) fn to_tell(&self, now: Instant) -> Vec<(UserId, Spending)> {
        self.unsent.lock().take(now, |spent| self.is_notable(spent))
    }

    /// Whether others should know of it at once: a twentieth of a limit.
    fn is_notable(&self, spent: &Spending) -> bool {
        let much = |budget: &Option<Budget>, cost: u64| {
            budget.is_some_and(|budget| cost.saturating_mul(20) >= budget.quota())
        };
        much(&self.requests, spent.requests.into())
            || much(&self.writes, spent.writes.into())
            || much(&self.bytes, spent.bytes)
            // Of these there are few: each is told.
            || spent.attempts > 0
    }

    /// Another gateway has told what a person has used there.
    pub(super) fn told(&self, user: &UserId, spent: &Spending, now: Instant) {
        self.used.with(user, now, |person| {
            let used = [
                (&mut person.requests, &self.requests, spent.requests.into()),
                (&mut person.writes, &self.writes, spent.writes.into()),
                (&mut person.bytes, &self.bytes, spent.bytes),
            ];
            for (bucket, budget, cost) in used {
                if let (Some(budget), 1..) = (budget, cost) {
                    bucket.debit(budget, cost, now);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Rate;
    use crate::live::fixture::user;
    use std::num::NonZeroU32;
    use std::time::Duration;

    fn rate(count: u32, seconds: u64) -> Option<Rate> {
        Some(Rate { count: NonZeroU32::new(count).unwrap(), per: Duration::from_secs(seconds) })
    }

    fn people() -> People {
        let mut config = Config::at(([127, 0, 0, 1], 0).into());
        config.rate_requests = rate(100, 60);
        config.rate_frames = rate(20, 1);
        config.rate_bytes = rate(10_000, 60);
        People::new(&config)
    }

    fn count(mut granted: impl FnMut() -> bool) -> usize {
        (0..10_000).take_while(|_| granted()).count()
    }

    #[test]
    fn frames_and_writes_share_sixty_at_once_and_others_have_their_own() {
        let (people, now) = (people(), Instant::now());
        let (ada, bob) = (user(1), user(2));
        let written = || {
            let verdicts = people.request(&ada, true, now);
            assert_eq!(verdicts.len(), 2);
            verdicts.iter().all(|verdict| verdict.wait.is_none())
        };
        assert_eq!((0..25).filter(|_| written()).count(), 25);
        assert_eq!(count(|| people.frame(&ada, now) == Allowance::Granted), 35);
        // A write that is refused costs no request: 75 reads are left.
        assert!(!written());
        let read = || people.request(&ada, false, now).iter().all(|verdict| verdict.wait.is_none());
        assert_eq!(count(read), 75);
        assert_eq!(count(|| people.frame(&bob, now) == Allowance::Granted), 60);
    }

    #[test]
    fn who_goes_on_for_two_bursts_more_is_closed_on_every_socket() {
        let (people, now) = (people(), Instant::now());
        let ada = user(1);
        assert_eq!(count(|| people.frame(&ada, now) == Allowance::Granted), 60);
        assert_eq!(count(|| people.frame(&ada, now) == Allowance::Refused), 119);
        assert_eq!(people.frame(&ada, now), Allowance::Exhausted);
        // A client a little too fast is refused now and then, and never closed.
        let bob = user(2);
        let frames = (0..5_000).map(|n| now + Duration::from_millis(n * 42));
        let judged: Vec<Allowance> = frames.map(|at| people.frame(&bob, at)).collect();
        assert!(judged.contains(&Allowance::Refused));
        assert!(!judged.contains(&Allowance::Exhausted));
    }

    #[test]
    fn a_resume_is_owed_by_what_it_makes_the_server_send() {
        let (people, now) = (people(), Instant::now());
        let ada = user(1);
        people.resumed(&ada, 20 * 64 * 1024 + 1, now);
        assert_eq!(count(|| people.frame(&ada, now) == Allowance::Granted), 39);
        people.resumed(&ada, 64 * 1024 * 1024, now);
        assert_eq!(people.frame(&ada, now), Allowance::Refused);
        assert!(!people.enter(&ada, now), "coming back is no way round it");
        assert!(people.enter(&ada, now + Duration::from_secs(60)));
    }

    #[test]
    fn coming_in_is_counted_and_has_an_end() {
        let (people, now) = (people(), Instant::now());
        let entered = count(|| people.enter(&user(1), now));
        assert!((180..=181).contains(&entered), "{entered}");
    }

    #[test]
    fn bytes_have_a_limit_of_their_own_and_come_back_when_nothing_was_stored() {
        let (people, now) = (people(), Instant::now());
        let stored = |bytes| people.store(&user(1), bytes, now).unwrap().wait.is_none();
        assert!(stored(9_000));
        assert!(!stored(1_001));
        people.not_stored(&user(1), 9_000, now);
        assert!(stored(10_000));
        assert!(!stored(1));
    }

    /// Four gateways, each asked as fast as it allows, told of each other every 100 ms.
    #[test]
    fn several_gateways_grant_little_more_than_one() {
        let gateways: Vec<People> = (0..4).map(|_| people()).collect();
        let (ada, begin) = (user(1), Instant::now());
        let mut granted = 0;
        for tenth in 0..200 {
            let now = begin + Duration::from_millis(tenth * 100);
            for gateway in &gateways {
                granted += count(|| gateway.frame(&ada, now) == Allowance::Granted);
            }
            for (number, gateway) in gateways.iter().enumerate() {
                for (user, spent) in gateway.to_tell(now) {
                    let others = gateways.iter().enumerate().filter(|(other, _)| *other != number);
                    others.for_each(|(_, other)| other.told(&user, &spent, now));
                }
            }
        }
        let budget = 60 + 20 * 20;
        assert!(granted >= budget * 9 / 10, "{granted} of {budget}");
        assert!(granted * 10 <= budget * 12, "{granted} of {budget}");
    }
}
