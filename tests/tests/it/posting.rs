//! Rooms where only admins post, and slow mode.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::kit::installation::Place;
use tests::kit::person::{Person, id_of};
use tests::kit::until;

everywhere!(
    only_admins_post_and_others_answer,
    of_many_messages_at_once_slow_mode_lets_one_through,
    posting_is_the_matter_of_admins,
    null_takes_the_rules_for_writing_back,
    a_repeat_of_an_older_message_needs_no_turn_in_slow_mode,
);

async fn a_repeat_of_an_older_message_needs_no_turn_in_slow_mode(place: Place) {
    let (ada, bob) = (Person::register(&place, "ada").await, Person::register(&place, "bob").await);
    let room = ada.group(&[&bob]).await;
    let path = format!("/v1/rooms/{room}");
    ada.patch(&path, json!({"slow_mode_seconds": 1})).await.ok(200);
    let post = format!("{path}/messages");
    let said =
        |client: usize| json!({"client_id": format!("c{client}"), "body": format!("{client}")});
    let mut ids = Vec::new();
    for client in 0..3 {
        let written = until("it is their turn", async || {
            let answer = bob.post(&post, said(client)).await;
            (answer.status != 429).then_some(answer)
        });
        ids.push(id_of(&written.await.ok(201)));
    }
    ada.patch(&path, json!({"slow_mode_seconds": 600})).await.ok(200);
    until("the turn is not theirs", async || {
        (bob.post(&post, json!({"body": "too soon"})).await.status == 429).then_some(())
    })
    .await;
    bob.patch(&format!("/v1/messages/{}", ids[0]), json!({"body": "edited"})).await.ok(200);
    let mut socket = bob.connect().await;
    for (client, body) in [(0, "edited"), (1, "1"), (2, "2")] {
        let again = bob.post(&post, said(client)).await.ok(200);
        assert_eq!(
            (again["id"].as_str(), &again["body"]),
            (Some(ids[client].as_str()), &json!(body))
        );
        let mut frame = said(client);
        frame["type"] = json!("post");
        frame["room_id"] = json!(room);
        let answer = socket.call(frame).await;
        assert_eq!(answer["result"]["id"], ids[client], "{answer}");
    }
    let other = json!({"client_id": "c0", "body": "other"});
    bob.post(&post, other).await.problem(422, "idempotency_mismatch");
    bob.post(&post, json!({"client_id": "c3", "body": "new"})).await.problem(429, "rate_limited");
}

async fn null_takes_the_rules_for_writing_back(place: Place) {
    let (ada, bob) = (Person::register(&place, "ada").await, Person::register(&place, "bob").await);
    let room = ada.group(&[&bob]).await;
    let path = format!("/v1/rooms/{room}");
    let rules = json!({"posting": "admins", "slow_mode_seconds": 600});
    ada.patch(&path, rules).await.ok(200);
    // Each by itself: what is left out stays.
    let changed = ada.patch(&path, json!({"slow_mode_seconds": null})).await.ok(200);
    assert_eq!((&changed["posting"], &changed["slow_mode_seconds"]), (&json!("admins"), &json!(0)));
    let changed = ada.patch(&path, json!({"posting": null})).await.ok(200);
    assert_eq!(changed["posting"], "everyone");
    bob.says(&room, "free").await;
    bob.says(&room, "and at once again").await;
    bob.patch(&path, json!({"posting": null})).await.problem(403, "forbidden");
}

async fn only_admins_post_and_others_answer(place: Place) {
    let (ada, bob) = (Person::register(&place, "ada").await, Person::register(&place, "bob").await);
    let room = ada.group(&[&bob]).await;
    let mut socket = bob.connect().await;
    let changed =
        ada.patch(&format!("/v1/rooms/{room}"), json!({"posting": "admins"})).await.ok(200);
    assert_eq!((&changed["posting"], &changed["slow_mode_seconds"]), (&json!("admins"), &json!(0)));
    let told = socket.event_in(&room, "room.changed").await;
    assert_eq!(told["data"]["posting"], "admins");
    let root = id_of(&ada.says(&room, "news").await);
    let post = format!("/v1/rooms/{room}/messages");
    bob.post(&post, json!({"body": "x"})).await.problem(403, "forbidden");
    let refused = socket.call(json!({"type": "post", "room_id": room, "body": "x"})).await;
    assert_eq!(refused["error"]["code"], "forbidden");
    bob.post(&post, json!({"body": "an answer", "thread_root_id": root})).await.ok(201);
    ada.patch(&format!("/v1/rooms/{room}"), json!({"posting": "everyone"})).await.ok(200);
    bob.says(&room, "free again").await;
}

async fn of_many_messages_at_once_slow_mode_lets_one_through(place: Place) {
    let (ada, bob) = (Person::register(&place, "ada").await, Person::register(&place, "bob").await);
    let room = ada.group(&[&bob]).await;
    let root = id_of(&ada.says(&room, "root").await);
    ada.patch(&format!("/v1/rooms/{room}"), json!({"slow_mode_seconds": 600})).await.ok(200);
    let post = format!("/v1/rooms/{room}/messages");
    let frame = |n: usize| match n % 2 {
        0 => json!({"type": "post", "id": n, "room_id": room, "body": format!("{n}")}),
        _ => {
            json!({"type": "post", "id": n, "room_id": room, "body": format!("{n}"), "thread_root_id": root})
        }
    };
    // Several sockets, several posts waiting behind one another on each, and REST beside them.
    let mut sockets = Vec::new();
    for _ in 0..5 {
        sockets.push(bob.connect().await);
    }
    let by_socket = sockets.iter_mut().map(|socket| async {
        for n in 0..5 {
            socket.send(frame(n)).await;
        }
        let mut answers = Vec::new();
        for n in 0..5 {
            let answer = |f: &Value| f["id"] == json!(n) && f["type"] != "event";
            answers.push(socket.expect("an answer", answer).await);
        }
        answers
    });
    let by_rest = (0..5).map(|n| bob.post(&post, json!({"body": format!("rest {n}")})));
    let (answers, replies) = tokio::join!(join_all(by_socket), join_all(by_rest));
    let mut written = 0;
    for answer in answers.into_iter().flatten() {
        match answer["type"].as_str() {
            Some("ok") => written += 1,
            _ => assert_eq!(answer["error"]["code"], "rate_limited", "{answer}"),
        }
    }
    for reply in replies {
        if reply.status == 201 {
            written += 1;
            continue;
        }
        let wait: u32 = reply.header("retry-after").parse().unwrap();
        assert!((500..=600).contains(&wait), "{wait}");
        reply.problem(429, "rate_limited");
    }
    assert_eq!(written, 1);
    for n in 0..3 {
        ada.says(&room, &format!("admins as they like {n}")).await;
    }
    ada.patch(&format!("/v1/rooms/{room}"), json!({"slow_mode_seconds": 0})).await.ok(200);
    bob.says(&room, "one").await;
    bob.says(&room, "two").await;
    // A post that is refused for another reason takes no turn, and a repeat of the last one is no second post.
    ada.patch(&format!("/v1/rooms/{room}"), json!({"slow_mode_seconds": 600})).await.ok(200);
    bob.post(&post, json!({"body": "soon after"})).await.problem(429, "rate_limited");
    let cyd = Person::register(&place, "cyd").await;
    ada.post(&format!("/v1/rooms/{room}/members"), json!({"user": cyd.id})).await.ok(201);
    cyd.post(&post, json!({"body": ""})).await.problem(400, "validation_failed");
    let said = json!({"client_id": "once", "body": "once"});
    let first = cyd.post(&post, said.clone()).await.ok(201);
    assert_eq!(cyd.post(&post, said).await.ok(200)["id"], first["id"]);
    cyd.post(&post, json!({"client_id": "twice", "body": "x"})).await.problem(429, "rate_limited");
}

async fn posting_is_the_matter_of_admins(place: Place) {
    let (ada, bob) = (Person::register(&place, "ada").await, Person::register(&place, "bob").await);
    let room = ada.group(&[&bob]).await;
    let path = format!("/v1/rooms/{room}");
    for change in [json!({"posting": "admins"}), json!({"slow_mode_seconds": 5})] {
        bob.patch(&path, change.clone()).await.problem(403, "forbidden");
        let direct = ada.direct(&[&bob]).await;
        ada.patch(&format!("/v1/rooms/{direct}"), change).await.problem(409, "conflict");
    }
    for wrong in [
        json!({"posting": "nobody"}),
        json!({"slow_mode_seconds": 21_601}),
        json!({"slow_mode_seconds": -1}),
        json!({"slow_mode_seconds": 1.5}),
        json!({"slow_mode_seconds": "5"}),
    ] {
        ada.patch(&path, wrong).await.problem(400, "validation_failed");
    }
    ada.patch(&path, json!({"slow_mode_seconds": 21_600})).await.ok(200);
    assert_eq!(ada.room(&room).await["slow_mode_seconds"], 21_600);
}
