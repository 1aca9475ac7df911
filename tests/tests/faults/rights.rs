//! Permissions that change while a request that needs them is in flight.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use tests::kit::installation::Installation;
use tests::kit::person::Person;
use tests::kit::{log, until};

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
            let (eve, room, begun) = (eve.clone(), room.clone(), Arc::clone(&begun));
            tokio::spawn(async move {
                let mut outcomes = Vec::new();
                for number in 0..200 {
                    let client_id = format!("e{writer}-{number}");
                    let body = json!({"body": "x", "client_id": client_id});
                    begun.fetch_add(1, Ordering::SeqCst);
                    let reply = eve.post(&format!("/v1/rooms/{room}/messages"), body).await;
                    outcomes.push((client_id, reply.status));
                    if reply.status == 404 || reply.status == 403 {
                        break;
                    }
                }
                outcomes
            })
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
        let events = log::events(&installation.nats(), "tidings").await;
        let mut stored = BTreeMap::new();
        for (sequence, event) in events {
            if let schemas::EventData::Message(schemas::events::MessageEvent::Posted(posted)) =
                event.data
                && posted.message.room_id.as_str() == room
            {
                assert!(
                    sequence < removed,
                    "a message is never sequenced after its author lost the right"
                );
                stored.insert(posted.message.client_id.unwrap().to_string(), sequence);
            }
        }
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
