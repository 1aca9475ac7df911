//! The log as an operator sees it: every event, in order, straight from the stream.

use std::time::Duration;

use eventlog::{Connect, EventLog};
use schemas::event::{Event, EventData};
use schemas::events::MessageEvent;
use schemas::{Namespace, Sequence};

use crate::kit::until;

/// Reads everything a namespace's log holds.
///
/// # Panics
/// When it cannot be read.
pub async fn everything(nats: &str, namespace: &str) -> Vec<(Sequence, String, Vec<u8>)> {
    let log = open(nats, namespace).await;
    let head = log.head().await.expect("a head");
    let mut reader = log.read_from(0).await.expect("a reader");
    let (mut at, mut all) = (0, Vec::new());
    while at < head {
        let batch = reader.next(5000, Duration::from_secs(5)).await.expect("a batch");
        for record in batch.records {
            at = record.sequence;
            all.push((record.sequence, record.subject, record.payload.to_vec()));
        }
    }
    all
}

/// Attaches to a namespace's log.
///
/// # Panics
/// When it cannot.
pub async fn open(nats: &str, namespace: &str) -> EventLog {
    let namespace = Namespace::parse(namespace).expect("a namespace");
    let connect = Connect { url: nats.to_owned(), client_name: "tests".to_owned(), namespace };
    let log = EventLog::connect(connect).await.expect("a connection");
    until("the log is attached", async || log.attach().await.ok()).await;
    log
}

/// Every event that can be read.
pub async fn events(nats: &str, namespace: &str) -> Vec<(Sequence, Event)> {
    let all = everything(nats, namespace).await.into_iter();
    all.filter_map(|(sequence, _, bytes)| Some((sequence, Event::decode(&bytes).ok()?))).collect()
}

/// The messages posted in a room, in the order of the log, by client id (or body when there is none).
pub async fn posted(nats: &str, namespace: &str, room: &str) -> Vec<String> {
    let all = events(nats, namespace).await.into_iter();
    all.filter_map(|(_, event)| match event.data {
        EventData::Message(MessageEvent::Posted(posted))
            if posted.message.room_id.as_str() == room =>
        {
            let message = posted.message;
            let client_id = message.client_id.map(|id| id.to_string());
            Some(client_id.unwrap_or_else(|| message.body.to_string()))
        }
        _ => None,
    })
    .collect()
}
