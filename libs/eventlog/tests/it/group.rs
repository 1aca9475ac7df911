//! Group commit: the same outcomes as singles, with fewer syncs.

use std::pin::pin;
use std::sync::atomic::Ordering;

use eventlog::{AppendError, Appended, DedupId, EventLog, Expect, LaneWrite, Topology};
use futures_util::future::join_all;
use schemas::Lane;

use crate::kit::{Proxy, Server, connect, handle, put, room, user, write};

async fn grouping(server: &Server) -> EventLog {
    grouped(server.connect().await).await
}

async fn grouped(log: EventLog) -> EventLog {
    let topology = Topology { group_commit: true, ..Topology::default() };
    log.ensure_topology(&topology).await.unwrap();
    log
}

async fn at_once(log: &EventLog, writes: Vec<LaneWrite>) -> Vec<Result<Appended, AppendError>> {
    join_all(writes.into_iter().map(|write| log.append(vec![write]))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_appends_are_each_stored_once_with_their_own_sequence() {
    let server = Server::start_sync_always().await;
    let log = grouping(&server).await;
    let lane = Lane::Timeline(room());
    let writes = (0..500).map(|n| write(&lane, &n.to_string(), Expect::Any)).collect();
    let mut sequences: Vec<_> = Vec::new();
    for (n, outcome) in at_once(&log, writes).await.into_iter().enumerate() {
        let sequence = outcome.unwrap().sequences[0];
        let stored = log.get(sequence).await.unwrap().unwrap().event().unwrap();
        let text = format!("{:?}", stored.data);
        assert!(text.contains(&format!("\"{n}\"")), "{n}: {text}");
        sequences.push(sequence);
    }
    sequences.sort_unstable();
    assert_eq!(sequences, (1..=500).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_refused_append_does_not_fail_the_others() {
    let server = Server::start_sync_always().await;
    let log = grouping(&server).await;
    let (timeline, member) = (Lane::Timeline(room()), Lane::Member(room(), user()));
    let at = put(&log, &member, "joined").await;
    let fence = |at| Expect::Fence { lane: member, at };
    let id = DedupId::of(["usr", "post", "1"]);
    let first = log.append(vec![write(&timeline, "d", Expect::Any).dedup(id.clone())]).await;
    let mut writes: Vec<_> =
        (0..100).map(|n| write(&timeline, &n.to_string(), fence(at))).collect();
    writes[30] = write(&timeline, "stale", fence(at + 7));
    writes[60] = write(&timeline, "repeat", Expect::Any).dedup(id);
    let outcomes = at_once(&log, writes).await;
    for (n, outcome) in outcomes.iter().enumerate() {
        match n {
            30 => assert!(matches!(outcome, Err(AppendError::Conflict)), "{outcome:?}"),
            60 => {
                let repeat = outcome.as_ref().unwrap();
                assert!(repeat.duplicate);
                assert_eq!(repeat.sequences, first.as_ref().unwrap().sequences);
            }
            _ => assert!(!outcome.as_ref().unwrap().duplicate, "{n}: {outcome:?}"),
        }
    }
    assert_eq!(log.head().await.unwrap(), 2 + 98);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_concurrent_claims_of_one_lane_one_succeeds() {
    let server = Server::start_sync_always().await;
    let log = grouping(&server).await;
    let lane = handle("contended");
    let writes = (0..40).map(|n| write(&lane, &n.to_string(), Expect::Empty)).collect();
    let outcomes = at_once(&log, writes).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert!(outcomes.iter().all(|o| matches!(o, Ok(_) | Err(AppendError::Conflict))));
    assert_eq!(log.head().await.unwrap(), 1);
}

/// On one thread: all three are queued before the first is taken, so that one batch has all of them.
#[tokio::test]
async fn a_lost_answer_delays_no_other_append() {
    let server = Server::start_sync_always().await;
    server.log().await;
    let proxy = Proxy::start(&server).await;
    let log = grouped(connect(proxy.url()).await).await;
    let lane = Lane::Timeline(room());
    proxy.lose_next_answer();
    let mut unlucky = pin!(at_once(
        &log,
        vec![
            write(&lane, "1", Expect::Any),
            write(&lane, "2", Expect::Any),
            write(&lane, "3", Expect::Any),
        ]
    ));
    // Polled, so that they are on their way before the others.
    let others = async {
        while proxy.cuts.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        put(&log, &lane, "4").await
    };
    let other = tokio::select! {
        biased;
        _ = unlucky.as_mut() => panic!("who waits for a second try was answered first"),
        sequence = others => sequence,
    };
    // What the cut kept from the server is written by the second try, after the other.
    let mut sequences = vec![other];
    for outcome in unlucky.await {
        let appended = outcome.unwrap();
        assert!(!appended.duplicate);
        sequences.extend(appended.sequences);
    }
    sequences.sort_unstable();
    assert_eq!(sequences, [1, 2, 3, 4]);
    assert_eq!(log.head().await.unwrap(), 4);
}
