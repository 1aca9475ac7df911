//! Rooms and members.

use serde_json::{Value, json};
use tests::kit::installation::Place;
use tests::kit::person::{Person, id_of, items};
use tests::kit::unique;

everywhere!(
    every_user_is_a_member_of_general,
    a_channel_is_found_joined_and_left,
    channel_names_are_unique,
    a_private_room_is_not_found_by_outsiders,
    one_set_of_people_has_one_direct_room,
    members_come_and_go,
    a_room_is_changed_by_those_who_may,
    the_last_owner_cannot_leave,
    an_archived_room_is_read_only,
    rooms_are_listed_by_activity,
);

async fn every_user_is_a_member_of_general(place: Place) {
    let (ada, bob) =
        (Person::register(&place, "ada").await, Person::register_at(&place, 1, "bob").await);
    let find = |rooms: Vec<Value>| rooms.into_iter().find(|room| room["name"] == "general");
    let general = find(items(&ada.get("/v1/rooms").await.ok(200))).expect("general is in the list");
    assert_eq!(general["kind"], "channel");
    assert_eq!(general["membership"]["role"], "member");
    let room = id_of(&general);
    let mut socket = bob.connect().await;
    let text = unique("hello all ");
    ada.says(&room, &text).await;
    let event = socket.expect("the message", |frame| frame["data"]["body"] == text).await;
    assert_eq!(event["room_id"], room);
    let seen = bob.messages(&room).await;
    assert!(seen.iter().any(|message| message["body"] == text));
    ada.delete(&format!("/v1/rooms/{room}/members/me")).await.any_problem(403..=409);
}

async fn a_channel_is_found_joined_and_left(place: Place) {
    let (ada, bob) =
        (Person::register(&place, "ada").await, Person::register_at(&place, 1, "bob").await);
    let name = unique("Engines");
    let body = json!({"kind": "channel", "name": name, "topic": "Steam"});
    let made = ada.post("/v1/rooms", body).await.ok(201);
    let room = id_of(&made);
    assert_eq!(made["visibility"], "public");
    assert_eq!(made["membership"]["role"], "owner");
    let found = items(
        &bob.get(&format!("/v1/rooms?visibility=public&name={}", name.to_lowercase()))
            .await
            .ok(200),
    );
    assert_eq!(found.len(), 1);
    assert_eq!((id_of(&found[0]), &found[0]["topic"]), (room.clone(), &json!("Steam")));
    let prefix = &name[..name.len() - 1];
    let found =
        items(&bob.get(&format!("/v1/rooms?visibility=public&query={prefix}")).await.ok(200));
    assert!(found.iter().any(|found| id_of(found) == room));

    let mut socket = ada.connect().await;
    let joined = bob.put_empty(&format!("/v1/rooms/{room}/members/me")).await.ok(200);
    assert_eq!(id_of(&joined), room);
    let event = socket.event_in(&room, "member.joined").await;
    assert_eq!(event["data"]["user_id"], bob.id);
    // Joining twice is joining once.
    bob.put_empty(&format!("/v1/rooms/{room}/members/me")).await.ok(200);
    let seen = bob.room(&room).await;
    assert_eq!((&seen["member_count"], &seen["membership"]["role"]), (&json!(2), &json!("member")));
    bob.says(&room, "I am here").await;

    assert_eq!(bob.delete(&format!("/v1/rooms/{room}/members/me")).await.status, 204);
    let event = socket.event_in(&room, "member.left").await;
    assert_eq!(event["data"]["user_id"], bob.id);
    let path = format!("/v1/rooms/{room}/messages");
    bob.post(&path, json!({"body": "and gone"})).await.any_problem(403..=404);
    assert_eq!(ada.room(&room).await["member_count"], 1);
    let mine = items(&bob.get("/v1/rooms").await.ok(200));
    assert!(mine.iter().all(|mine| id_of(mine) != room));
}

async fn channel_names_are_unique(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let (_, name) = ada.channel().await;
    let body = json!({"kind": "channel", "name": name.to_uppercase()});
    let problem = ada.post("/v1/rooms", body).await.problem(409, "already_exists");
    assert_eq!(problem["errors"][0]["pointer"], "/name");
    // Names of groups need not be unique.
    ada.post("/v1/rooms", json!({"kind": "group", "name": name})).await.ok(201);
    let other = unique("free");
    let asking = (0..6).map(|_| {
        let (ada, other) = (ada.clone(), other.clone());
        async move { ada.post("/v1/rooms", json!({"kind": "channel", "name": other})).await.status }
    });
    let statuses = futures_util::future::join_all(asking).await;
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
}

async fn a_private_room_is_not_found_by_outsiders(place: Place) {
    let (ada, eve) = (Person::register(&place, "ada").await, Person::register(&place, "eve").await);
    let room = ada.group(&[]).await;
    let message = id_of(&ada.says(&room, "secret").await);
    let nowhere = format!("{}000000", &room[..room.len() - 6]);
    let nothing = format!("{}000000", &message[..message.len() - 6]);
    for (method, path, body) in [
        ("GET", "/v1/rooms/{room}", Value::Null),
        ("GET", "/v1/rooms/{room}/members", Value::Null),
        ("GET", "/v1/rooms/{room}/messages", Value::Null),
        ("POST", "/v1/rooms/{room}/messages", json!({"body": "hi"})),
        ("PATCH", "/v1/rooms/{room}", json!({"name": "mine"})),
        ("DELETE", "/v1/rooms/{room}", Value::Null),
        ("PUT", "/v1/rooms/{room}/members/me", Value::Null),
        ("DELETE", "/v1/rooms/{room}/members/me", Value::Null),
        ("POST", "/v1/rooms/{room}/members", json!({"user": eve.id})),
        ("PUT", "/v1/rooms/{room}/read", json!({"message_id": message})),
        ("GET", "/v1/messages/{message}", Value::Null),
        ("PATCH", "/v1/messages/{message}", json!({"body": "mine"})),
        ("DELETE", "/v1/messages/{message}", Value::Null),
    ] {
        let mut answers = Vec::new();
        for (room, message) in [(&room, &message), (&nowhere, &nothing)] {
            let path = path.replace("{room}", room).replace("{message}", message);
            let mut ask = eve.ask(method, &path);
            if !body.is_null() {
                ask = ask.json(body.clone());
            }
            let mut problem = ask.send().await.problem(404, "not_found");
            problem["trace_id"] = Value::Null;
            answers.push(problem);
        }
        assert_eq!(answers[0], answers[1], "{method} {path}");
    }
    let found = items(&eve.get("/v1/rooms?visibility=public&limit=200").await.ok(200));
    assert!(found.iter().all(|found| id_of(found) != room));
    let mut socket = eve.connect().await;
    let mut frames = Vec::new();
    for room in [&room, &nowhere] {
        let mut answer = socket.call(json!({"type": "post", "room_id": room, "body": "hi"})).await;
        assert_eq!(answer["error"]["code"], "not_found", "{answer}");
        answer["id"] = Value::Null;
        answer["error"]["trace_id"] = Value::Null;
        frames.push(answer);
    }
    assert_eq!(frames[0], frames[1]);
    assert_eq!(ada.messages(&room).await.len(), 1);
}

async fn one_set_of_people_has_one_direct_room(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let bob = Person::register_at(&place, 1, "bob").await;
    let eve = Person::register(&place, "eve").await;
    let made = ada.post("/v1/direct", json!({"members": [bob.at_name()]})).await.ok(201);
    assert_eq!(made["kind"], "direct");
    let room = id_of(&made);
    for (who, other) in [(&ada, &bob), (&bob, &ada)] {
        let found = who.post("/v1/direct", json!({"members": [other.id]})).await.ok(200);
        assert_eq!(id_of(&found), room);
    }
    let three = ada.direct(&[&bob, &eve]).await;
    assert_ne!(three, room);
    assert_eq!(eve.direct(&[&ada, &bob]).await, three);
    eve.get(&format!("/v1/rooms/{room}")).await.problem(404, "not_found");
    // Opened from both sides at once it is still one.
    let dan = Person::register(&place, "dan").await;
    let asking = (0..8).map(|number| {
        let (who, other) = if number % 2 == 0 { (&eve, &dan) } else { (&dan, &eve) };
        async move { who.direct(&[other]).await }
    });
    let rooms = futures_util::future::join_all(asking).await;
    assert!(rooms.iter().all(|room| *room == rooms[0]), "{rooms:?}");
    let unknown = json!({"members": [format!("@{}", unique("absent"))]});
    ada.post("/v1/direct", unknown).await.any_problem(400..=404);
    // There is no leaving it, only hiding it.
    assert_eq!(ada.delete(&format!("/v1/rooms/{room}/members/me")).await.status, 204);
    assert_eq!(ada.room(&room).await["member_count"], 2);
}

async fn members_come_and_go(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let bob = Person::register_at(&place, 1, "bob").await;
    let eve = Person::register(&place, "eve").await;
    let room = ada.group(&[&bob]).await;
    let members = format!("/v1/rooms/{room}/members");
    let listed = items(&bob.get(&members).await.ok(200));
    assert_eq!(listed.len(), 2);
    let role = |user: &Person| {
        let found = listed.iter().find(|member| member["user"]["id"] == user.id).expect("listed");
        found["role"].clone()
    };
    assert_eq!((role(&ada), role(&bob)), (json!("owner"), json!("member")));

    let mut bobs = bob.connect().await;
    let mut eves = eve.connect().await;
    bob.post(&members, json!({"user": eve.at_name()})).await.problem(403, "forbidden");
    ada.post(&members, json!({"user": eve.at_name()})).await.ok(201);
    let event = bobs.event_in(&room, "member.joined").await;
    assert_eq!(event["data"]["user_id"], eve.id);
    let event = eves.event_in(&room, "member.joined").await;
    assert_eq!(event["data"]["user_id"], eve.id);
    // From now on the new member hears what is said, on the socket that was open before.
    bob.says(&room, "welcome, eve").await;
    assert_eq!(eves.event_in(&room, "message.posted").await["data"]["body"], "welcome, eve");

    let path = format!("{members}/{}", bob.id);
    eve.patch(&path, json!({"role": "admin"})).await.problem(403, "forbidden");
    ada.patch(&path, json!({"role": "admin"})).await.ok(200);
    let event = bobs.event_in(&room, "member.changed").await;
    assert_eq!(event["data"]["role"], "admin");
    // Now bob may remove eve, and not ada.
    bob.delete(&format!("{members}/{}", ada.id)).await.problem(403, "forbidden");
    assert_eq!(bob.delete(&format!("{members}/{}", eve.id)).await.status, 204);
    let event = eves.event_in(&room, "member.left").await;
    assert_eq!(event["data"]["user_id"], eve.id);
    ada.says(&room, "eve is gone").await;
    bobs.expect("bob still hears", |frame| frame["data"]["body"] == "eve is gone").await;
    let heard = eves.all().await;
    assert!(heard.iter().all(|frame| frame["data"]["body"] != "eve is gone"), "{heard:?}");
    eve.get(&format!("/v1/rooms/{room}/messages")).await.problem(404, "not_found");
}

async fn a_room_is_changed_by_those_who_may(place: Place) {
    let (ada, bob) =
        (Person::register(&place, "ada").await, Person::register_at(&place, 1, "bob").await);
    let room = ada.group(&[&bob]).await;
    let path = format!("/v1/rooms/{room}");
    let mut socket = bob.connect().await;
    bob.patch(&path, json!({"topic": "mine"})).await.problem(403, "forbidden");
    let changed = ada.patch(&path, json!({"name": "Newer", "topic": "Looms"})).await.ok(200);
    assert_eq!((&changed["name"], &changed["topic"]), (&json!("Newer"), &json!("Looms")));
    let event = socket.event_in(&room, "room.changed").await;
    assert_eq!(event["data"]["name"], "Newer");
    assert_eq!(bob.room(&room).await["topic"], "Looms");
    let cleared = ada.patch(&path, json!({"topic": null})).await.ok(200);
    assert!(cleared.get("topic").is_none_or(Value::is_null));
    for bad in [
        json!({"name": ""}),
        json!({"kind": "direct"}),
        json!({"topic": 7}),
        json!([]),
        json!({"owners": []}),
    ] {
        ada.patch(&path, bad).await.problem(400, "validation_failed");
    }
}

async fn the_last_owner_cannot_leave(place: Place) {
    let (ada, bob) = (Person::register(&place, "ada").await, Person::register(&place, "bob").await);
    let room = ada.group(&[&bob]).await;
    let me = format!("/v1/rooms/{room}/members/me");
    ada.delete(&me).await.problem(409, "conflict");
    let path = format!("/v1/rooms/{room}/members/{}", bob.id);
    ada.patch(&path, json!({"role": "owner"})).await.ok(200);
    assert_eq!(ada.delete(&me).await.status, 204);
    bob.delete(&me).await.problem(409, "conflict");
}

async fn an_archived_room_is_read_only(place: Place) {
    let (ada, bob) =
        (Person::register(&place, "ada").await, Person::register_at(&place, 1, "bob").await);
    let room = ada.group(&[&bob]).await;
    let message = id_of(&ada.says(&room, "before").await);
    let mut socket = bob.connect().await;
    bob.delete(&format!("/v1/rooms/{room}")).await.problem(403, "forbidden");
    let answer = ada.delete(&format!("/v1/rooms/{room}")).await;
    assert!([200, 204].contains(&answer.status), "{}", answer.text);
    assert_eq!(socket.event_in(&room, "room.archived").await["data"]["archived"], true);
    assert_eq!(bob.room(&room).await["archived"], true);
    let path = format!("/v1/rooms/{room}/messages");
    ada.post(&path, json!({"body": "after"})).await.any_problem(403..=409);
    let answer = socket.post_as(&room, "late", "after").await;
    assert_eq!(answer["type"], "error", "{answer}");
    ada.patch(&format!("/v1/messages/{message}"), json!({"body": "x"}))
        .await
        .any_problem(403..=409);
    assert_eq!(bob.messages(&room).await.len(), 1);
}

async fn rooms_are_listed_by_activity(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let mut rooms = Vec::new();
    for _ in 0..5 {
        rooms.push(ada.group(&[]).await);
    }
    ada.says(&rooms[1], "newest").await;
    let mut listed = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = ada.get(&format!("/v1/rooms?limit=2{cursor}")).await.ok(200);
        listed.extend(items(&page));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let ours: Vec<String> = listed.iter().map(id_of).filter(|id| rooms.contains(id)).collect();
    let wanted = [1, 4, 3, 2, 0].map(|place| rooms[place].clone());
    assert_eq!(ours, wanted);
    let newest = listed.iter().find(|room| id_of(room) == rooms[1]).unwrap();
    assert_eq!(newest["last_message"]["body"], "newest");
    assert_eq!(newest["message_count"], 1);
    for bad in
        ["limit=0", "limit=201", "limit=x", "limit=-1", "cursor=%00", "cursor=abc", "nonsense=1"]
    {
        ada.get(&format!("/v1/rooms?{bad}")).await.problem(400, "validation_failed");
    }
}
