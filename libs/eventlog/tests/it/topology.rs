//! Streams that are there, are not there, or are not ours.

use std::time::Duration;

use eventlog::{LogError, Topology};
use schemas::Lane;

use crate::kit::{Server, put, room};

#[tokio::test(flavor = "multi_thread")]
async fn ensuring_is_idempotent_and_the_epoch_stays() {
    let server = Server::start().await;
    let log = server.connect().await;
    assert!(matches!(log.attach().await, Err(LogError::NoStream(_))));
    let epoch = log.ensure_topology(&Topology::default()).await.unwrap();
    assert_eq!(epoch.as_str().len(), 8);
    assert_eq!(log.ensure_topology(&Topology::default()).await.unwrap(), epoch);
    put(&log, &Lane::Room(room()), "kept").await;
    let other = server.connect().await;
    assert_eq!(other.attach().await.unwrap(), epoch);
    let changed = Topology {
        duplicate_window: Duration::from_secs(25),
        max_bytes: Some(1 << 30),
        ..Topology::default()
    };
    assert_eq!(other.ensure_topology(&changed).await.unwrap(), epoch);
    assert_eq!(other.head().await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_may_ensure_at_the_same_time() {
    let server = Server::start().await;
    let mut logs = Vec::new();
    for _ in 0..8 {
        logs.push(server.connect().await);
    }
    let topology = Topology::default();
    let all = logs.iter().map(|log| log.ensure_topology(&topology));
    let epochs: Vec<_> = futures_util::future::join_all(all).await;
    let first = epochs[0].as_ref().unwrap();
    assert!(epochs.iter().all(|epoch| epoch.as_ref().unwrap() == first), "{epochs:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_stream_is_refused_and_left_alone() {
    let server = Server::start().await;
    let client = async_nats::connect(server.url()).await.unwrap();
    let jetstream = async_nats::jetstream::new(client);
    let config = async_nats::jetstream::stream::Config {
        name: "EVENTS_test".to_owned(),
        subjects: vec!["test.evt.>".to_owned()],
        ..Default::default()
    };
    jetstream.create_stream(config.clone()).await.unwrap();
    let log = server.connect().await;
    for outcome in [log.ensure_topology(&Topology::default()).await, log.attach().await] {
        assert!(matches!(outcome, Err(LogError::Foreign { .. })), "{outcome:?}");
    }
    let left = jetstream.get_stream("EVENTS_test").await.unwrap().cached_info().config.clone();
    assert!(!left.allow_atomic_publish && !left.metadata.contains_key("tidings.epoch"));
}

#[tokio::test(flavor = "multi_thread")]
async fn our_stream_with_an_essential_setting_changed_is_refused() {
    let server = Server::start().await;
    let log = server.log().await;
    let client = async_nats::connect(server.url()).await.unwrap();
    let jetstream = async_nats::jetstream::new(client);
    let mut stream = jetstream.get_stream("EVENTS_test").await.unwrap();
    let mut config = stream.info().await.unwrap().config.clone();
    config.max_age = Duration::from_secs(3600);
    jetstream.update_stream(config).await.unwrap();
    let outcome = log.ensure_topology(&Topology::default()).await;
    let Err(LogError::Foreign { why, .. }) = outcome else { panic!("{outcome:?}") };
    assert!(why.contains("retention"), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_stream_is_noticed() {
    let server = Server::start().await;
    let log = server.log().await;
    put(&log, &Lane::Room(room()), "old").await;
    let client = async_nats::connect(server.url()).await.unwrap();
    async_nats::jetstream::new(client).delete_stream("EVENTS_test").await.unwrap();
    let fresh = server.log().await;
    assert_ne!(fresh.epoch(), log.epoch());
    assert!(matches!(log.head().await, Err(LogError::Replaced)));
    assert!(matches!(log.read_from(0).await, Err(LogError::Replaced)));
}
