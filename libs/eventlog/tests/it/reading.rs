//! Lanes, single events and the whole log.

use std::time::Duration;

use eventlog::{EventLog, LogError, Reader, Record};
use schemas::events::NameEvent;
use schemas::{EventData, Lane};
use tokio::time::Instant;

use crate::kit::{PATIENCE, Server, handle, put, room};

const WAIT: Duration = Duration::from_millis(200);

fn text(record: &Record) -> String {
    match record.event().unwrap().data {
        EventData::Name(NameEvent::Claimed(data)) => data.owner,
        other => panic!("{other:?}"),
    }
}

/// Reads until a sequence was handed out.
pub(crate) async fn read_to(reader: &mut Reader, through: u64) -> Vec<Record> {
    let deadline = Instant::now() + PATIENCE;
    let mut records = Vec::new();
    while reader.through() < through {
        assert!(Instant::now() < deadline, "stuck at {}", reader.through());
        records.extend(reader.next(1000, WAIT).await.unwrap().records);
    }
    records
}

pub(crate) async fn fill(log: &EventLog, lane: &Lane, count: u32) {
    for n in 1..=count {
        put(log, lane, &n.to_string()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lanes_last_event_and_single_events_are_found() {
    let server = Server::start().await;
    let log = server.log().await;
    let (lane, other) = (Lane::Room(room()), Lane::Timeline(room()));
    assert_eq!(log.last(&lane).await.unwrap(), None);
    fill(&log, &lane, 3).await;
    put(&log, &other, "o").await;
    let last = log.last(&lane).await.unwrap().unwrap();
    assert_eq!((last.sequence, &last.lane), (3, &lane));
    assert!(last.stored_at.millis() > 0 && last.event().is_ok());
    let many = log.last_many(&[other, handle("none"), lane]).await.unwrap();
    let sequences: Vec<_> = many.iter().map(|s| s.as_ref().map(|s| s.sequence)).collect();
    assert_eq!(sequences, [Some(4), None, Some(3)]);
    let all = async |lane: &Lane| -> Vec<u64> {
        log.all_of(lane).await.unwrap().iter().map(|stored| stored.sequence).collect()
    };
    assert_eq!(all(&lane).await, [1, 2, 3]);
    assert_eq!((all(&other).await, all(&handle("none")).await), (vec![4], vec![]));
    assert_eq!(log.get(4).await.unwrap().unwrap().lane, other);
    assert_eq!(log.get(0).await.unwrap(), None);
    assert_eq!(log.get(5).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_read_in_order_from_any_place() {
    let server = Server::start().await;
    let log = server.log().await;
    let lane = Lane::Timeline(room());
    fill(&log, &lane, 300).await;
    let mut reader = log.read_from(0).await.unwrap();
    let records = read_to(&mut reader, 300).await;
    let texts: Vec<String> = records.iter().map(text).collect();
    let wanted: Vec<String> = (1..=300).map(|n| n.to_string()).collect();
    assert_eq!(texts, wanted);
    assert!(records.iter().all(|r| !r.gap_before && r.lane.as_ref() == Some(&lane)));
    let mut middle = log.read_from(250).await.unwrap();
    let batch = middle.next(10, PATIENCE).await.unwrap();
    assert_eq!(batch.records.len(), 10);
    assert_eq!((batch.records[0].sequence, batch.through, batch.head), (251, 260, 300));
    assert_eq!(read_to(&mut middle, 300).await.len(), 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_at_the_end_waits_for_what_comes() {
    let server = Server::start().await;
    let log = server.log().await;
    let lane = Lane::Timeline(room());
    let mut reader = log.read_from(0).await.unwrap();
    let empty = reader.next(10, Duration::from_millis(50)).await.unwrap();
    assert!(empty.records.is_empty() && empty.through == 0 && empty.head == 0);
    let writer = tokio::spawn({
        let log = log.clone();
        async move { put(&log, &lane, "late").await }
    });
    let batch = reader.next(10, PATIENCE).await.unwrap();
    assert_eq!(batch.records.len(), 1);
    assert_eq!(batch.through, writer.await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_beyond_the_end_is_refused() {
    let server = Server::start().await;
    let log = server.log().await;
    put(&log, &Lane::Timeline(room()), "1").await;
    let outcome = log.read_from(2).await.map(|_| ());
    assert!(matches!(outcome, Err(LogError::Ahead { after: 2, head: 1 })), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_lane_is_kept_as_a_record() {
    let server = Server::start().await;
    let log = server.log().await;
    let client = async_nats::connect(server.url()).await.unwrap();
    let request = client.request("test.evt.poll.x1", "{}".into()).await.unwrap();
    assert!(!request.payload.is_empty());
    let mut reader = log.read_from(0).await.unwrap();
    let records = read_to(&mut reader, 1).await;
    assert_eq!((records[0].subject.as_str(), &records[0].lane), ("test.evt.poll.x1", &None));
}
