//! Events that are gone: for a reason, or because the files of the stream are damaged.

use eventlog::{AppendError, EventLog, Expect, LogError, Topology};
use schemas::Lane;

use crate::kit::{PATIENCE, Server, put, room, write};
use crate::reading::{fill, read_to};
use std::time::Duration;
use tokio::time::timeout;

async fn erase(server: &Server, sequence: u64) {
    let client = async_nats::connect(server.url()).await.unwrap();
    let stream = async_nats::jetstream::new(client).get_stream("EVENTS_test").await.unwrap();
    assert!(stream.delete_message(sequence).await.unwrap());
}

#[track_caller]
fn damaged<T: std::fmt::Debug>(outcome: Result<T, LogError>, what: &str) {
    match outcome {
        Err(LogError::Damaged(why)) => assert!(why.contains(what), "{why}"),
        other => panic!("not damaged: {other:?}"),
    }
}

/// Attached by another process, which stays away from what is damaged.
async fn again(server: &Server) -> EventLog {
    let log = server.connect().await;
    log.attach().await.unwrap();
    log
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_event_is_damage_until_an_operator_accepts_the_loss() {
    let server = Server::start().await;
    let log = server.log().await;
    fill(&log, &Lane::Timeline(room()), 7).await;
    let mut early = log.read_from(0).await.unwrap();
    let first = log.epoch();
    for erased in [1, 3, 4, 7] {
        erase(&server, erased).await;
    }
    damaged(log.head().await, "4 of its 7 events are gone");
    damaged(log.read_from(0).await.map(|_| ()), "gone");
    damaged(log.get(3).await, "the event 3 cannot be read");
    damaged(early.next(10, Duration::from_secs(5)).await, "");
    damaged(log.check_everything(None).await, "gone");

    let loss = again(&server).await.accept_loss(&[6]).await.unwrap();
    assert_eq!(loss.holes.ranges(), [(1, 1), (3, 4), (6, 7)]);
    assert_eq!(loss.lost, loss.holes);
    assert_eq!((loss.reached, loss.head), (7, 7));
    assert_ne!(loss.epoch, first);
    let outcome = log.append(vec![write(&Lane::Timeline(room()), "x", Expect::Any)]).await;
    assert!(outcome.is_ok() || matches!(outcome, Err(AppendError::Log(LogError::Replaced))));
    assert!(matches!(log.head().await, Err(LogError::Replaced)));

    let log = again(&server).await;
    assert!(log.descends_from(&first) && log.descends_from(&loss.epoch));
    assert_eq!(log.epoch(), loss.epoch);
    let head = log.head().await.unwrap();
    let mut reader = log.read_from(0).await.unwrap();
    let records = read_to(&mut reader, head).await;
    let seen: Vec<_> = records.iter().map(|r| (r.sequence, r.gap_before)).collect();
    assert_eq!(seen[..2], [(2, true), (5, true)]);
    assert_eq!(log.get(3).await.unwrap(), None);
    assert_eq!(log.check_everything(None).await.unwrap(), head);
    // What is lost later is damage again.
    erase(&server, 5).await;
    damaged(log.head().await, "1 of its");
    let loss = again(&server).await.accept_loss(&[]).await.unwrap();
    assert_eq!((loss.lost.ranges(), loss.holes.count()), (&[(5, 5)][..], 6));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_end_is_noticed_and_not_written_over() {
    let mut server = Server::start().await;
    let log = server.log().await;
    let lane = Lane::Timeline(room());
    fill(&log, &lane, 20).await;
    log.note_mark().await.unwrap();
    let mut reader = log.read_from(15).await.unwrap();
    server.kill();
    let block = server.blocks("EVENTS_test").join("1.blk");
    let length = std::fs::metadata(&block).unwrap().len();
    let file = std::fs::OpenOptions::new().write(true).open(&block).unwrap();
    file.set_len(length - 1000).unwrap();
    server.revive();
    let mut link = log.watch_connection();
    timeout(PATIENCE, link.wait_for(|state| state.generation == 2)).await.unwrap().unwrap();
    // Who was there knows what it had written; who comes now knows the mark.
    let refused = log.append(vec![write(&lane, "21", Expect::Any)]).await;
    assert!(matches!(refused, Err(AppendError::Log(LogError::Damaged(_)))), "{refused:?}");
    damaged(log.head().await, "but there was an event 20");
    damaged(reader.next(100, Duration::from_secs(10)).await, "but there was an event 20");
    let late = again(&server).await;
    damaged(late.head().await, "but there was an event 20");
    let made = server.connect().await;
    made.ensure_topology(&Topology::default()).await.unwrap();
    damaged(made.head().await, "but there was an event 20");

    let loss = again(&server).await.accept_loss(&[]).await.unwrap();
    assert!(loss.head < 20 && loss.reached == 20 && loss.holes.count() == 0, "{loss:?}");
    let log = again(&server).await;
    assert_eq!(put(&log, &lane, "on").await, loss.head + 1);
    assert_eq!(log.check_everything(None).await.unwrap(), loss.head + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_is_noticed() {
    let mut server = Server::start().await;
    let log = server.log().await;
    let lane = Lane::Timeline(room());
    fill(&log, &lane, 20).await;
    log.note_mark().await.unwrap();
    server.kill();
    let block = server.blocks("EVENTS_test").join("1.blk");
    let mut bytes = std::fs::read(&block).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&block, bytes).unwrap();
    server.revive();
    // Killed, the server reads its blocks anew and cuts this one off where it cannot be read.
    damaged(again(&server).await.head().await, "");
}
