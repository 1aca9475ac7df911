//! Work queues and dead letters.

use std::time::Duration;

use eventlog::{ConsumerSpec, DeadLetter, DeadLetters, Delivery, StartAt, WorkQueue};
use schemas::Lane;
use schemas::subjects::LaneKind;
use tokio::time::{Instant, sleep, timeout};

use crate::kit::{PATIENCE, Server, put, room, user};

fn spec() -> ConsumerSpec {
    ConsumerSpec {
        start: StartAt::Beginning,
        max_deliver: 3,
        ..ConsumerSpec::new("notifier", vec![LaneKind::Timeline, LaneKind::User])
    }
}

async fn next(queue: &mut WorkQueue) -> Delivery {
    timeout(PATIENCE, queue.next()).await.expect("a delivery in time").expect("a delivery")
}

async fn letters(dead: &DeadLetters, count: usize) -> Vec<DeadLetter> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let letters = dead.list(0, 100).await.unwrap();
        if letters.len() == count {
            return letters;
        }
        assert!(Instant::now() < deadline, "{letters:?}");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_delivers_the_lanes_it_asked_for_until_acknowledged() {
    let server = Server::start().await;
    let log = server.log().await;
    let timeline = put(&log, &Lane::Timeline(room()), "1").await;
    put(&log, &Lane::Room(room()), "not wanted").await;
    let registered = put(&log, &Lane::User(user()), "2").await;
    let mut queue = log.consumer(spec()).await.unwrap();
    for wanted in [timeline, registered] {
        let delivery = next(&mut queue).await;
        assert_eq!((delivery.stored.sequence, delivery.attempt), (wanted, 1));
        assert!(!delivery.last_attempt);
        delivery.ack().await.unwrap();
    }
    // Another process goes on where this one was, and both share what comes.
    drop(queue);
    let mut again = log.consumer(spec()).await.unwrap();
    let third = put(&log, &Lane::Timeline(room()), "3").await;
    assert_eq!(next(&mut again).await.stored.sequence, third);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_event_is_retried_then_kept_as_a_dead_letter_and_redriven() {
    let server = Server::start().await;
    let log = server.log().await;
    let mut queue = log.consumer(spec()).await.unwrap();
    let dead = log.dead_letters().await.unwrap();
    let sequence = put(&log, &Lane::Timeline(room()), "poison").await;
    for attempt in 1..=3 {
        let delivery = next(&mut queue).await;
        assert_eq!((delivery.stored.sequence, delivery.attempt), (sequence, attempt));
        assert_eq!(delivery.last_attempt, attempt == 3);
        delivery.retry_after(Duration::from_millis(10), "mail server down").await.unwrap();
    }
    let letter = letters(&dead, 1).await.remove(0);
    assert_eq!((letter.event, letter.attempts), (sequence, 3));
    assert_eq!(
        (letter.consumer.as_str(), letter.reason.as_str()),
        ("notifier", "mail server down")
    );
    let (found, stored) = dead.get(letter.id).await.unwrap().unwrap();
    assert_eq!((found.id, stored.unwrap().sequence), (letter.id, sequence));
    assert!(dead.redrive(letter.id).await.unwrap());
    assert!(!dead.redrive(letter.id).await.unwrap());
    let redriven = next(&mut queue).await;
    assert_eq!((redriven.stored.sequence, redriven.attempt), (sequence, 1));
    redriven.dead_letter("still no good").await.unwrap();
    let again = letters(&dead, 1).await.remove(0);
    assert_eq!((again.event, again.reason.as_str()), (sequence, "still no good"));
    assert!(dead.redrive(again.id).await.unwrap());
    next(&mut queue).await.ack().await.unwrap();
    letters(&dead, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_kills_its_worker_becomes_a_dead_letter_by_the_servers_advisory() {
    let server = Server::start().await;
    let log = server.log().await;
    let spec = ConsumerSpec { ack_wait: Duration::from_millis(200), max_deliver: 2, ..spec() };
    let mut queue = log.consumer(spec).await.unwrap();
    let dead = log.dead_letters().await.unwrap();
    let sequence = put(&log, &Lane::Timeline(room()), "kills").await;
    for attempt in 1..=2 {
        // Dropped without an answer, as a dying process would.
        assert_eq!(next(&mut queue).await.attempt, attempt);
    }
    // The server looks at unanswered deliveries when a worker asks for more, as every worker does.
    let letter = tokio::select! {
        mut letters = letters(&dead, 1) => letters.remove(0),
        third = queue.next() => panic!("delivered again: {}", third.unwrap().attempt),
    };
    assert_eq!((letter.event, letter.attempts), (sequence, 2));
    assert_eq!(letter.consumer, "notifier");
    assert!(dead.redrive(letter.id).await.unwrap());
    let redriven = next(&mut queue).await;
    assert_eq!(redriven.stored.sequence, sequence);
    redriven.ack().await.unwrap();
    letters(&dead, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_survives_a_restart_of_the_server() {
    let mut server = Server::start().await;
    let log = server.log().await;
    let mut queue = log.consumer(spec()).await.unwrap();
    let first = put(&log, &Lane::Timeline(room()), "1").await;
    next(&mut queue).await.ack().await.unwrap();
    server.kill();
    server.revive();
    let mut state = log.watch_connection();
    timeout(PATIENCE, state.wait_for(|s| s.connected && s.generation == 2)).await.unwrap().unwrap();
    let second = put(&log, &Lane::Timeline(room()), "2").await;
    // nats-server writes acknowledgements a moment after it confirms them. One that a kill takes away is a repeat.
    let mut delivery = next(&mut queue).await;
    while delivery.stored.sequence == first {
        delivery.ack().await.unwrap();
        delivery = next(&mut queue).await;
    }
    assert_eq!(delivery.stored.sequence, second);
    delivery.ack().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_letter_is_gone() {
    let server = Server::start().await;
    let log = server.log().await;
    let mut queue = log.consumer(spec()).await.unwrap();
    let dead = log.dead_letters().await.unwrap();
    put(&log, &Lane::Timeline(room()), "1").await;
    next(&mut queue).await.dead_letter("never").await.unwrap();
    let id = letters(&dead, 1).await[0].id;
    assert!(dead.delete(id).await.unwrap());
    assert!(!dead.delete(id).await.unwrap());
    assert!(dead.get(id).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_queue_hands_back_what_it_took_ahead() {
    let server = Server::start().await;
    let log = server.log().await;
    let mut queue = log.consumer(spec()).await.unwrap();
    let mut wanted = Vec::new();
    for n in 0..10 {
        wanted.push(put(&log, &Lane::Timeline(room()), &n.to_string()).await);
    }
    next(&mut queue).await.ack().await.unwrap();
    queue.close().await;
    let mut other = log.consumer(spec()).await.unwrap();
    let mut got = Vec::new();
    for _ in 1..10 {
        let delivery = next(&mut other).await;
        got.push(delivery.stored.sequence);
        delivery.ack().await.unwrap();
    }
    got.sort_unstable();
    assert_eq!(got, wanted[1..]);
}
