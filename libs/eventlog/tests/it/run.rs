//! Runs: several events of one author, in order, each with an outcome of its own.

use std::sync::atomic::Ordering;

use eventlog::{AppendError, Appended, DedupId, EventLog, Expect, LaneWrite, Topology};
use schemas::{Lane, Sequence};
use tokio::time::timeout;

use crate::kit::{PATIENCE, Proxy, Server, connect, put, room, user, write};

/// A log per way of writing: singles behind one another, and batches.
async fn logs(server: &Server) -> [EventLog; 2] {
    let grouping = server.connect().await;
    let topology = Topology { group_commit: true, ..Topology::default() };
    grouping.ensure_topology(&topology).await.unwrap();
    [server.log().await, grouping]
}

fn numbered(lane: &Lane, prefix: &str, count: usize, expect: &Expect) -> Vec<LaneWrite> {
    (0..count)
        .map(|n| {
            let text = format!("{prefix}{n}");
            write(lane, &text, expect.clone()).dedup(DedupId::of(["usr", "post", &text]))
        })
        .collect()
}

/// What is written on the lane, in the order of the log.
async fn texts(log: &EventLog, lane: &Lane) -> Vec<String> {
    let mut texts = Vec::new();
    for sequence in 1..=log.head().await.unwrap() {
        let stored = log.get(sequence).await.unwrap().unwrap();
        if stored.lane == *lane {
            let text = format!("{:?}", stored.event().unwrap().data);
            texts.push(text.split('"').nth(1).unwrap().to_owned());
        }
    }
    texts
}

fn sequence(outcome: &Result<Appended, AppendError>) -> Sequence {
    outcome.as_ref().unwrap().sequences[0]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_lies_in_the_log_in_its_order() {
    let server = Server::start().await;
    for (log, prefix) in logs(&server).await.iter().zip(["a", "b"]) {
        let lane = Lane::Timeline(room());
        let outcomes = log.append_run(numbered(&lane, prefix, 200, &Expect::Any)).await;
        let sequences: Vec<_> = outcomes.iter().map(sequence).collect();
        assert!(sequences.is_sorted_by(|a, b| a < b), "{sequences:?}");
        assert!(outcomes.iter().all(|outcome| !outcome.as_ref().unwrap().duplicate));
        let expected: Vec<_> = (0..200).map(|n| format!("{prefix}{n}")).collect();
        assert_eq!(texts(log, &lane).await, expected);
        assert!(log.append_run(Vec::new()).await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fence_that_has_moved_refuses_the_whole_run() {
    let server = Server::start().await;
    for log in logs(&server).await {
        let (member, timeline) = (Lane::Member(room(), user()), Lane::Timeline(room()));
        let at = put(&log, &member, "joined").await;
        put(&log, &member, "removed").await;
        let head = log.head().await.unwrap();
        let fence = Expect::Fence { lane: member, at };
        for outcome in log.append_run(numbered(&timeline, "late", 20, &fence)).await {
            assert!(matches!(outcome, Err(AppendError::Conflict)), "{outcome:?}");
        }
        assert_eq!(log.head().await.unwrap(), head);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fence_that_moves_meanwhile_cuts_a_run_in_two() {
    let server = Server::start().await;
    for log in logs(&server).await {
        let (member, timeline) = (Lane::Member(room(), user()), Lane::Timeline(room()));
        let mut at = put(&log, &member, "joined").await;
        for round in 0..30 {
            let fence = Expect::Fence { lane: member, at };
            let run = numbered(&timeline, &format!("{round}-"), 100, &fence);
            let (outcomes, moved) = tokio::join!(log.append_run(run), put(&log, &member, "muted"));
            let refused = outcomes.iter().take_while(|outcome| outcome.is_ok()).count();
            for (n, outcome) in outcomes.iter().enumerate() {
                match outcome {
                    Ok(written) => assert!(n < refused && written.sequences[0] < moved),
                    Err(AppendError::Conflict) => assert!(n >= refused),
                    Err(other) => panic!("{other}"),
                }
            }
            at = moved;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn repeats_in_a_run_are_answered_with_the_first() {
    let server = Server::start().await;
    for (log, prefix) in logs(&server).await.iter().zip(["a", "b"]) {
        let lane = Lane::Timeline(room());
        let first = log.append_run(numbered(&lane, prefix, 30, &Expect::Any)).await;
        // New ones, some from before, and one twice in the same run.
        let mut run = numbered(&lane, &format!("{prefix}x"), 20, &Expect::Any);
        run.extend(numbered(&lane, prefix, 5, &Expect::Any));
        run.extend(numbered(&lane, &format!("{prefix}y"), 20, &Expect::Any));
        run.extend(numbered(&lane, &format!("{prefix}y"), 1, &Expect::Any));
        let second = log.append_run(run).await;
        for (n, outcome) in second.iter().enumerate() {
            let expected = match n {
                20..25 => Some(sequence(&first[n - 20])),
                45 => Some(sequence(&second[25])),
                _ => None,
            };
            assert_eq!(outcome.as_ref().unwrap().duplicate, expected.is_some(), "{n}");
            assert!(expected.is_none_or(|expected| expected == sequence(outcome)), "{n}");
        }
        let written = texts(log, &lane).await;
        assert_eq!(written.len(), 70);
        let new: Vec<_> = ["x", "y"]
            .iter()
            .flat_map(|kind| (0..20).map(move |n| format!("{prefix}{kind}{n}")))
            .collect();
        assert_eq!(written[30..], new);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_a_run_that_is_too_large_is_left_out() {
    let server = Server::start().await;
    for log in logs(&server).await {
        let lane = Lane::Timeline(room());
        let mut run = numbered(&lane, "r", 10, &Expect::Any);
        run.iter_mut().for_each(|write| write.dedup = None);
        run[4] = write(&lane, &"x".repeat(2 << 20), Expect::Any);
        let outcomes = log.append_run(run).await;
        for (n, outcome) in outcomes.iter().enumerate() {
            match n {
                4 => assert!(matches!(outcome, Err(AppendError::TooLarge)), "{outcome:?}"),
                _ => assert!(outcome.is_ok(), "{n}: {outcome:?}"),
            }
        }
        assert_eq!(texts(&log, &lane).await.len(), 9);
        let many = numbered(&lane, "many", 257, &Expect::Any);
        let refused = log.append_run(many).await;
        assert!(refused.len() == 257 && refused.iter().all(Result::is_err));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_answers_are_lost_is_stored_once_in_its_order() {
    let server = Server::start().await;
    let proxy = Proxy::start(&server).await;
    let straight = server.log().await;
    for group_commit in [false, true] {
        let log = connect(proxy.url()).await;
        let topology = Topology { group_commit, ..Topology::default() };
        log.ensure_topology(&topology).await.unwrap();
        let lane = Lane::Timeline(room());
        let (mut accepted, mut unknown) = (Vec::new(), Vec::new());
        for round in 0..20 {
            proxy.cut_next_answer();
            let prefix = format!("{group_commit}-{round}-");
            let run = numbered(&lane, &prefix, 50, &Expect::Any);
            let outcomes = timeout(PATIENCE, log.append_run(run)).await.unwrap();
            for (n, outcome) in outcomes.into_iter().enumerate() {
                match outcome {
                    Ok(_) => accepted.push(format!("{prefix}{n}")),
                    // The connection took it along while what was sent later came through.
                    Err(AppendError::Unknown) => unknown.push(format!("{prefix}{n}")),
                    Err(other) => panic!("{prefix}{n}: {other}"),
                }
            }
        }
        let mut stored = texts(&straight, &lane).await;
        stored.retain(|text| !unknown.contains(text));
        assert_eq!(stored, accepted);
        assert!(accepted.len() > 500, "{} of 1,000 are unknown", unknown.len());
    }
    assert!(proxy.cuts.load(Ordering::SeqCst) >= 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_under_a_restart_are_stored_in_their_order_or_not_at_all() {
    let mut server = Server::start_sync_always().await;
    for group_commit in [false, true] {
        let log = server.connect().await;
        let topology = Topology { group_commit, ..Topology::default() };
        log.ensure_topology(&topology).await.unwrap();
        let begin = log.head().await.unwrap();
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let (log, lane) = (log.clone(), Lane::Timeline(room()));
                tokio::spawn(async move {
                    let mut sent = Vec::new();
                    for round in 0..40 {
                        let prefix = format!("{group_commit}-{writer}-{round}-");
                        let outcomes =
                            log.append_run(numbered(&lane, &prefix, 20, &Expect::Any)).await;
                        let outcome = |(n, outcome): (usize, Result<Appended, AppendError>)| {
                            (format!("{prefix}{n}"), outcome.map(|written| written.sequences[0]))
                        };
                        sent.extend(outcomes.into_iter().enumerate().map(outcome));
                    }
                    (lane, sent)
                })
            })
            .collect();
        while log.head().await.unwrap() < begin + 300 {
            tokio::task::yield_now().await;
        }
        server.kill();
        server.revive();
        for writer in writers {
            let (lane, sent) = timeout(PATIENCE * 2, writer).await.unwrap().unwrap();
            let accepted: Vec<(&String, Sequence)> = sent
                .iter()
                .filter_map(|(text, outcome)| Some((text, *outcome.as_ref().ok()?)))
                .collect();
            assert!(accepted.is_sorted_by(|a, b| a.1 < b.1), "{accepted:?}");
            let stored = texts(&log, &lane).await;
            let unknown = |text: &String| {
                let outcome =
                    sent.iter().find(|(sent, _)| sent == text).map(|(_, outcome)| outcome);
                matches!(outcome, Some(Err(AppendError::Unknown)))
            };
            let certain: Vec<&String> = stored.iter().filter(|text| !unknown(text)).collect();
            assert_eq!(certain, accepted.iter().map(|(text, _)| *text).collect::<Vec<_>>());
        }
    }
}
