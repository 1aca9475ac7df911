//! A session that reads through the gateway it wrote through sees what it wrote, without asking for a position.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::kit::installation::Place;
use tests::kit::person::{Person, id_of, items};

everywhere!(
    a_session_reads_its_own_writes_over_rest,
    a_session_reads_its_own_writes_over_a_socket,
    marking_an_inbox_read_is_seen_by_the_next_read,
);

const ROUNDS: usize = 30;

/// Reads once, naming no position. A server that is too busy to show the session's last write within a second gives
/// what there is, as it promises: then it is asked again.
async fn own(person: &Person, path: &str) -> Value {
    for _ in 0..30 {
        let asked = Instant::now();
        let answer = person.ask("GET", path).once().await;
        if asked.elapsed() < Duration::from_secs(1) {
            return answer.ok(200);
        }
    }
    panic!("{path}: thirty answers took a second each");
}

async fn a_session_reads_its_own_writes_over_rest(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    for number in 0..ROUNDS {
        let name = format!("Ada the {number}th");
        ada.patch("/v1/users/me", json!({"display_name": name})).await.ok(200);
        let me = own(&ada, "/v1/users/me").await;
        assert_eq!(me["display_name"], name, "round {number}");
        let found = own(&ada, &format!("/v1/users/{}", ada.id)).await;
        assert_eq!(found["display_name"], name, "round {number}");
        let listed = own(&ada, &format!("/v1/users?username={}", ada.username)).await;
        assert_eq!(items(&listed)[0]["display_name"], name, "round {number}");

        let said = id_of(&ada.says(&room, &format!("{number}")).await);
        let read = own(&ada, &format!("/v1/messages/{said}")).await;
        assert_eq!(read["body"], number.to_string());
        ada.patch(&format!("/v1/messages/{said}"), json!({"body": "other"})).await.ok(200);
        let page = own(&ada, &format!("/v1/rooms/{room}/messages?limit=1")).await;
        assert_eq!(items(&page)[0]["body"], "other", "round {number}");

        let made = ada.group(&[]).await;
        let rooms = own(&ada, "/v1/rooms?limit=1").await;
        assert_eq!(id_of(&items(&rooms)[0]), made, "round {number}");
    }
}

async fn a_session_reads_its_own_writes_over_a_socket(place: Place) {
    let (ada, bob) = (Person::register(&place, "ada").await, Person::register(&place, "bob").await);
    let room = ada.group(&[&bob]).await;
    let mut socket = ada.connect().await;
    for number in 0..ROUNDS {
        let answer = socket.post(&room, &format!("{number}")).await;
        let said = id_of(&answer["result"]);
        own(&ada, &format!("/v1/messages/{said}")).await;
        socket.call(json!({"type": "delete", "message_id": said})).await;
        let read = own(&ada, &format!("/v1/messages/{said}")).await;
        assert!(read["deleted_at"].is_string(), "round {number}: {read}");
    }
    let said = id_of(&bob.says(&room, "unread").await);
    let answer = socket.call(json!({"type": "read", "room_id": room, "message_id": said})).await;
    assert_eq!(answer["type"], "ok", "{answer}");
    let seen = own(&ada, &format!("/v1/rooms/{room}")).await;
    assert_eq!(seen["membership"]["unread_count"], 0);
}

async fn marking_an_inbox_read_is_seen_by_the_next_read(place: Place) {
    let (ada, bob) = (Person::register(&place, "ada").await, Person::register(&place, "bob").await);
    let room = ada.direct(&[&bob]).await;
    for number in 0..5 {
        bob.says(&room, &format!("{number}")).await;
        tests::kit::until("the entry is there", async || {
            let unread = own(&ada, "/v1/notifications?unread=true").await;
            (!items(&unread).is_empty()).then_some(())
        })
        .await;
        // Earlier posts may still notify; what is unread once there was an answer is new.
        ada.put_empty("/v1/notifications/read").await.ok(204);
        let unread = own(&ada, "/v1/notifications?unread=true").await;
        assert!(items(&unread).is_empty(), "round {number}: {unread}");
    }
}
