//! How much each person and each address may ask for.
//!
//! A person's allowances are shared by everything they do here, over REST and all of their sockets, and told to
//! the other gateways (`sharing`), and so is how many sockets they have (`sockets`). An address has allowances for what is done before it is known who does it, which
//! are told to them, too.

mod bucket;
mod network;
mod people;
mod sharing;
mod sockets;
mod spending;
mod strangers;
mod table;

use std::net::IpAddr;
use std::time::Instant;

use parking_lot::Mutex;
use schemas::{Code, Rejection, UserId};
use serde::Serialize;

pub(crate) use bucket::{Verdict, whole_seconds};
pub(crate) use people::Allowance;
pub(crate) use sharing::share;
pub(crate) use strangers::Stranger;

use bucket::{Bucket, Budget};
use network::network;
use people::People;
use sockets::{Held, Sockets};
use spending::{Spending, Unsent};
use strangers::Strangers;
use table::{Entry, Table};

use crate::config::Config;
use crate::live::Charge;

/// What several people, or addresses, have used.
type Spent<K> = Vec<(K, Spending)>;

/// One attempt, as other gateways are told of it.
const ATTEMPT: Spending = Spending { requests: 0, writes: 0, bytes: 0, attempts: 1 };

impl Entry for Bucket {
    fn is_settled(&self, now: Instant) -> bool {
        self.owed(now).is_zero()
    }
}

impl Charge for Limits {
    fn charge(&self, user: &UserId, bytes: u64) {
        self.people.resumed(user, bytes, Instant::now());
    }
}

/// The limits of one gateway.
pub(crate) struct Limits {
    people: People,
    attempts: Option<Budget>,
    addresses: Table<IpAddr, Bucket>,
    accounts: Table<UserId, Bucket>,
    /// What addresses have tried, until other gateways are told.
    unsent: Mutex<Unsent<IpAddr>>,
    strangers: Strangers,
    sockets: Mutex<Sockets>,
}

impl Limits {
    /// The limits the settings ask for.
    #[must_use]
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            people: People::new(config),
            attempts: config.rate_auth.map(|rate| Budget::of("auth", rate)),
            addresses: Table::new(),
            accounts: Table::new(),
            unsent: Mutex::default(),
            strangers: Strangers::default(),
            sockets: Mutex::default(),
        }
    }

    /// Counts a request of a person, which may be a write; what every limit that applies says of it.
    #[must_use]
    pub(crate) fn request(&self, user: &UserId, writes: bool) -> Vec<Verdict> {
        self.people.request(user, writes, Instant::now())
    }

    /// Counts a read of a file by a person; none when there is no limit.
    #[must_use]
    pub(crate) fn media(&self, user: &UserId) -> Option<Verdict> {
        self.people.media(user, Instant::now())
    }

    /// Counts a frame of a person.
    #[must_use]
    pub(crate) fn frame(&self, user: &UserId) -> Allowance {
        self.people.frame(user, Instant::now())
    }

    /// Counts a socket of a person that comes in; false when so much is owed that it may not.
    #[must_use]
    pub(crate) fn enter(&self, user: &UserId) -> bool {
        self.people.enter(user, Instant::now())
    }

    /// How many sockets a person has at other gateways, as those said within the last seconds.
    #[must_use]
    pub(crate) fn sockets_elsewhere(&self, user: &UserId) -> usize {
        self.sockets.lock().elsewhere(user, Instant::now())
    }

    /// A person has one socket more here.
    pub(crate) fn socket_came(&self, user: &UserId) {
        self.sockets.lock().came(user);
    }

    /// A person has one socket less here.
    pub(crate) fn socket_went(&self, user: &UserId) {
        self.sockets.lock().went(user);
    }

    /// Whether bytes that people want stored are counted: otherwise they need not be known.
    #[must_use]
    pub(crate) fn count_bytes(&self) -> bool {
        self.people.count_bytes()
    }

    /// Counts bytes a person wants stored; none when there is no limit.
    #[must_use]
    pub(crate) fn store(&self, user: &UserId, bytes: u64) -> Option<Verdict> {
        self.people.store(user, bytes, Instant::now())
    }

    /// Gives a person back what was counted and not stored.
    pub(crate) fn not_stored(&self, user: &UserId, bytes: u64) {
        self.people.not_stored(user, bytes, Instant::now());
    }

    /// Counts an attempt to register, log in or the like from an address; none when there is no limit.
    #[must_use]
    pub(crate) fn address(&self, ip: IpAddr) -> Option<Verdict> {
        let (budget, now) = (self.attempts.as_ref()?, Instant::now());
        let ip = network(ip);
        let verdict = self.addresses.with(&ip, now, |bucket| bucket.take(budget, 1, now));
        if verdict.wait.is_none() {
            self.unsent.lock().note(&ip, ATTEMPT, now);
        }
        Some(verdict)
    }

    /// Counts an attempt of a person to show that they know their password; none when there is no limit.
    #[must_use]
    pub(crate) fn attempt(&self, user: &UserId) -> Option<Verdict> {
        let (budget, now) = (self.attempts.as_ref()?, Instant::now());
        let verdict = self.accounts.with(user, now, |bucket| bucket.take(budget, 1, now));
        if verdict.wait.is_none() {
            self.people.note(user, ATTEMPT, now);
        }
        Some(verdict)
    }

    /// A place for a socket that is not authenticated yet; none when its address holds too many.
    pub(crate) async fn stranger(&self, ip: IpAddr) -> Option<Stranger> {
        self.strangers.admit(ip).await
    }

    /// What other gateways are to be told of people and of addresses now.
    fn to_tell(&self, now: Instant) -> (Spent<UserId>, Spent<IpAddr>) {
        (self.people.to_tell(now), self.unsent.lock().take(now, |_| true))
    }

    /// Another gateway has told what was used there.
    fn told(&self, people: &[(UserId, Spending)], addresses: &[(IpAddr, Spending)], now: Instant) {
        for (user, spent) in people {
            self.people.told(user, spent, now);
        }
        let Some(budget) = &self.attempts else { return };
        for (user, spent) in people.iter().filter(|(_, spent)| spent.attempts > 0) {
            let debit = |bucket: &mut Bucket| bucket.debit(budget, spent.attempts.into(), now);
            self.accounts.with(user, now, debit);
        }
        for (ip, spent) in addresses {
            let debit = |bucket: &mut Bucket| bucket.debit(budget, spent.attempts.into(), now);
            self.addresses.with(ip, now, debit);
        }
    }

    /// What other gateways are to be told of people's sockets now, if anything.
    fn sockets_to_tell(&self, now: Instant) -> Option<Held> {
        self.sockets.lock().take_news(now)
    }
}

/// What a client is told that asks for too much.
#[must_use]
pub(crate) fn too_much(verdict: &Verdict) -> Option<Rejection> {
    let wait = whole_seconds(verdict.wait?).max(1);
    let detail = "too much at once; wait as long as Retry-After says";
    Some(Rejection::new(Code::RateLimited, detail).retry_after(wait))
}

/// How many bytes a command asks to have stored: its own, as JSON, which is what its event holds.
#[must_use]
pub(crate) fn weight(command: &impl Serialize) -> u64 {
    let mut count = Count(0);
    // Nothing in a command fails to be JSON; if it did it would weigh what was counted until then.
    let _ = serde_json::to_writer(&mut count, command);
    count.0
}

struct Count(u64);

impl std::io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += u64::try_from(bytes.len()).unwrap_or(0);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Who guesses passwords at four gateways gets little further than at one.
    #[test]
    fn attempts_of_an_address_and_of_an_account_are_shared() {
        let mut config = Config::at(([127, 0, 0, 1], 0).into());
        let (count, per) = (std::num::NonZeroU32::new(30).unwrap(), Duration::from_secs(60));
        config.rate_auth = Some(crate::config::Rate { count, per });
        let gateways: Vec<Limits> = (0..4).map(|_| Limits::new(&config)).collect();
        let (ip, ada) = (IpAddr::from([192, 0, 2, 1]), crate::live::fixture::user(1));
        let (mut by_ip, mut by_ada) = (0, 0);
        let granted = |verdict: Option<Verdict>| usize::from(verdict.unwrap().wait.is_none());
        for _ in 0..60 {
            for gateway in &gateways {
                by_ip += granted(gateway.address(ip));
                by_ada += granted(gateway.attempt(&ada));
            }
            for (number, gateway) in gateways.iter().enumerate() {
                let now = Instant::now();
                let (people, addresses) = gateway.to_tell(now);
                let others = gateways.iter().enumerate().filter(|(other, _)| *other != number);
                others.for_each(|(_, other)| other.told(&people, &addresses, now));
            }
        }
        assert!((30..=36).contains(&by_ip) && (30..=36).contains(&by_ada), "{by_ip} {by_ada}");
    }

    #[test]
    fn a_text_weighs_what_it_is_long() {
        assert_eq!(weight(&"é".repeat(1_000)), 2_002);
    }
}
