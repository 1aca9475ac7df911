//! A log from an earlier copy and what came after it: the same events under the same sequences, without what is gone.

use std::time::Duration;

use eventlog::{
    ConsumerSpec, Copied, EventLog, Extent, Holes, LogError, Snapshot, StartAt, Topology,
};
use schemas::subjects::LaneKind;
use schemas::{Lane, Sequence};
use tokio::time::timeout;

use crate::kit::{PATIENCE, Server, put, room};

const LOG: &str = "EVENTS_test";
const LEDGER: &str = "KV_test_ledger";

async fn copy(log: &EventLog, stream: &str) -> (Snapshot, Vec<u8>) {
    let mut bytes = Vec::new();
    let snapshot = log.snapshot(stream, &mut bytes, |_| {}).await.unwrap();
    (snapshot, bytes)
}

/// What a log has, with the times at which it was stored.
async fn contents(log: &EventLog) -> Vec<Copied> {
    let head = log.head().await.unwrap();
    let mut reader = log.read_from(0).await.unwrap();
    let mut all = Vec::new();
    while reader.through() < head {
        let batch = reader.next(100, Duration::from_secs(5)).await.unwrap();
        all.extend(batch.records.into_iter().map(Copied::from));
    }
    all
}

fn sequences(all: &[Copied]) -> Vec<Sequence> {
    all.iter().map(|one| one.sequence).collect()
}

fn spec() -> ConsumerSpec {
    ConsumerSpec {
        start: StartAt::Beginning,
        ..ConsumerSpec::new("worker", vec![LaneKind::Timeline])
    }
}

/// Acknowledges all up to an event.
async fn work_up_to(log: &EventLog, last: Sequence) {
    let mut queue = log.consumer(spec()).await.unwrap();
    loop {
        let delivery = timeout(PATIENCE, queue.next()).await.unwrap().unwrap();
        let sequence = delivery.stored.sequence;
        delivery.ack().await.unwrap();
        if sequence == last {
            // What it has taken ahead is delivered again at once.
            return queue.close().await;
        }
    }
}

/// What came after a place, and what is gone by now.
async fn added_after(log: &EventLog, after: Sequence) -> (Vec<Copied>, Extent) {
    let mut newer = log.newer_than(after).await.unwrap();
    let mut added = Vec::new();
    loop {
        let some = newer.next().await.unwrap();
        if some.is_empty() {
            return (added, newer.extent());
        }
        added.extend(some);
    }
}

/// Restores a copy of a log that is held back; no process takes it for one.
async fn held_back(server: &Server, (mut snapshot, bytes): (Snapshot, Vec<u8>)) -> EventLog {
    let restored = server.connect().await;
    snapshot.renew_epoch();
    snapshot.hold_back();
    restored.restore(&snapshot, &mut bytes.as_slice(), |_| {}).await.unwrap();
    let early = server.connect().await;
    for refused in [early.attach().await, early.ensure_topology(&Topology::default()).await] {
        let foreign =
            matches!(&refused, Err(LogError::Foreign { why, .. }) if why.contains("cut short"));
        assert!(foreign, "{refused:?}");
    }
    restored
}

/// A restore whose end was not heard may have brought everything.
#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_is_undone_can_be_made_again() {
    let server = Server::start().await;
    let log = server.log().await;
    put(&log, &Lane::Timeline(room()), "1").await;
    let (snapshot, bytes) = copy(&log, LOG).await;
    let server = Server::start().await;
    let other = server.connect().await;
    other.undo_restore(LOG).await.unwrap();
    for _ in 0..2 {
        other.restore(&snapshot, &mut bytes.as_slice(), |_| {}).await.unwrap();
        let again = other.restore(&snapshot, &mut bytes.as_slice(), |_| {}).await;
        assert!(matches!(again, Err(LogError::Refused { code: 10_130, .. })), "{again:?}");
        other.undo_restore(LOG).await.unwrap();
        assert_eq!(other.streams().await.unwrap(), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_and_what_came_after_it_are_the_log_again() {
    let server = Server::start().await;
    let log = server.log().await;
    let lane = Lane::Timeline(room());
    for number in 1..=6 {
        put(&log, &lane, &format!("{number}")).await;
    }
    work_up_to(&log, 2).await;
    let whole = copy(&log, LOG).await;
    assert_eq!(whole.0.position().unwrap(), log.epoch().at(6));
    // Two of them are erased, one before and one after the copy; a third is about to be.
    for number in 7..=10 {
        put(&log, &lane, &format!("{number}")).await;
    }
    log.note_erased(10, &[2, 8]).await.unwrap();
    log.erase(&[2, 8]).await.unwrap();
    put(&log, &lane, "11").await;
    log.note_erased(11, &[3]).await.unwrap();
    work_up_to(&log, 9).await;

    let (added, extent) = added_after(&log, 6).await;
    assert_eq!(sequences(&added), [7, 9, 10, 11]);
    assert_eq!((extent.through, extent.gone.ranges()), (11, &[(2, 3), (8, 8)][..]));
    let queues = log.queues().await.unwrap();
    assert_eq!(queues.iter().map(|queue| queue.done).collect::<Vec<_>>(), [9]);
    let ledger = copy(&log, LEDGER).await;

    let other = Server::start().await;
    let restored = held_back(&other, whole).await;
    restored.restore(&ledger.0, &mut ledger.1.as_slice(), |_| {}).await.unwrap();
    restored.clear(LOG, &extent.gone).await.unwrap();
    let mut refill = restored.refill().await.unwrap();
    assert_eq!(refill.next(), 7);
    // One that is there already is passed over.
    let mut first = added[0].clone();
    first.sequence = 6;
    refill.push(first).await.unwrap();
    for message in added {
        refill.push(message).await.unwrap();
    }
    refill.finish(extent.through, &extent.gone).await.unwrap();
    restored.complete_restore(Some((&queues, extent.through))).await.unwrap();
    restored.attach().await.unwrap();
    assert_eq!(restored.check_everything(None).await.unwrap(), 11);

    log.erase(&[3]).await.unwrap();
    let (before, after) = (contents(&log).await, contents(&restored).await);
    assert_eq!(sequences(&after), [1, 4, 5, 6, 7, 9, 10, 11]);
    assert_eq!(before, after);
    assert!(restored.descends_from(&log.epoch()) && restored.epoch() != log.epoch());
    for sequence in [7, 11] {
        let (one, same) = (log.get(sequence).await.unwrap(), restored.get(sequence).await.unwrap());
        assert_eq!(one, same);
    }
    // Its lanes end where they did, and its queues go on where they were.
    assert_eq!(restored.last(&lane).await.unwrap().unwrap().sequence, 11);
    let mut queue = restored.consumer(spec()).await.unwrap();
    let delivery = timeout(PATIENCE, queue.next()).await.unwrap().unwrap();
    assert_eq!((delivery.stored.sequence, delivery.attempt), (10, 1));
    assert_eq!(put(&restored, &lane, "12").await, 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_stream_had_come_before_an_event_is_found() {
    const MARKS: &str = "KV_test_marks";
    let server = Server::start().await;
    let log = server.log().await;
    let lane = Lane::Timeline(room());
    let reached = async |event, seconds| {
        log.reached_before(MARKS, event, Duration::from_secs(seconds)).await.unwrap()
    };
    let marks = log.secrets("marks");
    let first = put(&log, &lane, "0").await;
    assert_eq!(reached(first, 0).await, 0, "there is no such stream");
    for number in 1..=9 {
        marks.create(&format!("mark{number}"), "1", None).await.unwrap();
    }
    // Times are told in milliseconds: an event of a later one.
    let stored_at = log.copied(MARKS, 9).await.unwrap().unwrap().stored_at;
    let event = loop {
        let event = put(&log, &lane, "more").await;
        if log.get(event).await.unwrap().unwrap().stored_at > stored_at {
            break event;
        }
    };
    for number in 10..=12 {
        marks.create(&format!("mark{number}"), "1", None).await.unwrap();
    }
    assert_eq!(reached(event, 0).await, 9);
    assert_eq!(reached(event, 3600).await, 0, "all of it is too young");
    assert_eq!((reached(0, 0).await, reached(event + 1000, 0).await), (0, 0), "no such events");
    let mut gone = Holes::default();
    gone.insert(4, 9);
    log.clear(MARKS, &gone).await.unwrap();
    assert_eq!(reached(event, 0).await, 3);
    gone.insert(10, 12);
    log.clear(MARKS, &gone).await.unwrap();
    assert_eq!(reached(event, 0).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_lacks_an_event_is_not_completed() {
    let server = Server::start().await;
    let log = server.log().await;
    let lane = Lane::Timeline(room());
    for number in 1..=2500 {
        put(&log, &lane, &format!("{number}")).await;
    }
    let whole = copy(&log, LOG).await;
    for number in 2501..=2503 {
        put(&log, &lane, &format!("{number}")).await;
    }
    let (added, extent) = added_after(&log, 2500).await;
    assert_eq!((extent.through, extent.gone.count()), (2503, 0));

    let other = Server::start().await;
    let restored = held_back(&other, whole).await;
    let mut refill = restored.refill().await.unwrap();
    for message in added.into_iter().filter(|message| message.sequence != 2502) {
        refill.push(message).await.unwrap();
    }
    let lacking = refill.finish(extent.through, &extent.gone).await;
    assert!(matches!(lacking, Err(LogError::Damaged(_))), "{lacking:?}");
    assert!(restored.attach().await.is_err(), "it is no log yet");
}
