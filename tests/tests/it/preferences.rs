//! Preferences: how they are kept, who may reach a user, and who sees how far they have read.

use serde_json::{Value, json};
use tests::kit::http::Reply;
use tests::kit::installation::Place;
use tests::kit::person::{Person, id_of, items};
use tests::kit::until;

everywhere!(
    preferences_are_merged,
    direct_messages_from_those_one_wrote_to,
    direct_messages_from_shared_rooms,
    added_to_rooms_by_those_one_wants,
    receipts_that_are_off_are_seen_by_their_owner_alone,
    a_display_name_of_null_is_the_username,
    settings_keep_every_number_or_refuse_it,
);

async fn prefers(who: &Person, preferences: Value) -> Value {
    who.patch("/v1/users/me", json!({"preferences": preferences})).await.ok(200)["preferences"]
        .clone()
}

fn defaults() -> Value {
    json!({
        "direct_messages": "everyone", "added_to_rooms": "everyone", "email": "mentions",
        "email_delay_minutes": 15, "read_receipts": true, "presence": true,
    })
}

async fn posts(who: &Person, room: &str, body: &str) -> Reply {
    who.post(&format!("/v1/rooms/{room}/messages"), json!({"body": body})).await
}

async fn two(place: &Place) -> (Person, Person) {
    (Person::register(place, "ada").await, Person::register_at(place, 1, "bob").await)
}

async fn preferences_are_merged(place: Place) {
    let (ada, bob) = two(&place).await;
    assert_eq!(ada.get("/v1/users/me").await.ok(200)["preferences"], defaults());
    let some = json!({"email": "none", "do_not_disturb_until": "2030-01-01T00:00:00.000Z"});
    let mut expected = defaults();
    expected["email"] = json!("none");
    expected["do_not_disturb_until"] = json!("2030-01-01T00:00:00.000Z");
    let mut socket = ada.connect().await;
    assert_eq!(prefers(&ada, some.clone()).await, expected);
    // Others of the installation change their accounts meanwhile.
    let own = |frame: &Value| frame["event"] == "user.changed" && frame["data"]["id"] == ada.id;
    socket.expect("the change", own).await;
    // A repeat tells nothing: the next that is heard is another change.
    assert_eq!(prefers(&ada, some).await, expected);
    ada.patch("/v1/users/me", json!({"bio": "heard"})).await.ok(200);
    assert_eq!(socket.expect("the next change", own).await["data"]["bio"], "heard");
    ada.patch("/v1/users/me", json!({"bio": null})).await.ok(200);
    expected["email_delay_minutes"] = json!(0);
    expected.as_object_mut().unwrap().remove("do_not_disturb_until");
    let more = json!({"email_delay_minutes": 0, "do_not_disturb_until": null});
    assert_eq!(prefers(&ada, more).await, expected);
    assert_eq!(ada.get("/v1/users/me").await.ok(200)["preferences"], expected);
    for bad in [
        json!({"email": "some"}),
        json!({"email": null}),
        json!({"email_delay_minutes": 1441}),
        json!({"email_delay_minutes": -1}),
        json!({"email_delay_minutes": 1.5}),
        json!({"sms": true}),
        json!({"read_receipts": "yes"}),
        json!({"do_not_disturb_until": "later"}),
        json!([]),
        json!("x"),
        json!({"direct_messages": ["everyone"]}),
    ] {
        let body = json!({"preferences": bad, "bio": "not stored"});
        ada.patch("/v1/users/me", body).await.problem(400, "validation_failed");
    }
    let after = ada.get("/v1/users/me").await.ok(200);
    assert_eq!((&after["preferences"], &after["bio"]), (&expected, &Value::Null));
    let seen = bob.get(&format!("/v1/users/{}", ada.id)).await.ok(200);
    assert!(seen.get("preferences").is_none(), "{seen}");
}

/// Preferences are judged by what a service remembers, at most a second late.
async fn until_refused(who: &Person, room: &str) {
    until("the preference is known everywhere", async || {
        let reply = posts(who, room, "may I?").await;
        (reply.status == 403).then(|| drop(reply.clone().problem(403, "blocked")))
    })
    .await;
}

async fn direct_messages_from_those_one_wrote_to(place: Place) {
    let (ada, bob) = two(&place).await;
    let room = ada.direct(&[&bob]).await;
    ada.says(&room, "hello").await;
    prefers(&bob, json!({"direct_messages": "nobody"})).await;
    until_refused(&ada, &room).await;
    bob.says(&room, "what is it?").await;
    // At once: that the read store has not heard of it yet is no reason to refuse.
    posts(&ada, &room, "nothing").await.ok(201);
    let cyd = Person::register(&place, "cyd").await;
    let opened = cyd.post("/v1/direct", json!({"members": [ada.id, bob.id]})).await;
    let problem = opened.problem(403, "blocked");
    assert_eq!(problem["errors"][0]["pointer"], "/members/1");
    cyd.post("/v1/direct", json!({"members": [bob.at_name()]})).await.problem(403, "blocked");
    // The other way round they are free.
    bob.post("/v1/direct", json!({"members": [cyd.id]})).await.ok(201);
}

async fn direct_messages_from_shared_rooms(place: Place) {
    let (ada, bob) = two(&place).await;
    let room = ada.direct(&[&bob]).await;
    prefers(&bob, json!({"direct_messages": "shared_rooms"})).await;
    until_refused(&ada, &room).await;
    let group = ada.group(&[&bob]).await;
    posts(&ada, &room, "now?").await.ok(201);
    assert_eq!(ada.delete(&format!("/v1/rooms/{group}/members/{}", bob.id)).await.status, 204);
    until_refused(&ada, &room).await;
}

async fn added_to_rooms_by_those_one_wants(place: Place) {
    let (ada, bob) = two(&place).await;
    let room = ada.group(&[]).await;
    prefers(&bob, json!({"added_to_rooms": "nobody"})).await;
    let member = json!({"user": bob.id});
    let body = json!({"kind": "group", "name": "Both", "members": [bob.id]});
    until("the preference is known everywhere", async || {
        let reply = ada.post("/v1/rooms", body.clone()).await;
        (reply.status == 403).then(|| {
            let problem = reply.clone().problem(403, "blocked");
            assert_eq!(problem["errors"][0]["pointer"], "/members/0");
        })
    })
    .await;
    let add = ada.post(&format!("/v1/rooms/{room}/members"), member.clone()).await;
    assert_eq!(add.problem(403, "blocked")["errors"][0]["pointer"], "/user");
    ada.direct(&[&bob]).await;
    prefers(&bob, json!({"added_to_rooms": "everyone"})).await;
    until("they may be added", async || {
        let add = ada.post(&format!("/v1/rooms/{room}/members"), member.clone()).await;
        (add.status == 201).then_some(())
    })
    .await;
    prefers(&bob, json!({"added_to_rooms": "shared_rooms"})).await;
    ada.post("/v1/rooms", body).await.ok(201);
}

async fn readers(who: &Person, message: &str) -> Vec<String> {
    let found = items(&who.get(&format!("/v1/messages/{message}/readers")).await.ok(200));
    found.iter().map(|reader| reader["user_id"].as_str().unwrap().to_owned()).collect()
}

async fn receipts_that_are_off_are_seen_by_their_owner_alone(place: Place) {
    let (ada, bob) = two(&place).await;
    let room = ada.group(&[&bob]).await;
    let first = id_of(&ada.says(&room, "one").await);
    let second = id_of(&ada.says(&room, "two").await);
    let third = id_of(&ada.says(&room, "three").await);
    let mut adas = ada.connect().await;
    let mut bobs = bob.connect().await;
    let reads = async |message: &str| {
        let body = json!({"message_id": message});
        bob.put(&format!("/v1/rooms/{room}/read"), body).await.ok(200);
    };
    reads(&first).await;
    let moved = adas.event_in(&room, "read.moved").await;
    assert_eq!(
        (&moved["data"]["message_id"], &moved["data"]["user_id"]),
        (&json!(first), &json!(bob.id))
    );
    bobs.event_in(&room, "read.moved").await;
    let start = moved["position"].as_str().unwrap().to_owned();
    prefers(&bob, json!({"read_receipts": false})).await;
    until("the preference is known everywhere", async || {
        let last = id_of(&ada.says(&room, "and on").await);
        reads(&last).await;
        bobs.expect("the own marker", |frame| {
            frame["event"] == "read.moved" && frame["data"]["message_id"] == last.as_str()
        })
        .await;
        adas.all_so_far();
        let seen = readers(&ada, &last).await.contains(&bob.id);
        (!seen).then_some(())
    })
    .await;
    let last = id_of(&ada.says(&room, "secretly read").await);
    reads(&last).await;
    let body = json!({"body": "said without a receipt"});
    bob.post(&format!("/v1/rooms/{room}/messages"), body).await.ok(201);
    assert_eq!(readers(&ada, &last).await, Vec::<String>::new());
    assert_eq!(readers(&ada, &first).await, std::slice::from_ref(&bob.id));
    assert_eq!(bob.room(&room).await["membership"]["unread_count"], 0);
    let in_the_end = bob.says(&room, "the end").await;
    let _ = (&second, &third, in_the_end);
    // A resume tells the same.
    let is_secret = |frame: &Value| {
        frame["event"] == "read.moved" && frame["data"]["message_id"] == last.as_str()
    };
    let mut resumed = ada.resume(&start).await;
    let heard = resumed.all().await;
    assert!(!heard.iter().any(is_secret), "{heard:?}");
    prefers(&bob, json!({"read_receipts": true})).await;
    until("receipts are seen again", async || {
        let next = id_of(&ada.says(&room, "next").await);
        reads(&next).await;
        readers(&ada, &next).await.contains(&bob.id).then_some(())
    })
    .await;
}

async fn a_display_name_of_null_is_the_username(place: Place) {
    let ada = Person::register(&place, "Ada").await;
    let set = |name: Value| json!({"display_name": name});
    let patched = ada.patch("/v1/users/me", set(json!("Countess"))).await.ok(200);
    assert_eq!(patched["display_name"], "Countess");
    let patched = ada.patch("/v1/users/me", set(Value::Null)).await.ok(200);
    assert_eq!(patched["display_name"], ada.username.as_str());
}

async fn settings_keep_every_number_or_refuse_it(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let patch = async |settings: &str| {
        let body = format!("{{\"settings\":{settings}}}");
        let head = format!(
            "PATCH /v1/users/me HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            ada.access,
            body.len()
        );
        tests::kit::http::raw(place.url(0), format!("{head}{body}").as_bytes()).await
    };
    let kept = r#"{"big":18446744073709551615,"low":-9223372036854775808,"real":0.5}"#;
    let (status, text) = patch(kept).await;
    assert_eq!(status, 200, "{text}");
    assert!(text.contains("18446744073709551615"), "{text}");
    for refused in ["18446744073709551616", "-9223372036854775809", "1000000000000000000000000"] {
        let (status, text) = patch(&format!("{{\"n\":[{refused}]}}")).await;
        assert_eq!(status, 400, "{text}");
    }
    until("the settings are read back", async || {
        let read = ada.get("/v1/users/me").await;
        read.text.contains("-9223372036854775808").then_some(())
    })
    .await;
}
