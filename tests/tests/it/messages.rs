//! Messages, history, read markers.

use serde_json::{Value, json};
use tests::kit::installation::Place;
use tests::kit::person::{Person, bodies, id_of, items};
use tests::kit::unique;

everywhere!(
    a_message_is_posted_and_read,
    a_repeat_of_a_client_id_finds_the_first,
    a_message_is_edited_by_its_author,
    a_message_is_deleted_and_keeps_its_number,
    history_is_paged_both_ways,
    numbers_are_dense_under_concurrency,
    unread_and_mentions_are_counted,
    read_markers_only_move_forwards,
    a_thread_gathers_its_answers,
);

async fn pair(place: &Place) -> (Person, Person, String) {
    let ada = Person::register(place, "ada").await;
    let bob = Person::register_at(place, 1, "bob").await;
    let room = ada.group(&[&bob]).await;
    (ada, bob, room)
}

async fn a_message_is_posted_and_read(place: Place) {
    let (ada, bob, room) = pair(&place).await;
    let body = "Grüße 🦀\nsecond line\t<b>&amp;</b>";
    let posted = ada
        .post(&format!("/v1/rooms/{room}/messages"), json!({"body": body, "format": "markdown"}))
        .await;
    let position = posted.header("tidings-position").to_owned();
    let message = posted.ok(201);
    assert_eq!(message["position"], position);
    assert_eq!(message["number"], Value::Null);
    assert_eq!(message["sender"]["id"], ada.id);
    let read = bob.get(&format!("/v1/messages/{}", id_of(&message))).await.ok(200);
    assert_eq!(read["body"], body);
    assert_eq!((&read["number"], &read["format"]), (&json!(1), &json!("markdown")));
    assert_eq!((&read["reply_count"], &read["pinned"]), (&json!(0), &json!(false)));
    assert_eq!((&read["attachments"], &read["reactions"]), (&json!([]), &json!([])));
    assert_eq!(read["sender"]["username"], ada.username);
    let mut socket = bob.connect().await;
    let ok = socket.post(&room, "over the socket").await;
    assert_eq!(ok["result"]["body"], "over the socket");
    assert!(ok["position"].is_string());
    assert_eq!(bodies(&ada.messages(&room).await), [body, "over the socket"]);
    let last = ada.room(&room).await;
    assert_eq!(last["last_message"]["body"], "over the socket");
    assert_eq!(last["message_count"], 2);
}

async fn a_repeat_of_a_client_id_finds_the_first(place: Place) {
    let (ada, bob, room) = pair(&place).await;
    let path = format!("/v1/rooms/{room}/messages");
    let first = ada.post(&path, json!({"body": "once", "client_id": "c-1"})).await.ok(201);
    assert_eq!(first["client_id"], "c-1");
    let again = ada.post(&path, json!({"body": "once", "client_id": "c-1"})).await.ok(200);
    assert_eq!((&again["id"], &again["position"]), (&first["id"], &first["position"]));
    // Over the socket and at another gateway it is the same.
    let mut socket = ada.at(1).connect().await;
    let answer = socket.post_as(&room, "c-1", "once").await;
    assert_eq!(answer["result"]["id"], first["id"], "{answer}");
    // Another user's client id, and the same one in another room, are different ones.
    let other = ada.group(&[]).await;
    bob.post(&path, json!({"body": "mine", "client_id": "c-1"})).await.ok(201);
    ada.post(&format!("/v1/rooms/{other}/messages"), json!({"body": "x", "client_id": "c-1"}))
        .await
        .ok(201);
    // Posted from many clients at once it is stored once.
    let asking = (0..10).map(|number| {
        let ada = ada.at(number);
        let path = &path;
        async move { ada.post(path, json!({"body": "race", "client_id": "c-2"})).await }
    });
    let answers = futures_util::future::join_all(asking).await;
    let ids: Vec<String> = answers.iter().map(|answer| id_of(&answer.json)).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    assert_eq!(bodies(&bob.messages(&room).await), ["once", "mine", "race"]);
}

async fn a_message_is_edited_by_its_author(place: Place) {
    let (ada, bob, room) = pair(&place).await;
    let message = ada.says(&room, "teh").await;
    let path = format!("/v1/messages/{}", id_of(&message));
    let mut socket = bob.connect().await;
    let edited = ada.patch(&path, json!({"body": "the"})).await.ok(200);
    assert_eq!(edited["body"], "the");
    assert!(edited["edited_at"].is_string());
    assert_eq!(edited["position"], message["position"], "an edit does not move a message");
    let event = socket.event_in(&room, "message.edited").await;
    assert_eq!((&event["data"]["id"], &event["data"]["body"]), (&message["id"], &json!("the")));
    bob.patch(&path, json!({"body": "mine"})).await.problem(403, "forbidden");
    let mut adas = ada.at(1).connect().await;
    let answer =
        adas.call(json!({"type": "edit", "message_id": id_of(&message), "body": "then"})).await;
    assert_eq!(answer["type"], "ok", "{answer}");
    let read = bob.get(&path).await.ok(200);
    assert_eq!((&read["body"], &read["number"]), (&json!("then"), &json!(1)));
}

async fn a_message_is_deleted_and_keeps_its_number(place: Place) {
    let (ada, bob, room) = pair(&place).await;
    let first = id_of(&ada.says(&room, "regret").await);
    let second = id_of(&bob.says(&room, "answer").await);
    let mut socket = bob.connect().await;
    let path = format!("/v1/messages/{first}");
    bob.delete(&path).await.problem(403, "forbidden");
    assert_eq!(ada.delete(&path).await.status, 204);
    let event = socket.event_in(&room, "message.deleted").await;
    assert_eq!((&event["data"]["id"], &event["data"]["body"]), (&json!(first), &json!("")));
    let read = bob.messages(&room).await;
    assert_eq!(bodies(&read), ["", "answer"]);
    assert!(read[0]["deleted_at"].is_string());
    assert_eq!((&read[0]["number"], &read[1]["number"]), (&json!(1), &json!(2)));
    ada.patch(&path, json!({"body": "back"})).await.any_problem(404..=409);
    // A room's owner deletes messages of others.
    let answer = ada.delete(&format!("/v1/messages/{second}")).await;
    assert_eq!(answer.status, 204, "{}", answer.text);
    let mut bobs = bob.connect().await;
    let third = id_of(&bob.says(&room, "third").await);
    let answer = bobs.call(json!({"type": "delete", "message_id": third})).await;
    assert_eq!(answer["type"], "ok", "{answer}");
    assert_eq!(bodies(&ada.messages(&room).await), ["", "", ""]);
}

async fn history_is_paged_both_ways(place: Place) {
    let (ada, bob, room) = pair(&place).await;
    let mut ids = Vec::new();
    let mut socket = ada.connect().await;
    for number in 1..=25 {
        let ok = socket.post(&room, &format!("m{number}")).await;
        ada.place.wrote(ok["position"].as_str().unwrap());
        ids.push(id_of(&ok["result"]));
    }
    let page = async |query: &str| {
        let page = bob.get(&format!("/v1/rooms/{room}/messages?{query}")).await.ok(200);
        let numbers: Vec<u64> =
            items(&page).iter().map(|message| message["number"].as_u64().unwrap()).collect();
        numbers
    };
    assert_eq!(page("limit=5").await, [21, 22, 23, 24, 25]);
    assert_eq!(page(&format!("before={}&limit=3", ids[20])).await, [18, 19, 20]);
    assert_eq!(page(&format!("after={}&limit=3", ids[20])).await, [22, 23, 24]);
    assert_eq!(page(&format!("after={}", ids[24])).await, [] as [u64; 0]);
    assert_eq!(page(&format!("before={}", ids[0])).await, [] as [u64; 0]);
    let around = page(&format!("around={}&limit=5", ids[12])).await;
    assert_eq!(around.len(), 5);
    assert!(
        around.contains(&13) && around.windows(2).all(|two| two[0] + 1 == two[1]),
        "{around:?}"
    );
    assert_eq!(page("").await, (1..=25).collect::<Vec<u64>>());
    let path = format!("/v1/rooms/{room}/messages");
    let elsewhere = ada.group(&[]).await;
    let foreign = id_of(&ada.says(&elsewhere, "elsewhere").await);
    for bad in [
        format!("before={}&after={}", ids[1], ids[2]),
        "limit=0".to_owned(),
        "limit=1000000000".to_owned(),
        "before=*".to_owned(),
        "before=%3E".to_owned(),
        "around=".to_owned(),
        "before=msg_1%0d%0a".to_owned(),
        "what=1".to_owned(),
    ] {
        bob.get(&format!("{path}?{bad}")).await.problem(400, "validation_failed");
    }
    bob.get(&format!("{path}?before={foreign}")).await.any_problem(400..=404);
}

async fn numbers_are_dense_under_concurrency(place: Place) {
    let (ada, bob, room) = pair(&place).await;
    let saying = (0..40).map(|number| {
        let who = if number % 2 == 0 { ada.at(number) } else { bob.at(number) };
        let room = &room;
        async move { who.says(room, &format!("n{number}")).await }
    });
    let said = futures_util::future::join_all(saying).await;
    let read = ada.messages(&room).await;
    let numbers: Vec<u64> =
        read.iter().map(|message| message["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=40).collect::<Vec<u64>>());
    // Numbers follow the log.
    let sequence = |message: &Value| -> u64 {
        message["position"].as_str().unwrap().split(':').nth(1).unwrap().parse().unwrap()
    };
    let sequences: Vec<u64> = read.iter().map(sequence).collect();
    assert!(sequences.windows(2).all(|two| two[0] < two[1]), "{sequences:?}");
    assert_eq!(said.len(), 40);
}

async fn unread_and_mentions_are_counted(place: Place) {
    let (ada, bob, room) = pair(&place).await;
    let counts = async |who: &Person| {
        let membership = who.room(&room).await["membership"].clone();
        (
            membership["unread_count"].as_u64().unwrap(),
            membership["mention_count"].as_u64().unwrap(),
        )
    };
    assert_eq!(counts(&bob).await, (0, 0));
    ada.says(&room, "one").await;
    let second = ada.says(&room, &format!("two, {}", bob.at_name())).await;
    assert_eq!(second["mentions"], json!([bob.id]));
    ada.says(&room, "three, @room").await;
    let fourth = ada.says(&room, &format!("four, @{}", unique("absent"))).await;
    assert_eq!(fourth["mentions"], json!([]));
    assert_eq!(counts(&bob).await, (4, 2));
    assert_eq!(counts(&ada).await, (0, 0), "one's own messages are read");
    let read = format!("/v1/rooms/{room}/read");
    let marked = bob.put(&read, json!({"message_id": id_of(&second)})).await;
    assert!([200, 204].contains(&marked.status), "{}", marked.text);
    assert_eq!(counts(&bob).await, (2, 1));
    // An own post marks everything as read.
    bob.says(&room, "back").await;
    assert_eq!(counts(&bob).await, (0, 0));
    assert_eq!(counts(&ada).await, (1, 0));
    let listed = items(&ada.get("/v1/rooms").await.ok(200));
    let listed = listed.iter().find(|one| id_of(one) == room).unwrap();
    assert_eq!(listed["membership"]["unread_count"], 1);
}

async fn read_markers_only_move_forwards(place: Place) {
    let (ada, bob, room) = pair(&place).await;
    let mut ids = Vec::new();
    for number in 0..3 {
        ids.push(id_of(&ada.says(&room, &format!("m{number}")).await));
    }
    let mut adas = ada.connect().await;
    let mut bobs = bob.connect().await;
    let answer = bobs.call(json!({"type": "read", "room_id": room, "message_id": ids[1]})).await;
    assert_eq!(answer["type"], "ok", "{answer}");
    place.wrote(answer["position"].as_str().unwrap());
    let event = adas.event_in(&room, "read.moved").await;
    assert_eq!(
        (&event["data"]["user_id"], &event["data"]["message_id"]),
        (&json!(bob.id), &json!(ids[1]))
    );
    let path = format!("/v1/rooms/{room}/read");
    let back = bob.put(&path, json!({"message_id": ids[0]})).await;
    assert!([200, 204].contains(&back.status), "{}", back.text);
    assert_eq!(bob.room(&room).await["membership"]["last_read_message_id"], ids[1]);
    let readers = items(&ada.get(&format!("/v1/messages/{}/readers", ids[1])).await.ok(200));
    assert!(readers.iter().any(|reader| reader.to_string().contains(&bob.id)), "{readers:?}");
    let readers = items(&ada.get(&format!("/v1/messages/{}/readers", ids[2])).await.ok(200));
    assert!(!readers.iter().any(|reader| reader.to_string().contains(&bob.id)), "{readers:?}");
    let elsewhere = ada.group(&[]).await;
    let foreign = id_of(&ada.says(&elsewhere, "x").await);
    bob.put(&path, json!({"message_id": foreign})).await.any_problem(400..=404);
}

async fn a_thread_gathers_its_answers(place: Place) {
    let (ada, bob, room) = pair(&place).await;
    let root = id_of(&ada.says(&room, "question").await);
    let path = format!("/v1/rooms/{room}/messages");
    for body in ["answer 1", "answer 2"] {
        bob.post(&path, json!({"body": body, "thread_root_id": root})).await.ok(201);
    }
    bob.says(&room, "aside").await;
    let read = ada.get(&format!("/v1/messages/{root}")).await.ok(200);
    assert_eq!(read["reply_count"], 2);
    let thread = items(&ada.get(&format!("{path}?thread={root}")).await.ok(200));
    assert_eq!(bodies(&thread), ["answer 1", "answer 2"]);
    let elsewhere = ada.group(&[]).await;
    let foreign = id_of(&ada.says(&elsewhere, "x").await);
    let body = json!({"body": "y", "thread_root_id": foreign});
    bob.post(&path, body).await.any_problem(400..=404);
}
