//! Expectations, batches and repeats.

use eventlog::{AppendError, DedupId, Expect, LaneWrite, LogError};
use schemas::events::UserEvent;
use schemas::{Event, EventData, Lane};

use crate::kit::{Server, event, handle, put, room, user, write};

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_lane_can_be_claimed_once() {
    let server = Server::start().await;
    let log = server.log().await;
    let lane = handle("anna");
    let first = log.append(vec![write(&lane, "a", Expect::Empty)]).await.unwrap();
    assert_eq!(first.sequences, [1]);
    assert_eq!(first.position, log.epoch().at(1));
    assert!(!first.duplicate);
    let second = log.append(vec![write(&lane, "b", Expect::Empty)]).await;
    assert!(matches!(second, Err(AppendError::Conflict)), "{second:?}");
    assert_eq!(log.head().await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expected_sequence_must_be_the_lanes_last() {
    let server = Server::start().await;
    let log = server.log().await;
    let lane = Lane::Room(room());
    let first = put(&log, &lane, "1").await;
    put(&log, &Lane::Room(room()), "elsewhere").await;
    let second = log.append(vec![write(&lane, "2", Expect::At(first))]).await.unwrap();
    assert_eq!(second.sequences, [3]);
    for stale in [0, first, 99] {
        let refused = log.append(vec![write(&lane, "x", Expect::At(stale))]).await;
        assert!(matches!(refused, Err(AppendError::Conflict)), "{stale}: {refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fence_guards_one_lane_by_another() {
    let server = Server::start().await;
    let log = server.log().await;
    let (room, user) = (room(), user());
    let (member, timeline) = (Lane::Member(room, user), Lane::Timeline(room));
    let fence = |at| Expect::Fence { lane: member, at };
    log.append(vec![write(&timeline, "no member event yet", fence(0))]).await.unwrap();
    let joined = put(&log, &member, "joined").await;
    let late = log.append(vec![write(&timeline, "judged before", fence(0))]).await;
    assert!(matches!(late, Err(AppendError::Conflict)), "{late:?}");
    // Many under the same fence, at the same time, do not disturb one another.
    let posts = (0..50).map(|n| log.append(vec![write(&timeline, &n.to_string(), fence(joined))]));
    for outcome in futures_util::future::join_all(posts).await {
        outcome.unwrap();
    }
    put(&log, &member, "removed").await;
    let after = log.append(vec![write(&timeline, "too late", fence(joined))]).await;
    assert!(matches!(after, Err(AppendError::Conflict)), "{after:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_all_or_none() {
    let server = Server::start().await;
    let log = server.log().await;
    let lanes = [Lane::User(user()), handle("bert"), handle("b@example.org")];
    let batch = |text: &str| -> Vec<LaneWrite> {
        lanes.iter().map(|lane| write(lane, text, Expect::Empty)).collect()
    };
    let appended = log.append(batch("first")).await.unwrap();
    assert_eq!(appended.sequences, [1, 2, 3]);
    assert_eq!(appended.position.sequence, 3);
    let other = Lane::User(user());
    let mut second = batch("second");
    second[0] = write(&other, "second", Expect::Empty);
    let refused = log.append(second).await;
    assert!(matches!(refused, Err(AppendError::Conflict)), "{refused:?}");
    assert_eq!(log.last(&other).await.unwrap(), None);
    assert_eq!(log.head().await.unwrap(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_may_fence_and_write_a_lane_twice() {
    let server = Server::start().await;
    let log = server.log().await;
    let (room, guard) = (Lane::Room(room()), Lane::User(user()));
    let at = put(&log, &guard, "guard").await;
    let fence = Expect::Fence { lane: guard, at };
    let batch = vec![
        write(&room, "1", Expect::Empty),
        write(&room, "2", Expect::Any),
        write(&handle("x"), "3", fence.clone()),
        write(&handle("y"), "4", fence),
    ];
    assert_eq!(log.append(batch).await.unwrap().sequences, [2, 3, 4, 5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_single_answers_with_the_original() {
    let server = Server::start().await;
    let log = server.log().await;
    let lane = Lane::Timeline(room());
    let id = DedupId::of(["usr_1", "post", "client-1", "0"]);
    let post = |text: &str, expect| {
        log.append(vec![LaneWrite::new(lane, event(text), expect).dedup(id.clone())])
    };
    let first = post("first", Expect::Empty).await.unwrap();
    put(&log, &lane, "between").await;
    // Although the expectation is wrong by now, it is recognised.
    let repeat = post("again", Expect::Empty).await.unwrap();
    assert_eq!(repeat.sequences, first.sequences);
    assert!(repeat.duplicate && !first.duplicate);
    assert_eq!(log.head().await.unwrap(), 2);
    assert_eq!(log.find_written(&lane, &id).await.unwrap(), Some(1));
    let other = DedupId::of(["usr_2", "post", "client-1", "0"]);
    assert_eq!(log.find_written(&lane, &other).await.unwrap(), None);
    assert_eq!(log.head().await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_batch_is_recognised() {
    let server = Server::start().await;
    let log = server.log().await;
    let (user, handle) = (Lane::User(user()), handle("carl"));
    let register = || {
        let id = |index: &str| DedupId::of(["usr_1", "register", "key", index]);
        vec![
            write(&user, "u", Expect::Empty).dedup(id("0")),
            write(&handle, "h", Expect::Empty).dedup(id("1")),
        ]
    };
    log.append(register()).await.unwrap();
    let repeat = log.append(register()).await;
    assert!(matches!(repeat, Err(AppendError::AlreadyCommitted)), "{repeat:?}");
    let id = DedupId::of(["usr_1", "register", "key", "1"]);
    assert_eq!(log.find_written(&handle, &id).await.unwrap(), Some(2));
    assert_eq!(log.head().await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_too_large_is_refused_before_it_is_sent() {
    let server = Server::start().await;
    let log = server.log().await;
    let lane = Lane::Timeline(room());
    let huge = "x".repeat(2 * 1024 * 1024);
    let refused = log.append(vec![write(&lane, &huge, Expect::Any)]).await;
    assert!(matches!(refused, Err(AppendError::TooLarge)), "{refused:?}");
    let many = (0..1001).map(|n| write(&lane, &n.to_string(), Expect::Any)).collect();
    assert!(matches!(log.append(many).await, Err(AppendError::TooLarge)));
    assert!(log.append(Vec::new()).await.is_err());
    let largest = (0..1000).map(|n| write(&lane, &n.to_string(), Expect::Any)).collect();
    assert_eq!(log.append(largest).await.unwrap().sequences.len(), 1000);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_appended_before_the_stream_is_known() {
    let server = Server::start().await;
    let log = server.connect().await;
    let refused = log.append(vec![write(&Lane::Room(room()), "x", Expect::Any)]).await;
    assert!(matches!(refused, Err(AppendError::Log(LogError::NotAttached))), "{refused:?}");
    assert_eq!(log.epoch().as_str(), "unattached");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_store_refuses_and_forgets_nothing() {
    let server = Server::start().await;
    let log = server.connect().await;
    let topology = eventlog::Topology { max_bytes: Some(4096), ..Default::default() };
    log.ensure_topology(&topology).await.unwrap();
    let lane = Lane::Timeline(room());
    let mut written = 0;
    let refusal = loop {
        match log.append(vec![write(&lane, &"x".repeat(200), Expect::Any)]).await {
            Ok(_) => written += 1,
            Err(error) => break error,
        }
        assert!(written < 100, "the limit is not kept");
    };
    assert!(matches!(refusal, AppendError::StorageFull), "{refusal:?}");
    let batch = (0..3).map(|_| write(&lane, &"x".repeat(200), Expect::Any)).collect();
    let refused = log.append(batch).await;
    assert!(matches!(refused, Err(AppendError::StorageFull)), "{refused:?}");
    assert_eq!(log.head().await.unwrap(), written);
    assert!(log.get(1).await.unwrap().is_some());
}

/// An event that could not be read back: its settings are nested too deeply.
fn unreadable() -> Event {
    let golden = include_bytes!("../../../../schemas/golden/user.profile_changed.v1.json");
    let mut event = Event::decode(golden.trim_ascii_end()).unwrap();
    let EventData::User(UserEvent::ProfileChanged(data)) = &mut event.data else { unreachable!() };
    let deep = (0..126).fold(serde_json::json!({}), |inside, _| serde_json::json!({ "a": inside }));
    data.user.settings.insert("a".to_owned(), deep);
    event
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_could_not_be_read_back_is_never_written() {
    let server = Server::start_sync_always().await;
    for grouped in [false, true] {
        let log = server.connect().await;
        let topology = eventlog::Topology { group_commit: grouped, ..Default::default() };
        log.ensure_topology(&topology).await.unwrap();
        let before = log.head().await.unwrap();
        let lane = Lane::User(user());
        let bad = || LaneWrite::new(lane, unreadable(), Expect::Any);
        let good = || write(&lane, "x", Expect::Any);
        let single = log.append(vec![bad()]).await;
        assert!(matches!(single, Err(AppendError::Unreadable(_))), "{single:?}");
        let batch = log.append(vec![good(), bad()]).await;
        assert!(matches!(batch, Err(AppendError::Unreadable(_))), "{batch:?}");
        assert_eq!(log.head().await.unwrap(), before);
        let run = log.append_run(vec![good(), bad(), good()]).await;
        assert!(matches!(run[..], [Ok(_), Err(AppendError::Unreadable(_)), Ok(_)]), "{run:?}");
        assert_eq!((log.head().await.unwrap(), log.refused_unreadable()), (before + 2, 3));
    }
}
