//! What people and addresses have used at one gateway is told to the others, often enough that several gateways grant little more
//! than one would. Nothing of it is stored, and nothing waits for it: what is lost was an estimate.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::{Bus, Ephemeral, EphemeralKind};
use schemas::UserId;
use serde::{Deserialize, Serialize};
use telemetry::{Shutdown, error_chain};
use tokio::time::{MissedTickBehavior, interval};

use super::Limits;
use super::spending::Spending;

/// How often the others are told.
const EVERY: Duration = Duration::from_millis(100);
/// People, or addresses, in one message.
const AT_ONCE: usize = 1_000;
/// How soon the subscription is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// What one gateway tells the others.
#[derive(Serialize, Deserialize)]
struct Told {
    /// Which one: its own words come back to it.
    gateway: String,
    spent: Vec<(UserId, Spending)>,
    #[serde(default)]
    addresses: Vec<(IpAddr, Spending)>,
}

/// Tells others what is used here and listens to them, until asked to stop.
pub(crate) async fn share(limits: Arc<Limits>, bus: Bus, gateway: String, shutdown: Shutdown) {
    if !limits.limits() {
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
        let (people, addresses) = limits.to_tell(Instant::now());
        let told = |spent: &[_], addresses: &[_]| {
            let (spent, addresses) = (spent.to_vec(), addresses.to_vec());
            Told { gateway: gateway.to_owned(), spent, addresses }
        };
        let of_people = people.chunks(AT_ONCE).map(|spent| told(spent, &[]));
        let of_addresses = addresses.chunks(AT_ONCE).map(|addresses| told(&[], addresses));
        for told in of_people.chain(of_addresses) {
            if let Err(error) = bus.publish_ephemeral(Ephemeral::Spending, &told).await {
                tracing::debug!(error = %error_chain(&error), "other gateways are not told");
            }
        }
    }
}

async fn listen(limits: &Limits, bus: &Bus, gateway: &str) {
    loop {
        match bus.ephemeral::<Told>(EphemeralKind::Spending).await {
            Ok(mut feed) => {
                while let Some(told) = feed.next().await {
                    if told.gateway != gateway {
                        limits.told(&told.spent, &told.addresses, Instant::now());
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
