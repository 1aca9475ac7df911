//! A start beside a log that does not answer at first.

use std::sync::Arc;

use bus::Bus;
use chat_svc::{ChatService, Config, Needs};
use eventlog::Topology;
use service::{Deps, Service as _};
use telemetry::{Health, Metrics};
use testbed::Nats;
use tokio::time::timeout;

use crate::kit::{PATIENCE, connect, names, until};
use crate::log_index::LogIndex;

/// On a machine that is busy with much else the first write may not be acknowledged in time: the start waits and says
/// so, and creates the room every user belongs to when the log answers.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_does_not_answer_holds_a_start_up_and_does_not_end_it() {
    let mut server = Nats::start().await;
    let log = connect(&server.url()).await;
    log.ensure_topology(&Topology::default()).await.unwrap();
    let bus = Bus::connect(&server.url(), "chat-test", log.namespace()).await.unwrap();
    let (metrics, health) = (Metrics::new(), Health::new());
    let blobs = Arc::new(blobs::Builtin::of(&log));
    let needs = Needs { names: names(), index: Arc::new(LogIndex::new(log.clone())), blobs };
    let deps = Deps { log: log.clone(), bus, metrics, health: health.clone() };
    server.kill();
    let building = tokio::spawn(ChatService::build(Config::default(), needs, deps));
    until("it says that it tries again", async || {
        let unready = health.ready().err()?;
        unready.iter().any(|one| one.reason.contains("trying again")).then_some(())
    })
    .await;
    assert!(!building.is_finished());
    server.revive();
    let built = timeout(PATIENCE, building).await.expect("in time").unwrap().expect("built");
    assert!(built.general().is_some());
    assert_eq!(health.ready(), Ok(()));
    // The room and its name, once.
    assert_eq!(log.head().await.unwrap(), 2);
}
