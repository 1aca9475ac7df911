//! Permissions that change while a request that needs them is in flight.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use schemas::EventData;
use schemas::events::MessageEvent;
use serde_json::json;
use tests::kit::installation::Installation;
use tests::kit::person::Person;
use tests::kit::{log, until};

/// What a writer's posts were answered, by `client_id`, up to the first that was refused.
async fn posts_until_refused(
    eve: Person,
    room: String,
    writer: usize,
    begun: Arc<AtomicUsize>,
) -> Vec<(String, u16)> {
    let path = format!("/v1/rooms/{room}/messages");
    let mut outcomes = Vec::new();
    for number in 0..200 {
        let client_id = format!("e{writer}-{number}");
        let body = json!({"body": "x", "client_id": client_id});
        begun.fetch_add(1, Ordering::SeqCst);
        let status = eve.post(&path, body).await.status;
        outcomes.push((client_id, status));
        if status == 404 || status == 403 {
            break;
        }
    }
    outcomes
}

/// The messages of a room in the log: `client_id` and sequence.
async fn stored_in(installation: &Installation, room: &str) -> BTreeMap<String, u64> {
    let mut stored = BTreeMap::new();
    for (sequence, event) in log::events(&installation.nats(), "tidings").await {
        if let EventData::Message(MessageEvent::Posted(posted)) = event.data
            && posted.message.room_id.as_str() == room
        {
            stored.insert(posted.message.client_id.unwrap().to_string(), sequence);
        }
    }
    stored
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_is_removed_while_their_posts_are_in_flight() {
    let installation = Installation::relaxed(&[]);
    let place = installation.place.clone();
    let ada = place.found().await;
    for round in 0..5 {
        let eve = Person::register(&place, "eve").await;
        let room = ada.group(&[&eve]).await;
        let begun = Arc::new(AtomicUsize::new(0));
        let posting = (0..8).map(|writer| {
            tokio::spawn(posts_until_refused(eve.clone(), room.clone(), writer, Arc::clone(&begun)))
        });
        let posting: Vec<_> = posting.collect();
        until("posts are in flight", async || {
            (begun.load(Ordering::SeqCst) > 10 + round * 7).then_some(())
        })
        .await;
        let removed = ada.delete(&format!("/v1/rooms/{room}/members/{}", eve.id)).await;
        assert_eq!(removed.status, 204);
        let position = removed.header("tidings-position").to_owned();
        let removed: u64 = position.split(':').nth(1).unwrap().parse().unwrap();
        let mut outcomes = BTreeMap::new();
        for writer in posting {
            outcomes.extend(writer.await.unwrap());
        }
        assert!(outcomes.values().any(|status| [403, 404].contains(status)), "{outcomes:?}");
        let stored = stored_in(&installation, &room).await;
        let late = stored.values().any(|sequence| *sequence >= removed);
        assert!(!late, "a message is never sequenced after its author lost the right: {stored:?}");
        for (id, status) in outcomes {
            match status {
                200 | 201 => assert!(stored.contains_key(&id), "{id} was acknowledged"),
                403 | 404 => assert!(!stored.contains_key(&id), "{id} was refused"),
                status => panic!("{id}: {status}"),
            }
        }
        assert_eq!(ada.messages(&room).await.len(), stored.len().min(200));
    }
    tokio::task::block_in_place(|| installation.verify());
}
