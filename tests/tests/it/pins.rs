//! Pins.

use serde_json::{Value, json};
use tests::kit::installation::Place;
use tests::kit::person::{Person, bodies, id_of, items};

everywhere!(
    a_message_is_pinned_and_unpinned,
    channels_are_pinned_in_by_their_admins,
    who_may_not_write_may_not_pin,
    a_deleted_message_is_unpinned,
    a_room_has_a_hundred_pins_at_most,
);

fn path(message: &str) -> String {
    format!("/v1/messages/{message}/pin")
}

async fn pinned(person: &Person, room: &str) -> Vec<Value> {
    items(&person.get(&format!("/v1/rooms/{room}/pins?limit=200")).await.ok(200))
}

async fn a_message_is_pinned_and_unpinned(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let bob = Person::register_at(&place, 1, "bob").await;
    let room = ada.group(&[&bob]).await;
    let mut ids = Vec::new();
    for number in 1..=3 {
        ids.push(id_of(&ada.says(&room, &format!("m{number}")).await));
    }
    let mut socket = ada.connect().await;
    // In a group every member pins, also messages of others. The newest pin comes first.
    for id in [&ids[1], &ids[0], &ids[2]] {
        assert_eq!(bob.put_empty(&path(id)).await.status, 204);
        let event = socket.event_in(&room, "message.pinned").await;
        assert_eq!(event["data"], json!({"message_id": id, "user_id": bob.id}));
    }
    assert_eq!(bodies(&pinned(&ada, &room).await), ["m3", "m1", "m2"]);
    // A repeat changes nothing: the newest pin stays the newest.
    assert_eq!(ada.put_empty(&path(&ids[0])).await.status, 204);
    assert_eq!(bodies(&pinned(&ada, &room).await), ["m3", "m1", "m2"]);
    let page = ada.get(&format!("/v1/rooms/{room}/pins?limit=2")).await.ok(200);
    assert_eq!(bodies(&items(&page)), ["m3", "m1"]);
    let cursor = page["next_cursor"].as_str().unwrap();
    let page = ada.get(&format!("/v1/rooms/{room}/pins?limit=2&cursor={cursor}")).await.ok(200);
    assert_eq!((bodies(&items(&page)), &page["next_cursor"]), (vec!["m2"], &json!(null)));
    assert_eq!(ada.get(&format!("/v1/messages/{}", ids[0])).await.ok(200)["pinned"], true);
    let unpinned = ada.delete(&path(&ids[0])).await;
    assert_eq!(unpinned.status, 204, "{}", unpinned.text);
    let event = socket.event_in(&room, "message.unpinned").await;
    assert_eq!(event["data"], json!({"message_id": ids[0], "user_id": ada.id}));
    assert_eq!(ada.delete(&path(&ids[0])).await.status, 204);
    assert_eq!(bodies(&pinned(&bob, &room).await), ["m3", "m2"]);
    assert_eq!(bob.get(&format!("/v1/messages/{}", ids[0])).await.ok(200)["pinned"], false);
    // Pinned again it is the newest.
    assert_eq!(ada.put_empty(&path(&ids[0])).await.status, 204);
    assert_eq!(bodies(&pinned(&bob, &room).await), ["m1", "m3", "m2"]);
}

async fn channels_are_pinned_in_by_their_admins(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let bob = Person::register_at(&place, 1, "bob").await;
    let (room, _) = ada.channel().await;
    let joined = bob.put_empty(&format!("/v1/rooms/{room}/members/me")).await;
    assert!(joined.status < 300, "{}", joined.text);
    let message = id_of(&bob.says(&room, "mine").await);
    bob.put_empty(&path(&message)).await.problem(403, "forbidden");
    assert_eq!(ada.put_empty(&path(&message)).await.status, 204);
    bob.delete(&path(&message)).await.problem(403, "forbidden");
    let admin = json!({"role": "admin"});
    ada.patch(&format!("/v1/rooms/{room}/members/{}", bob.id), admin).await.ok(200);
    assert_eq!(bob.delete(&path(&message)).await.status, 204);
}

async fn who_may_not_write_may_not_pin(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let bob = Person::register_at(&place, 1, "bob").await;
    let eve = Person::register(&place, "eve").await;
    let room = ada.group(&[&bob]).await;
    let message = id_of(&ada.says(&room, "hello").await);
    eve.put_empty(&path(&message)).await.problem(404, "not_found");
    eve.delete(&path(&message)).await.problem(404, "not_found");
    eve.get(&format!("/v1/rooms/{room}/pins")).await.problem(404, "not_found");
    let (public, _) = ada.channel().await;
    eve.get(&format!("/v1/rooms/{public}/pins")).await.problem(404, "not_found");
    let muted = json!({"muted_until": "2099-01-01T00:00:00Z"});
    ada.patch(&format!("/v1/rooms/{room}/members/{}", bob.id), muted).await.ok(200);
    bob.put_empty(&path(&message)).await.problem(403, "forbidden");
    assert_eq!(ada.put_empty(&path(&message)).await.status, 204);
    assert_eq!(ada.delete(&format!("/v1/rooms/{room}")).await.status, 204);
    ada.delete(&path(&message)).await.problem(409, "conflict");
    assert_eq!(bodies(&pinned(&bob, &room).await), ["hello"], "it can still be read");
}

async fn a_deleted_message_is_unpinned(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let (one, two) = (id_of(&ada.says(&room, "one").await), id_of(&ada.says(&room, "two").await));
    assert_eq!(ada.put_empty(&path(&one)).await.status, 204);
    assert_eq!(ada.put_empty(&path(&two)).await.status, 204);
    assert_eq!(ada.delete(&format!("/v1/messages/{one}")).await.status, 204);
    assert_eq!(bodies(&pinned(&ada, &room).await), ["two"]);
    assert_eq!(ada.get(&format!("/v1/messages/{one}")).await.ok(200)["pinned"], false);
    ada.put_empty(&path(&one)).await.problem(409, "conflict");
    ada.delete(&path(&one)).await.problem(409, "conflict");
}

async fn a_room_has_a_hundred_pins_at_most(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let mut ids = Vec::new();
    let mut socket = ada.connect().await;
    for number in 0..145 {
        let said = socket.post(&room, &format!("m{number}")).await;
        place.wrote(said["position"].as_str().unwrap());
        ids.push(id_of(&said["result"]));
    }
    let (pinned_before, late) = ids.split_at(95);
    let crowd = async |ids: &[String], most: usize| {
        let pinning = (0..most).map(|number| {
            let (ada, path) = (ada.at(number), path(&ids[number % ids.len()]));
            async move { ada.put_empty(&path).await.status }
        });
        let statuses = futures_util::future::join_all(pinning).await;
        let count = |status: u16| statuses.iter().filter(|found| **found == status).count();
        (count(204), count(409), statuses.len())
    };
    for some in pinned_before.chunks(19) {
        assert_eq!(crowd(some, 19).await, (19, 0, 19));
    }
    // As many as still have room find it, and each other one is told that there is none.
    let (fit, refused, all) = crowd(late, late.len()).await;
    assert_eq!((fit, refused, all), (5, late.len() - 5, late.len()));
    assert_eq!(pinned(&ada, &room).await.len(), 100);
    let is_pinned = async |id: &String| {
        let shown = ada.get(&format!("/v1/messages/{id}")).await.ok(200);
        shown["pinned"] == true
    };
    let mut left = Vec::new();
    for id in late {
        if !is_pinned(id).await {
            left.push(id.clone());
        }
    }
    assert_eq!(crowd(&left, 50).await, (0, 50, 50));
    // One that goes makes room for one more.
    assert_eq!(ada.delete(&path(&ids[0])).await.status, 204);
    let (fit, refused, _) = crowd(&left, left.len()).await;
    assert_eq!((fit, refused), (1, left.len() - 1));
    assert_eq!(pinned(&ada, &room).await.len(), 100);
}
