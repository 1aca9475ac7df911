//! What people have used at one gateway is told to the others, often enough that several gateways grant little more
//! than one would. Nothing of it is stored, and nothing waits for it: what is lost was an estimate.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::{Bus, Ephemeral};
use schemas::UserId;
use serde::{Deserialize, Serialize};
use telemetry::{Shutdown, error_chain};
use tokio::time::{MissedTickBehavior, interval};

use super::Limits;
use super::spending::Spending;

/// How often the others are told.
const EVERY: Duration = Duration::from_millis(100);
/// People in one message.
const AT_ONCE: usize = 1_000;
/// How soon the subscription is tried again.
const PAUSE: Duration = Duration::from_secs(1);

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
