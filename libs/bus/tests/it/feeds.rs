//! The live feed, checkpoints and barriers.

use bus::{Checkpoint, Live, LiveEvent, LiveFeed};
use eventlog::Expect;
use schemas::{Lane, Timestamp};
use tokio::time::timeout;

use crate::calls::connect;
use crate::kit::{PATIENCE, Server, put, room, write};

async fn next(feed: &mut LiveFeed) -> Live {
    timeout(PATIENCE, feed.next()).await.expect("something in time").expect("an open feed")
}

async fn next_event(feed: &mut LiveFeed) -> LiveEvent {
    match next(feed).await {
        Live::Event(event) => event,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stored_events_come_in_order_with_their_predecessor() {
    let server = Server::start().await;
    let (log, bus) = (server.log().await, connect(&server).await);
    let (lane, other) = (Lane::Timeline(room()), Lane::Room(room()));
    put(&log, &lane, "before").await;
    let mut feed = bus.live().await.unwrap();
    put(&log, &lane, "2").await;
    put(&log, &other, "3").await;
    log.append(vec![write(&other, "refused", Expect::Empty)]).await.unwrap_err();
    let batch = vec![write(&lane, "4", Expect::At(2)), write(&other, "5", Expect::At(3))];
    log.append(batch).await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..4 {
        let event = next_event(&mut feed).await;
        assert!(event.event().is_ok() && event.stored_at.millis() > 0);
        seen.push((event.sequence, event.previous, event.lane));
    }
    let wanted = [(2, 1, lane), (3, 0, other), (4, 2, lane), (5, 3, other)];
    assert_eq!(seen, wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_missed_between_subscribing_and_reading() {
    let server = Server::start().await;
    let (log, bus) = (server.log().await, connect(&server).await);
    let lane = Lane::Timeline(room());
    for round in 0..50_u64 {
        // Another connection writes the moment the subscription is said to stand.
        let mut feed = bus.live().await.unwrap();
        let sequence = put(&log, &lane, "x").await;
        let event = next_event(&mut feed).await;
        assert_eq!((event.sequence, event.previous), (sequence, round));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn followers_come_and_go_without_disturbing_one_another() {
    let server = Server::start().await;
    let (log, bus) = (server.log().await, connect(&server).await);
    let lane = Lane::Timeline(room());
    for _ in 0..10 {
        let (mut first, second) = tokio::join!(bus.live(), bus.live());
        let mut second = second.unwrap();
        let one = put(&log, &lane, "to both").await;
        assert_eq!(next_event(first.as_mut().unwrap()).await.sequence, one);
        assert_eq!(next_event(&mut second).await.sequence, one);
        drop(first);
        let mut third = bus.live().await.unwrap();
        let two = put(&log, &lane, "to those who are left").await;
        assert_eq!(next_event(&mut second).await.sequence, two);
        assert_eq!(next_event(&mut third).await.sequence, two);
    }
}

/// A runtime of its own that ends without waiting, as nothing may block in a test.
struct Aside(Option<tokio::runtime::Runtime>);

impl Drop for Aside {
    fn drop(&mut self) {
        self.0.take().unwrap().shutdown_background();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_does_not_run_on_the_threads_of_its_first_follower() {
    let server = Server::start().await;
    let (log, bus) = (server.log().await, connect(&server).await);
    let lane = Lane::Timeline(room());
    let aside = Aside(Some(tokio::runtime::Runtime::new().unwrap()));
    let asking = bus.clone();
    let asked = aside.0.as_ref().unwrap().spawn(async move { asking.live().await });
    let first = asked.await.unwrap().unwrap();
    let mut second = bus.live().await.unwrap();
    let one = put(&log, &lane, "1").await;
    assert_eq!(next_event(&mut second).await.sequence, one);
    drop(aside);
    let two = put(&log, &lane, "2").await;
    assert_eq!(next_event(&mut second).await.sequence, two);
    drop(first);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_lane_is_counted_and_a_forged_event_is_not() {
    let server = Server::start().await;
    let (_log, bus) = (server.log().await, connect(&server).await);
    let mut feed = bus.live().await.unwrap();
    let client = async_nats::connect(server.url()).await.unwrap();
    client.publish("test.live.room.x", "forged".into()).await.unwrap();
    client.request("test.evt.poll.x", "{}".into()).await.unwrap();
    assert_eq!(next(&mut feed).await, Live::Unknown { sequence: 1 });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_the_server_is_told_and_the_feed_goes_on() {
    let mut server = Server::start().await;
    let (log, bus) = (server.log().await, connect(&server).await);
    let lane = Lane::Timeline(room());
    let mut feed = bus.live().await.unwrap();
    put(&log, &lane, "1").await;
    assert_eq!(next_event(&mut feed).await.sequence, 1);
    server.kill();
    assert_eq!(next(&mut feed).await, Live::Disconnected);
    server.revive();
    assert_eq!(next(&mut feed).await, Live::Reconnected);
    bus.barrier().await.unwrap();
    let second = put(&log, &lane, "2").await;
    let event = next_event(&mut feed).await;
    assert_eq!((event.sequence, event.previous), (second, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn checkpoints_reach_every_follower() {
    let server = Server::start().await;
    let log = server.log().await;
    let (projector, gateway) = (connect(&server).await, connect(&server).await);
    let mut feed = gateway.checkpoints().await.unwrap();
    let checkpoint = Checkpoint {
        position: log.epoch().at(42),
        groups: [("inbox".to_owned(), 42), ("people".to_owned(), 57)].into(),
        stopped: std::iter::once(("people".to_owned(), 8)).collect(),
        generation: "g1".to_owned(),
        at: Timestamp::from_millis(1_795_255_200_000),
    };
    let client = async_nats::connect(server.url()).await.unwrap();
    client.publish("test.checkpoint", "rubbish".into()).await.unwrap();
    client.flush().await.unwrap();
    projector.publish_checkpoint(&checkpoint).await.unwrap();
    let received = timeout(PATIENCE, feed.next()).await.unwrap().unwrap();
    assert_eq!(received, checkpoint);
}
