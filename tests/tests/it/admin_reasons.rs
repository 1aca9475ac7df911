//! Why admins and moderators do what they do: said with the act, kept in its event, shown in the audit trail.

use serde_json::{Value, json};
use tests::kit::http::Reply;
use tests::kit::installation::Place;
use tests::kit::person::{Person, items};

everywhere!(
    an_archived_room_says_why_in_the_trail_alone,
    ended_sessions_say_why_in_the_trail,
    a_reason_is_checked_and_may_be_left_out,
);

async fn delete(who: &Person, path: &str, body: Value) -> Reply {
    who.ask("DELETE", path).json(body).send().await
}

/// The newest event of a type that something happened to.
async fn newest(admin: &Person, subject: &str, kind: &str) -> Value {
    let path = format!("/v1/admin/events?subject={subject}&type={kind}");
    let mut events = items(&admin.get(&path).await.ok(200));
    assert!(!events.is_empty(), "{kind} of {subject}");
    events.remove(0)
}

async fn an_archived_room_says_why_in_the_trail_alone(place: Place) {
    let admin = place.admin().await;
    let ada = Person::register(&place, "ada").await;
    let bob = Person::register_at(&place, 1, "bob").await;
    let (room, _) = ada.channel().await;
    bob.put_empty(&format!("/v1/rooms/{room}/members/me")).await.ok(200);
    let mut socket = bob.connect().await;
    let before = socket.position.clone();
    let path = format!("/v1/admin/rooms/{room}");
    let why = json!({"reason": "sold engines to minors"});
    bob.ask("DELETE", &path).json(why.clone()).send().await.problem(403, "forbidden");
    delete(&admin, &path, why).await.ok(204);
    let event = newest(&admin, &room, "room.archived.v1").await;
    assert_eq!(event["actor"], json!(admin.id));
    assert_eq!(event["data"]["reason"], "sold engines to minors", "{event}");
    // A repeat changes nothing, whatever is said of it.
    delete(&admin, &path, json!({"reason": "said once more"})).await.ok(204);
    assert_eq!(newest(&admin, &room, "room.archived.v1").await, event);
    // Members are told of the room and not of the words: live, when they come back, and in what they read.
    let told = socket.event_in(&room, "room.archived").await;
    assert_eq!(told["data"]["archived"], true, "{told}");
    assert!(!told.to_string().contains("engines"), "{told}");
    for gateway in 0..2 {
        let back = bob.at(gateway).resume(&before).await.event_in(&room, "room.archived").await;
        assert!(!back.to_string().contains("engines"), "{back}");
    }
    assert!(!bob.room(&room).await.to_string().contains("engines"));
    // Its own admins archive without words, and who brings it back wipes nothing out of the trail.
    ada.patch(&format!("/v1/rooms/{room}"), json!({"archived": false})).await.ok(200);
    ada.delete(&format!("/v1/rooms/{room}")).await.ok(204);
    let own = newest(&admin, &room, "room.archived.v1").await;
    assert_eq!((&own["actor"], own["data"].get("reason")), (&json!(ada.id), None), "{own}");
}

async fn ended_sessions_say_why_in_the_trail(place: Place) {
    let admin = place.admin().await;
    let ada = Person::register(&place, "ada").await;
    let path = format!("/v1/admin/users/{}/sessions", ada.id);
    delete(&admin, &path, json!({"reason": "a stolen laptop"})).await.ok(204);
    let event = newest(&admin, &ada.id, "session.ended.v1").await;
    assert_eq!(event["actor"], json!(admin.id));
    let data = &event["data"];
    assert_eq!((&data["reason"], &data["note"]), (&json!("revoked"), &json!("a stolen laptop")));
    ada.ask("GET", "/v1/users/me").once().await.problem(401, "unauthenticated");
    // Suspensions have kept theirs from the beginning.
    let user = format!("/v1/admin/users/{}", ada.id);
    let suspend = json!({"suspended": true, "reason": "until it is found"});
    admin.patch(&user, suspend).await.ok(200);
    let event = newest(&admin, &ada.id, "user.suspension_changed.v1").await;
    assert_eq!(event["data"]["reason"], "until it is found", "{event}");
    admin.patch(&user, json!({"suspended": false})).await.ok(200);
}

async fn a_reason_is_checked_and_may_be_left_out(place: Place) {
    let admin = place.admin().await;
    let ada = Person::register(&place, "ada").await;
    let (room, _) = ada.channel().await;
    let paths = [format!("/v1/admin/rooms/{room}"), format!("/v1/admin/users/{}/sessions", ada.id)];
    for path in &paths {
        for wrong in [
            json!({"reason": ""}),
            json!({"reason": " \n"}),
            json!({"reason": 7}),
            json!({"reason": "x".repeat(501)}),
            json!({"reason": "\u{202e}"}),
            json!({"reason": "x", "more": 1}),
        ] {
            delete(&admin, path, wrong.clone()).await.problem(400, "validation_failed");
        }
    }
    assert_eq!(ada.room(&room).await["archived"], false, "nothing was done");
    for path in &paths {
        admin.delete(path).await.ok(204);
        delete(&admin, path, json!({})).await.ok(204);
    }
    let event = newest(&admin, &room, "room.archived.v1").await;
    assert_eq!(event["data"].get("reason"), None, "{event}");
}
