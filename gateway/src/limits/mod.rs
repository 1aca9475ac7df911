//! How much each person and each address may ask for.
//!
//! A person's allowances are shared by everything they do here, over REST and all of their sockets, and told to
//! the other gateways (`sharing`). An address has allowances for what is done before it is known who does it.

mod bucket;
mod network;
mod people;
mod sharing;
mod spending;
mod strangers;
mod table;

use std::net::IpAddr;
use std::time::Instant;

use schemas::{Code, Rejection, UserId};
use serde::Serialize;

pub(crate) use bucket::{Verdict, whole_seconds};
pub(crate) use people::Allowance;
pub(crate) use sharing::share;
pub(crate) use strangers::Stranger;

use bucket::{Bucket, Budget};
use network::network;
use people::People;
use spending::Spending;
use strangers::Strangers;
use table::{Entry, Table};

use crate::config::Config;
use crate::live::Charge;

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
    strangers: Strangers,
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
            strangers: Strangers::default(),
        }
    }

    /// Counts a request of a person, which may be a write; what every limit that applies says of it.
    #[must_use]
    pub(crate) fn request(&self, user: &UserId, writes: bool) -> Vec<Verdict> {
        self.people.request(user, writes, Instant::now())
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
        Some(self.addresses.with(&network(ip), now, |bucket| bucket.take(budget, 1, now)))
    }

    /// Counts an attempt of a person to show that they know their password; none when there is no limit.
    #[must_use]
    pub(crate) fn attempt(&self, user: &UserId) -> Option<Verdict> {
        let (budget, now) = (self.attempts.as_ref()?, Instant::now());
        Some(self.accounts.with(user, now, |bucket| bucket.take(budget, 1, now)))
    }

    /// A place for a socket that is not authenticated yet; none when its address holds too many.
    pub(crate) async fn stranger(&self, ip: IpAddr) -> Option<Stranger> {
        self.strangers.admit(ip).await
    }

    fn told(&self, spent: &[(UserId, Spending)], now: Instant) {
        for (user, spent) in spent {
            self.people.told(user, spent, now);
        }
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
    use super::*;

    #[test]
    fn a_text_weighs_what_it_is_long() {
        assert_eq!(weight(&"é".repeat(1_000)), 2_002);
    }
}
