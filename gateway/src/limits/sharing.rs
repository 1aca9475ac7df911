//! What people have used at one gateway is told to the others, often enough that several gateways grant little more
//! than one would. Nothing of it is stored, and nothing waits for it: what is lost was an estimate.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::{Bus, Ephemeral};
use schemas::UserId;
use serde::{Deserialize, Serialize};
use telemetry::{Shutdown, error_chain};
use tokio::time::{MissedTickBehavior, interval};

use super::Limits;

/// How often the others are told.
const EVERY: Duration = Duration::from_millis(100);
/// The little that a person has used is told no later than this.
const AT_LATEST: Duration = Duration::from_secs(1);
/// People in one message.
const AT_ONCE: usize = 1_000;
/// People about whom something may wait to be told; what more of them do is told with their next act.
const MAX_WAITING: usize = 100_000;
/// How soon the subscription is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// What a person has used since it was told last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Spending {
    /// Requests over REST.
    #[serde(default)]
    pub(super) requests: u32,
    /// Frames, and writes over REST.
    #[serde(default)]
    pub(super) writes: u32,
    /// Bytes stored.
    #[serde(default)]
    pub(super) bytes: u64,
}

impl Spending {
    fn add(&mut self, more: Self) {
        self.requests = self.requests.saturating_add(more.requests);
        self.writes = self.writes.saturating_add(more.writes);
        self.bytes = self.bytes.saturating_add(more.bytes);
    }
}

/// What waits to be told.
#[derive(Default)]
pub(super) struct Unsent(HashMap<UserId, (Spending, Instant)>);

impl Unsent {
    pub(super) fn note(&mut self, user: &UserId, spent: Spending, now: Instant) {
        if let Some((waiting, _)) = self.0.get_mut(user) {
            waiting.add(spent);
        } else if self.0.len() < MAX_WAITING {
            self.0.insert(user.clone(), (spent, now));
        }
    }

    /// Takes out what is notable or has waited for long.
    pub(super) fn take(
        &mut self,
        now: Instant,
        is_notable: impl Fn(&Spending) -> bool,
    ) -> Vec<(UserId, Spending)> {
        let due = |(spent, since): &(Spending, Instant)| {
            is_notable(spent) || now.saturating_duration_since(*since) >= AT_LATEST
        };
        self.0
            .extract_if(|_, waiting| due(waiting))
            .map(|(user, (spent, _))| (user, spent))
            .collect()
    }
}

/// What one gateway tells the others.
#[derive(Serialize, Deserialize)]
struct Told {
    /// Which one: its own words come back to it.
    gateway: String,
    spent: Vec<(UserId, Spending)>,
}

/// Tells others what is used here and listens to them, until asked to stop.
pub(crate) async fn share(limits: Arc<Limits>, bus: Bus, gateway: String, shutdown: Shutdown) {
    if !limits.people.limits() {
        return;
    }
    tokio::select! {
        () = shutdown.wait() => {}
        () = tell(&limits, &bus, &gateway) => {}
        () = listen(&limits, &bus, &gateway) => {}
    }
}

async fn tell(limits: &Limits, bus: &Bus, gateway: &str) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let all = limits.people.to_tell(Instant::now());
        for spent in all.chunks(AT_ONCE) {
            let told = Told { gateway: gateway.to_owned(), spent: spent.to_vec() };
            if let Err(error) = bus.publish_ephemeral(Ephemeral::Spending, &told).await {
                tracing::debug!(error = %error_chain(&error), "other gateways are not told");
            }
        }
    }
}

async fn listen(limits: &Limits, bus: &Bus, gateway: &str) {
    loop {
        match bus.ephemeral::<Told>(Ephemeral::Spending).await {
            Ok(mut feed) => {
                while let Some(told) = feed.next().await {
                    if told.gateway != gateway {
                        limits.told(&told.spent, Instant::now());
                    }
                }
            }
            Err(error) => {
                tracing::warn!(error = %error_chain(&error), "other gateways are not heard");
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}
