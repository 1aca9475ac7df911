//! Servers that die and come back.

use std::sync::atomic::Ordering;
use std::time::Duration;

use eventlog::{AppendError, EventLog, Expect, LogError, Topology};
use schemas::Lane;
use tokio::time::{Instant, timeout};

use crate::kit::{PATIENCE, Proxy, Server, connect, put, room, write};
use crate::reading::read_to;

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_goes_on_where_it_was_after_a_restart() {
    let mut server = Server::start().await;
    let log = server.log().await;
    let lane = Lane::Timeline(room());
    for n in 1..=50 {
        put(&log, &lane, &n.to_string()).await;
    }
    let mut reader = log.read_from(0).await.unwrap();
    let mut records = reader.next(20, PATIENCE).await.unwrap().records;
    server.kill();
    let mut state = log.watch_connection();
    timeout(PATIENCE, state.wait_for(|s| !s.connected)).await.unwrap().unwrap();
    assert!(!log.is_connected());
    server.revive();
    timeout(PATIENCE, state.wait_for(|s| s.connected)).await.unwrap().unwrap();
    for n in 51..=80 {
        put(&log, &lane, &n.to_string()).await;
    }
    records.extend(read_to(&mut reader, 80).await);
    let sequences: Vec<_> = records.iter().map(|r| r.sequence).collect();
    assert_eq!(sequences, (1..=80).collect::<Vec<_>>());
    assert!(records.iter().all(|r| !r.gap_before));
}

#[tokio::test(flavor = "multi_thread")]
async fn appends_under_a_restart_are_stored_exactly_once() {
    let mut server = Server::start_sync_always().await;
    let log = server.log().await;
    restart_under_load(&mut server, log).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn grouped_appends_under_a_restart_are_stored_exactly_once() {
    let mut server = Server::start_sync_always().await;
    let log = server.connect().await;
    let topology = Topology { group_commit: true, ..Topology::default() };
    log.ensure_topology(&topology).await.unwrap();
    restart_under_load(&mut server, log).await;
}

async fn restart_under_load(server: &mut Server, log: EventLog) {
    let lane = Lane::Timeline(room());
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let (log, lane) = (log.clone(), lane);
            tokio::spawn(async move {
                let mut acknowledged = Vec::new();
                for n in 0..150 {
                    let text = format!("{writer}-{n}");
                    let appended = log.append(vec![write(&lane, &text, Expect::Any)]).await;
                    acknowledged
                        .push(appended.expect("an outage shorter than the budget").sequences[0]);
                }
                acknowledged
            })
        })
        .collect();
    let deadline = Instant::now() + PATIENCE;
    while log.head().await.unwrap() < 200 {
        assert!(Instant::now() < deadline);
    }
    server.kill();
    server.revive();
    let mut acknowledged = Vec::new();
    for writer in writers {
        acknowledged.extend(timeout(PATIENCE, writer).await.unwrap().unwrap());
    }
    acknowledged.sort_unstable();
    assert_eq!(acknowledged, (1..=1200).collect::<Vec<_>>());
    assert_eq!(log.head().await.unwrap(), 1200);
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_under_a_restart_are_stored_exactly_once() {
    let mut server = Server::start_sync_always().await;
    let log = server.log().await;
    let lane = Lane::Timeline(room());
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let (log, lane) = (log.clone(), lane);
            tokio::spawn(async move {
                for n in 0..60 {
                    let batch = (0..5)
                        .map(|part| write(&lane, &format!("{writer}-{n}-{part}"), Expect::Any))
                        .collect();
                    let appended = log.append(batch).await.expect("a short outage");
                    assert_eq!(appended.sequences.len(), 5);
                }
            })
        })
        .collect();
    let deadline = Instant::now() + PATIENCE;
    while log.head().await.unwrap() < 200 {
        assert!(Instant::now() < deadline);
    }
    server.kill();
    server.revive();
    for writer in writers {
        timeout(PATIENCE, writer).await.unwrap().unwrap();
    }
    assert_eq!(log.head().await.unwrap(), 1200);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_server_nothing_is_written_and_that_is_known() {
    let mut server = Server::start().await;
    let log = server.log().await;
    let lane = Lane::Timeline(room());
    put(&log, &lane, "1").await;
    server.kill();
    let mut state = log.watch_connection();
    timeout(PATIENCE, state.wait_for(|s| !s.connected)).await.unwrap().unwrap();
    let refused = log.append(vec![write(&lane, "2", Expect::Any)]).await;
    assert!(matches!(refused, Err(AppendError::Unavailable)), "{refused:?}");
    server.revive();
    timeout(PATIENCE, state.wait_for(|s| s.connected)).await.unwrap().unwrap();
    assert_eq!(put(&log, &lane, "3").await, 2);
    assert_eq!(log.head().await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_server_does_not_hide_an_outcome() {
    let mut server = Server::start().await;
    let log = server.log().await;
    let lane = Lane::Timeline(room());
    put(&log, &lane, "1").await;
    // Sent into a connection that still looks alive while the server is going away.
    let append = tokio::spawn({
        let (log, lane) = (log.clone(), lane);
        async move { log.append(vec![write(&lane, "2", Expect::Any)]).await }
    });
    server.kill();
    tokio::task::yield_now().await;
    server.revive();
    let outcome = timeout(Duration::from_secs(15), append).await.unwrap().unwrap();
    assert!(outcome.is_ok(), "{outcome:?}");
    assert_eq!(log.head().await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_not_a_lost_or_doubled_write() {
    let server = Server::start().await;
    server.log().await;
    let proxy = Proxy::start(&server).await;
    let log = connect(proxy.url()).await;
    log.attach().await.unwrap();
    let (lane, guard) = (Lane::Room(room()), Lane::User(crate::kit::user()));
    let mut head = 0;
    for round in 0..10 {
        proxy.cut_next_answer();
        // By the time of the second try the expectation is wrong, by our own doing.
        let single = log.append(vec![write(&lane, "s", Expect::At(head))]).await.unwrap();
        assert!(!single.duplicate, "round {round}");
        assert_eq!(single.sequences, [single.position.sequence]);
        proxy.cut_next_answer();
        let batch = vec![
            write(&lane, "b", Expect::At(single.position.sequence)),
            write(&guard, "g", Expect::Any),
            write(&lane, "b", Expect::Any),
        ];
        let batch = log.append(batch).await.unwrap();
        head = batch.position.sequence;
        assert_eq!(batch.sequences, [head - 2, head - 1, head]);
        assert_eq!(head, (round + 1) * 4);
    }
    assert_eq!(proxy.cuts.load(Ordering::SeqCst), 20);
    assert_eq!(log.head().await.unwrap(), 40);
    let stale = log.append(vec![write(&lane, "x", Expect::At(1))]).await;
    assert!(matches!(stale, Err(AppendError::Conflict)), "{stale:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_came_back_with_another_log_is_not_written_to() {
    let mut server = Server::start().await;
    let log = server.log().await;
    let lane = Lane::Timeline(room());
    put(&log, &lane, "1").await;
    let mut state = log.watch_connection();
    server.kill();
    server.lose_everything();
    server.revive();
    timeout(PATIENCE, state.wait_for(|s| s.generation == 2)).await.unwrap().unwrap();
    let refused = log.append(vec![write(&lane, "2", Expect::Any)]).await;
    assert!(matches!(refused, Err(AppendError::Log(LogError::NoStream(_)))), "{refused:?}");
    let other = server.connect().await;
    other.ensure_topology(&Topology::default()).await.unwrap();
    let refused = log.append(vec![write(&lane, "2", Expect::Any)]).await;
    assert!(matches!(refused, Err(AppendError::Log(LogError::Replaced))), "{refused:?}");
    assert_eq!(other.head().await.unwrap(), 0);
}
