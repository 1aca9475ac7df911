//! What people and addresses have used at one gateway, and how many sockets people have there, is told to the others, often enough
//! that several gateways grant little more than one would. Nothing of it is stored, and nothing waits for it: what is lost was
//! an estimate.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::{Bus, Ephemeral, EphemeralKind};
use schemas::UserId;
use serde::{Deserialize, Serialize};
use telemetry::{Shutdown, error_chain};

use super::Limits;
use super::sockets::Held;
use super::spending::Spending;

/// How often the others are told.
const EVERY: Duration = Duration::from_millis(100);
/// People, or addresses, in one message.
const AT_ONCE: usize = 1_000;
/// How soon the subscription is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// What one gateway tells the others.
#[derive(Default, Serialize, Deserialize)]
struct Told {
    /// Which one: its own words come back to it.
    gateway: String,
    #[serde(default)]
    spent: Vec<(UserId, Spending)>,
    #[serde(default)]
    addresses: Vec<(IpAddr, Spending)>,
    /// How many sockets people have there.
    #[serde(default)]
    sockets: Held,
    /// It has just begun to listen, and wants to know of all sockets.
    #[serde(default)]
    asks: bool,
    /// It stops: it has no sockets any more.
    #[serde(default)]
    leaving: bool,
}

/// One gateway among the others.
struct Among {
    limits: Arc<Limits>,
    bus: Bus,
    gateway: String,
}

/// Tells others what is used here and listens to them, until asked to stop.
pub(crate) async fn share(limits: Arc<Limits>, bus: Bus, gateway: String, shutdown: Shutdown) {
    let among = Among { limits, bus, gateway };
    tokio::select! {
        () = shutdown.wait() => {}
        () = among.tells() => {}
        () = among.listens() => {}
    }
    among.say(Told { leaving: true, ..Told::default() }).await;
}

impl Among {
    async fn tells(&self) {
        let mut ticks = service::ticks(EVERY);
        loop {
            ticks.tick().await;
            let now = Instant::now();
            let (people, addresses) = self.limits.to_tell(now);
            for spent in people.chunks(AT_ONCE) {
                self.say(Told { spent: spent.to_vec(), ..Told::default() }).await;
            }
            for addresses in addresses.chunks(AT_ONCE) {
                self.say(Told { addresses: addresses.to_vec(), ..Told::default() }).await;
            }
            let Some(held) = self.limits.sockets_to_tell(now) else { continue };
            if held.is_empty() {
                // A gateway that has just come hears of this gateway.
                self.say(Told::default()).await;
            }
            for sockets in held.chunks(AT_ONCE) {
                self.say(Told { sockets: sockets.to_vec(), ..Told::default() }).await;
            }
        }
    }

    async fn say(&self, told: Told) {
        let told = Told { gateway: self.gateway.clone(), ..told };
        if let Err(error) = self.bus.publish_ephemeral(Ephemeral::Spending, &told).await {
            tracing::debug!(error = %error_chain(&error), "other gateways are not told");
        }
    }

    async fn listens(&self) {
        loop {
            match self.bus.ephemeral::<Told>(EphemeralKind::Spending).await {
                Ok(mut feed) => {
                    self.say(Told { asks: true, ..Told::default() }).await;
                    while let Some(told) = feed.next().await {
                        if told.gateway != self.gateway {
                            self.hears(&told);
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

    fn hears(&self, told: &Told) {
        let now = Instant::now();
        self.limits.told(&told.spent, &told.addresses, now);
        let mut sockets = self.limits.sockets.lock();
        if told.leaving {
            return sockets.left(&told.gateway);
        }
        sockets.heard(&told.gateway, &told.sockets, now);
        if told.asks {
            sockets.tell_all();
        }
    }
}
