//! Asking the gateways who has a socket.

use std::time::Duration;

use bus::{Bus, Ephemeral, EphemeralKind};
use schemas::{AreOnline, UserId, WhoIsOnline};
use telemetry::error_chain;

/// How long the gateways are waited for. Those at which the user has no socket say nothing.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether a user has a socket at any gateway. Where that cannot be asked they have none: a mail too many does less harm
/// than one that never comes.
pub(crate) async fn is_online(bus: &Bus, user: &UserId) -> bool {
    let asked = ask(bus, user);
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => {
            tracing::warn!(error = error_chain(&error), "gateways cannot be asked who is there");
            false
        }
        Err(_silence) => false,
    }
}

async fn ask(bus: &Bus, user: &UserId) -> Result<bool, bus::BusError> {
    let mut feed = bus.ephemeral::<AreOnline>(EphemeralKind::Online).await?;
    let question = decider::fresh_id().simple().to_string();
    let asked = WhoIsOnline { question: question.clone(), users: vec![*user] };
    bus.publish_ephemeral(Ephemeral::Who, &asked).await?;
    while let Some(told) = feed.next().await {
        if told.question == question && told.users.contains(user) {
            return Ok(true);
        }
    }
    Ok(false)
}
