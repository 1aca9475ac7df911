//! What the hub looks at beside the live feed: how far the projector and the log are, and its sockets.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bus::CheckpointFeed;
use readmodel::{Checkpoints, Group, Stops};
use service::ticks;
use telemetry::Shutdown;

use super::hub::Hub;

/// How often the log is asked how far it is.
const ASK_HEAD: Duration = Duration::from_secs(1);

/// Tells the read model's handle how far the projector is, wherever that runs, so that readers wait no
/// longer than they must; and the projector cannot be further than the log.
pub(super) async fn watch_checkpoints(hub: Hub, mut feed: CheckpointFeed, shutdown: Shutdown) {
    loop {
        let next = tokio::select! {
            () = shutdown.wait() => return,
            next = feed.next() => next,
        };
        let Some(checkpoint) = next else { return };
        if checkpoint.position.epoch == hub.inner.epoch {
            let mut marks = Checkpoints::all(checkpoint.position.sequence);
            for group in Group::ALL {
                if let Some(at) = checkpoint.groups.get(group.as_str()) {
                    marks.set(group, *at);
                }
            }
            hub.inner.read.note_checkpoints(marks, &checkpoint.generation);
            let mut stops = Stops::default();
            for group in Group::ALL {
                if let Some(before) = checkpoint.stopped.get(group.as_str()) {
                    stops.set(group, *before);
                }
            }
            hub.inner.read.note_stops(stops, &checkpoint.generation);
            hub.heard(&hub.inner.epoch.at(marks.most()));
        }
    }
}

/// Asks the log every second how far it is: the feed's lost end shows in nothing else.
pub(super) async fn watch_head(hub: Hub, shutdown: Shutdown) {
    let mut tick = ticks(ASK_HEAD);
    loop {
        tokio::select! {
            () = shutdown.wait() => return,
            _ = tick.tick() => {}
        }
        if let Ok(head) = hub.inner.log.recent_head().await {
            hub.inner.heard.fetch_max(head, Ordering::Relaxed);
        }
        hub.tidy();
    }
}

/// Heartbeats, and an end to what lasts too long. Goes on while sockets are sent away.
pub(super) async fn watch_sockets(hub: Hub) {
    let mut tick = ticks(Duration::from_secs(1));
    loop {
        tick.tick().await;
        hub.tick();
    }
}
