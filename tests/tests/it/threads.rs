//! Threads: who follows them, what is unread in them, what the followers' devices and inboxes are told.

use serde_json::{Value, json};
use tests::kit::installation::Place;
use tests::kit::person::{Person, id_of, items};
use tests::kit::until;

everywhere!(
    who_starts_answers_or_is_named_follows_from_then_on,
    counts_hold_under_edits_deletions_and_markers,
    the_list_is_the_newest_answer_first_and_pages_miss_nothing,
    leaving_ends_following,
    what_one_device_does_the_others_hear_and_nobody_else,
    what_was_done_meanwhile_is_told_in_a_resume,
    outsiders_and_strange_input_change_nothing,
    a_race_of_markers_ends_at_the_furthest,
);

pub(crate) struct Three {
    pub(crate) ada: Person,
    pub(crate) bob: Person,
    pub(crate) cyd: Person,
    pub(crate) room: String,
}

pub(crate) async fn three(place: &Place) -> Three {
    let ada = Person::register(place, "ada").await;
    let bob = Person::register_at(place, 1, "bob").await;
    let cyd = Person::register(place, "cyd").await;
    let room = ada.group(&[&bob, &cyd]).await;
    Three { ada, bob, cyd, room }
}

pub(crate) async fn says(who: &Person, room: &str, body: &str) -> String {
    id_of(&who.says(room, body).await)
}

pub(crate) async fn answers(who: &Person, room: &str, root: &str, body: &str) -> String {
    let body = json!({"body": body, "thread_root_id": root});
    id_of(&who.post(&format!("/v1/rooms/{room}/messages"), body).await.ok(201))
}

pub(crate) async fn deletes(who: &Person, message: &str) {
    assert_eq!(who.delete(&format!("/v1/messages/{message}")).await.status, 204);
}

async fn follows(who: &Person, root: &str) {
    assert_eq!(who.put_empty(&format!("/v1/messages/{root}/follow")).await.status, 204);
}

async fn unfollows(who: &Person, root: &str) {
    assert_eq!(who.delete(&format!("/v1/messages/{root}/follow")).await.status, 204);
}

pub(crate) async fn reads(who: &Person, root: &str, answer: &str) -> Value {
    let path = format!("/v1/messages/{root}/thread/read");
    who.put(&path, json!({"message_id": answer})).await.ok(200)
}

async fn threads(who: &Person, room: &str) -> Vec<Value> {
    items(&who.get(&format!("/v1/rooms/{room}/threads")).await.ok(200))
}

/// Waits until a thread stands so for a user: unread, mentions, whether they follow it.
async fn stands(who: &Person, room: &str, root: &str, expected: (u64, u64, bool)) -> Value {
    let mut last = Vec::new();
    until(&format!("{expected:?} in the thread, not {last:#?}"), async || {
        last = threads(who, room).await;
        let thread = last.iter().find(|one| one["root"]["id"] == root)?.clone();
        let found = (
            thread["unread_count"].as_u64()?,
            thread["mention_count"].as_u64()?,
            thread["following"].as_bool()?,
        );
        (found == expected).then_some(thread)
    })
    .await
}

/// Waits until the badge counts so many threads.
async fn badge(who: &Person, expected: u64) {
    until(&format!("{expected} threads on the badge"), async || {
        let badge = who.get("/v1/users/me/unread").await.ok(200);
        (badge["threads"] == expected).then_some(())
    })
    .await;
}

async fn who_starts_answers_or_is_named_follows_from_then_on(place: Place) {
    let Three { ada, bob, cyd, room } = three(&place).await;
    let root = says(&ada, &room, "a question").await;
    assert!(threads(&ada, &room).await.is_empty(), "no answers, no thread");
    answers(&bob, &room, &root, "one").await;
    stands(&ada, &room, &root, (1, 0, true)).await;
    stands(&bob, &room, &root, (0, 0, true)).await;
    stands(&cyd, &room, &root, (0, 0, false)).await;
    answers(&bob, &room, &root, &format!("ask {}", cyd.at_name())).await;
    stands(&cyd, &room, &root, (1, 1, true)).await;
    stands(&ada, &room, &root, (2, 0, true)).await;
    badge(&cyd, 1).await;
    // An own answer moves the marker, and comes last among the participants.
    answers(&cyd, &room, &root, "well").await;
    let thread = stands(&cyd, &room, &root, (0, 0, true)).await;
    badge(&cyd, 0).await;
    let people: Vec<&Value> =
        thread["participants"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
    assert_eq!(people, [&json!(cyd.id), &json!(bob.id)]);
    assert_eq!(thread["root"]["reply_count"], 3);
    let last = cyd.messages(&room).await.last().unwrap()["created_at"].clone();
    assert_eq!(thread["root"]["last_reply_at"], last);
    // Who does not follow is not counted for; who follows by themselves counts from then on.
    unfollows(&ada, &root).await;
    stands(&ada, &room, &root, (0, 0, false)).await;
    answers(&bob, &room, &root, "unheard").await;
    badge(&ada, 0).await;
    follows(&ada, &root).await;
    stands(&ada, &room, &root, (0, 0, true)).await;
    answers(&bob, &room, &root, "heard").await;
    stands(&ada, &room, &root, (1, 0, true)).await;
    // The main timeline is not concerned.
    assert_eq!(bob.room(&room).await["membership"]["unread_count"], 1);
    let listed = items(&bob.get(&format!("/v1/rooms/{room}/messages?threads=false")).await.ok(200));
    assert_eq!(listed.len(), 1);
    let listed = format!("/v1/rooms/{room}/messages?thread={root}");
    assert_eq!(items(&bob.get(&listed).await.ok(200)).len(), 5);
}

async fn counts_hold_under_edits_deletions_and_markers(place: Place) {
    let Three { ada, bob, room, cyd } = three(&place).await;
    let root = says(&ada, &room, "root").await;
    let mut said = Vec::new();
    for number in 0..5 {
        said.push(answers(&bob, &room, &root, &format!("{number} {}", ada.at_name())).await);
    }
    stands(&ada, &room, &root, (5, 5, true)).await;
    deletes(&bob, &said[3]).await;
    stands(&ada, &room, &root, (4, 4, true)).await;
    let edit = json!({"body": "names no member now"});
    bob.patch(&format!("/v1/messages/{}", said[4]), edit).await.ok(200);
    stands(&ada, &room, &root, (4, 3, true)).await;
    let read = reads(&ada, &root, &said[1]).await;
    assert_eq!((&read["message_id"], &read["user_id"]), (&json!(said[1]), &json!(ada.id)));
    stands(&ada, &room, &root, (2, 1, true)).await;
    // Backwards is nowhere, and the root stands before all.
    for earlier in [&said[0], &root] {
        assert_eq!(reads(&ada, &root, earlier).await["message_id"], json!(said[1]));
    }
    stands(&ada, &room, &root, (2, 1, true)).await;
    let last_at = async |who: &Person| {
        who.get(&format!("/v1/messages/{root}")).await.ok(200)["last_reply_at"].clone()
    };
    let at = |id: &str| {
        let path = format!("/v1/messages/{id}");
        let ada = &ada;
        async move { ada.get(&path).await.ok(200)["created_at"].clone() }
    };
    assert_eq!(last_at(&ada).await, at(&said[4]).await);
    deletes(&bob, &said[4]).await;
    stands(&ada, &room, &root, (1, 1, true)).await;
    assert_eq!(last_at(&ada).await, at(&said[2]).await, "the newest that stands");
    // A mention that an edit adds has its user follow, from then on.
    let edit = json!({"body": format!("and {}", cyd.at_name())});
    bob.patch(&format!("/v1/messages/{}", said[0]), edit).await.ok(200);
    stands(&cyd, &room, &root, (0, 0, true)).await;
    for answer in &said[..3] {
        deletes(&bob, answer).await;
    }
    badge(&ada, 0).await;
    until("a thread without answers is on no list", async || {
        threads(&ada, &room).await.is_empty().then_some(())
    })
    .await;
    assert_eq!(last_at(&ada).await, Value::Null);
    // It is one again with the next answer.
    answers(&bob, &room, &root, "again").await;
    let thread = stands(&ada, &room, &root, (1, 0, true)).await;
    assert_eq!(thread["root"]["reply_count"], 1);
    badge(&ada, 1).await;
}

async fn the_list_is_the_newest_answer_first_and_pages_miss_nothing(place: Place) {
    let Three { ada, bob, room, .. } = three(&place).await;
    let mut roots = Vec::new();
    for number in 0..5 {
        roots.push(says(&ada, &room, &format!("root {number}")).await);
    }
    for root in roots.iter().chain([&roots[1]]) {
        answers(&bob, &room, root, "an answer").await;
    }
    stands(&ada, &room, &roots[1], (2, 0, true)).await;
    let listed = threads(&ada, &room).await;
    let ids: Vec<&str> = listed.iter().map(|one| one["root"]["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [&roots[1], &roots[4], &roots[3], &roots[2], &roots[0]]);
    // One that is answered between two pages is not missed.
    let path = format!("/v1/rooms/{room}/threads?limit=2");
    let page = ada.get(&path).await.ok(200);
    answers(&bob, &room, &roots[0], "moves to the front").await;
    stands(&ada, &room, &roots[0], (2, 0, true)).await;
    let (mut seen, mut cursor) = (items(&page), page["next_cursor"].clone());
    while let Some(next) = cursor.as_str() {
        let page = ada.get(&format!("{path}&cursor={next}")).await.ok(200);
        seen.extend(items(&page));
        cursor = page["next_cursor"].clone();
    }
    for root in &roots {
        assert!(seen.iter().any(|one| one["root"]["id"] == **root), "{root} is missing");
    }
    assert_eq!(ada.get(&format!("{path}&cursor=junk")).await.status, 400);
}

async fn leaving_ends_following(place: Place) {
    let Three { ada, bob, room, .. } = three(&place).await;
    let root = says(&bob, &room, "root").await;
    answers(&ada, &room, &root, "one").await;
    stands(&bob, &room, &root, (1, 0, true)).await;
    badge(&bob, 1).await;
    assert_eq!(bob.delete(&format!("/v1/rooms/{room}/members/me")).await.status, 204);
    badge(&bob, 0).await;
    assert_eq!(bob.get(&format!("/v1/rooms/{room}/threads")).await.status, 404);
    assert_eq!(bob.put_empty(&format!("/v1/messages/{root}/follow")).await.status, 404);
    answers(&ada, &room, &root, "two").await;
    ada.post(&format!("/v1/rooms/{room}/members"), json!({"user": bob.id})).await.ok(201);
    stands(&bob, &room, &root, (0, 0, false)).await;
    follows(&bob, &root).await;
    stands(&bob, &room, &root, (0, 0, true)).await;
    answers(&ada, &room, &root, "three").await;
    stands(&bob, &room, &root, (1, 0, true)).await;
    badge(&bob, 1).await;
}

async fn what_one_device_does_the_others_hear_and_nobody_else(place: Place) {
    let Three { ada, bob, room, .. } = three(&place).await;
    let root = says(&ada, &room, "root").await;
    let (mut device, mut other) = (bob.connect().await, bob.at(0).connect().await);
    let mut foreign = ada.connect().await;
    follows(&bob, &root).await;
    let told = other.event_in(&room, "thread.followed").await;
    assert_eq!(told["data"], json!({"thread_root_id": root}));
    assert_eq!(told["previous"], Value::Null);
    // Once more changes nothing and tells nothing.
    follows(&bob, &root).await;
    let answer = answers(&ada, &room, &root, "an answer").await;
    let frame =
        json!({"type": "read", "room_id": room, "message_id": answer, "thread_root_id": root});
    let ok = device.call(frame.clone()).await;
    assert_eq!(ok["type"], "ok", "{ok}");
    let told = other.event_in(&room, "thread.read").await;
    let expected = json!({"user_id": bob.id, "message_id": answer, "thread_root_id": root});
    assert_eq!(told["data"], expected);
    assert_eq!(device.call(frame).await["type"], "ok");
    stands(&bob, &room, &root, (0, 0, true)).await;
    unfollows(&bob, &root).await;
    unfollows(&bob, &root).await;
    other.event_in(&room, "thread.unfollowed").await;
    let end = says(&ada, &room, "the end").await;
    let is_end = |frame: &Value| frame["data"]["id"] == end;
    for socket in [&mut device, &mut other, &mut foreign] {
        socket.expect("the end", is_end).await;
    }
    let about_threads = |frames: Vec<Value>| -> Vec<String> {
        let name = |frame: &Value| frame["event"].as_str().map(ToOwned::to_owned);
        let names = frames.iter().filter_map(name);
        names.filter(|name| name.starts_with("thread.")).collect()
    };
    let repeated = about_threads(other.all().await);
    assert!(repeated.is_empty(), "told twice: {repeated:?}");
    let mut device = about_threads(device.all().await);
    device.sort();
    assert_eq!(device, ["thread.followed", "thread.read", "thread.unfollowed"]);
    let foreign = about_threads(foreign.all().await);
    assert!(foreign.is_empty(), "told to another user: {foreign:?}");
}

async fn what_was_done_meanwhile_is_told_in_a_resume(place: Place) {
    let Three { ada, bob, room, .. } = three(&place).await;
    let roots = [says(&ada, &room, "root").await, says(&ada, &room, "another").await];
    answers(&ada, &room, &roots[0], "an answer").await;
    let mut socket = bob.connect().await;
    says(&ada, &room, "heard").await;
    socket.event_in(&room, "message.posted").await;
    let position = socket.position.clone();
    drop(socket);
    // What the gateway does not know at the beginning of a resume it tells live.
    let mut device = bob.at(0).connect().await;
    follows(&bob, &roots[0]).await;
    // It counts from then on: what was answered before is read already.
    let answer = answers(&ada, &room, &roots[0], "another answer").await;
    reads(&bob, &roots[0], &answer).await;
    follows(&bob, &roots[1]).await;
    unfollows(&bob, &roots[1]).await;
    device.expect("all of it", |frame| frame["event"] == "thread.unfollowed").await;
    let mut socket = bob.at(0).resume(&position).await;
    socket.expect("resumed", |frame| frame["type"] == "resumed").await;
    let frames = socket.all().await;
    let told: Vec<(&str, &str)> = frames
        .iter()
        .filter_map(|frame| {
            let name = frame["event"].as_str().filter(|name| name.starts_with("thread."))?;
            Some((name, frame["data"]["thread_root_id"].as_str()?))
        })
        .collect();
    let expected = [
        ("thread.followed", roots[0].as_str()),
        ("thread.read", &roots[0]),
        ("thread.unfollowed", &roots[1]),
    ];
    assert_eq!(told, expected);
}

async fn outsiders_and_strange_input_change_nothing(place: Place) {
    let Three { ada, bob, room, .. } = three(&place).await;
    let eve = Person::register(&place, "eve").await;
    let root = says(&ada, &room, "root").await;
    let answer = answers(&bob, &room, &root, "an answer").await;
    let elsewhere = ada.group(&[&bob]).await;
    let other = says(&ada, &elsewhere, "elsewhere").await;
    let follow = |id: &str| format!("/v1/messages/{id}/follow");
    let read = |id: &str| format!("/v1/messages/{id}/thread/read");
    let up_to = |id: &str| json!({"message_id": id});
    // Who is not in the room learns nothing.
    assert_eq!(eve.put_empty(&follow(&root)).await.status, 404);
    assert_eq!(eve.delete(&follow(&root)).await.status, 404);
    assert_eq!(eve.put(&read(&root), up_to(&answer)).await.status, 404);
    assert_eq!(eve.get(&format!("/v1/rooms/{room}/threads")).await.status, 404);
    // An answer begins no thread; an answer of another thread, or another room, is none of this one.
    assert_eq!(bob.put_empty(&follow(&answer)).await.status, 409);
    assert_eq!(bob.put(&read(&answer), up_to(&answer)).await.status, 409);
    assert_eq!(bob.put(&read(&root), up_to(&other)).await.status, 404);
    assert_eq!(bob.put(&read(&other), up_to(&answer)).await.status, 404);
    let nothing = "msg_00000000000000000000000000";
    assert_eq!(bob.put_empty(&follow(nothing)).await.status, 404);
    assert_eq!(bob.put(&read(&root), up_to(nothing)).await.status, 404);
    for body in [json!({}), json!({"message_id": 7}), json!({"message_id": answer, "more": 1})] {
        assert_eq!(bob.put(&read(&root), body).await.status, 400);
    }
    assert_eq!(bob.put(&follow(&root), json!({"level": 3})).await.status, 400);
    let mut socket = bob.connect().await;
    let wrong_room = json!({
        "type": "read", "room_id": elsewhere, "message_id": answer, "thread_root_id": root,
    });
    assert_eq!(socket.call(wrong_room).await["error"]["status"], 404);
    // A muted member, and anybody in an archived room, may follow and read.
    let until = json!({"muted_until": "2100-01-01T00:00:00.000Z"});
    ada.patch(&format!("/v1/rooms/{room}/members/{}", bob.id), until).await.ok(200);
    unfollows(&bob, &root).await;
    ada.delete(&format!("/v1/rooms/{room}")).await;
    follows(&bob, &root).await;
    reads(&bob, &root, &answer).await;
    stands(&bob, &room, &root, (0, 0, true)).await;
}

async fn a_race_of_markers_ends_at_the_furthest(place: Place) {
    let Three { ada, bob, room, .. } = three(&place).await;
    let root = says(&ada, &room, "root").await;
    let mut said = Vec::new();
    for number in 0..10 {
        said.push(answers(&bob, &room, &root, &format!("{number}")).await);
    }
    stands(&ada, &room, &root, (10, 0, true)).await;
    let mut device = ada.connect().await;
    let marks = said.iter().rev().map(|answer| reads(&ada, &root, answer));
    futures_util::future::join_all(marks).await;
    stands(&ada, &room, &root, (0, 0, true)).await;
    let end = says(&bob, &room, "the end").await;
    device.expect("the end", |frame| frame["data"]["id"] == end).await;
    let place = |frame: &Value| {
        let to = frame["data"]["message_id"].as_str()?;
        said.iter().position(|answer| answer == to)
    };
    let frames = device.all().await;
    let told: Vec<usize> =
        frames.iter().filter(|frame| frame["event"] == "thread.read").filter_map(place).collect();
    assert!(told.is_sorted() && told.last() == Some(&9), "{told:?}");
}
