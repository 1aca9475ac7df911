//! A post that is sent again: with the same body it is the same message, as it is now; with another it is refused.

use std::collections::HashSet;

use serde_json::{Value, json};
use tests::kit::installation::{Installation, Place, RELAXED};
use tests::kit::person::{Person, Stranger, bodies, id_of, items};
use tests::kit::socket::Socket;
use tests::kit::unique;

everywhere!(
    a_repeat_is_answered_with_the_message_as_it_is_now,
    another_body_under_the_same_client_id_is_refused,
    each_of_several_posts_in_a_row_is_checked_for_repeats,
    a_repeat_is_answered_after_the_right_to_write_is_lost,
    an_idempotency_key_is_for_one_body,
    an_idempotency_key_makes_a_repeat_safe,
    an_idempotency_key_is_for_one_password,
    an_idempotency_key_is_for_one_login,
);

async fn as_it_is(ada: &Person, room: &str, post: &Value) -> Value {
    let path = format!("/v1/rooms/{room}/messages");
    let over_rest = ada.post(&path, post.clone()).await.ok(200);
    let mut socket = ada.at(1).connect().await;
    let mut frame = post.clone();
    frame["type"] = json!("post");
    frame["room_id"] = json!(room);
    let answer = socket.call(frame).await;
    assert_eq!(answer["type"], "ok", "{answer}");
    assert_eq!(answer["result"], over_rest);
    let read = ada.get(&format!("/v1/messages/{}", id_of(&over_rest))).await.ok(200);
    assert_eq!(over_rest, read, "the repeat shows what a read shows");
    over_rest
}

async fn a_repeat_is_answered_with_the_message_as_it_is_now(place: Place) {
    let (ada, bob) =
        (Person::register(&place, "ada").await, Person::register_at(&place, 1, "bob").await);
    let room = ada.group(&[&bob]).await;
    let path = format!("/v1/rooms/{room}/messages");
    let post = json!({"client_id": "c1", "body": "teh", "format": "markdown"});
    let message = id_of(&ada.post(&path, post.clone()).await.ok(201));
    assert_eq!(as_it_is(&ada, &room, &post).await["body"], "teh");
    let one = format!("/v1/messages/{message}");
    bob.post(&path, json!({"body": "an answer", "thread_root_id": message})).await.ok(201);
    for text in ["the", "then"] {
        ada.patch(&one, json!({"body": text})).await.ok(200);
        let now = as_it_is(&ada, &room, &post).await;
        assert_eq!((&now["body"], &now["reply_count"]), (&json!(text), &json!(1)));
        assert!(now["edited_at"].is_string());
        // Its present text is not what was posted.
        let other = json!({"client_id": "c1", "body": text, "format": "markdown"});
        ada.post(&path, other).await.problem(422, "idempotency_mismatch");
    }
    assert_eq!(ada.delete(&one).await.status, 204);
    let now = as_it_is(&ada, &room, &post).await;
    assert_eq!(now["body"], "");
    assert!(now["deleted_at"].is_string());
    assert_eq!(bodies(&ada.messages(&room).await), ["", "an answer"]);
}

async fn another_body_under_the_same_client_id_is_refused(place: Place) {
    let (ada, bob) =
        (Person::register(&place, "ada").await, Person::register_at(&place, 1, "bob").await);
    let room = ada.group(&[&bob]).await;
    let path = format!("/v1/rooms/{room}/messages");
    let root = id_of(&bob.says(&room, "root").await);
    let posted = [
        json!({"client_id": "plain", "body": "hello"}),
        json!({"client_id": "marked", "body": "hello", "format": "markdown"}),
        json!({"client_id": "answer", "body": "hello", "thread_root_id": root}),
    ];
    for post in &posted {
        ada.post(&path, post.clone()).await.ok(201);
    }
    let mut socket = ada.at(1).connect().await;
    for first in &posted {
        for body in ["hello", "Hello", "hello ", "other"] {
            for format in [Value::Null, json!("plain"), json!("markdown")] {
                for thread in [Value::Null, json!(root)] {
                    let mut post = json!({"client_id": first["client_id"], "body": body});
                    for (name, value) in [("format", format.clone()), ("thread_root_id", thread)] {
                        if !value.is_null() {
                            post[name] = value;
                        }
                    }
                    let marked = |post: &Value| post["format"] == "markdown";
                    let same = post["body"] == first["body"]
                        && marked(&post) == marked(first)
                        && post["thread_root_id"] == first["thread_root_id"];
                    let reply = ada.post(&path, post.clone()).await;
                    let wanted = if same { 200 } else { 422 };
                    assert_eq!(reply.status, wanted, "{first} {post}: {}", reply.text);
                    post["type"] = json!("post");
                    post["room_id"] = json!(room);
                    let answer = socket.call(post).await;
                    let refused = answer["error"]["code"] == "idempotency_mismatch";
                    assert_eq!((answer["type"] == "ok", refused), (same, !same), "{answer}");
                }
            }
        }
    }
    assert_eq!(ada.messages(&room).await.len(), 4);
}

async fn each_of_several_posts_in_a_row_is_checked_for_repeats(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let mut socket = ada.connect().await;
    let send = async |socket: &mut Socket, id: u32, client: u32, body: &str| {
        let client = format!("c{client}");
        let frame =
            json!({"type": "post", "id": id, "room_id": room, "client_id": client, "body": body});
        socket.send(frame).await;
    };
    // New, the same again, another body under it; all of them on their way at once.
    for n in 0..20 {
        send(&mut socket, 3 * n, n, "new").await;
        send(&mut socket, 3 * n + 1, n, "new").await;
        send(&mut socket, 3 * n + 2, n, "other").await;
    }
    let mut first = Vec::new();
    for id in 0..60 {
        let answered = |frame: &Value| frame["id"] == id && frame["type"] != "event";
        let answer = socket.expect("an answer", answered).await;
        match id % 3 {
            0 => first.push(answer["result"]["id"].clone()),
            1 => assert_eq!(&answer["result"]["id"], first.last().unwrap(), "{answer}"),
            _ => assert_eq!(answer["error"]["code"], "idempotency_mismatch", "{answer}"),
        }
    }
    assert_eq!(bodies(&ada.messages(&room).await), ["new"; 20]);
}

async fn a_repeat_is_answered_after_the_right_to_write_is_lost(place: Place) {
    let (ada, bob) =
        (Person::register(&place, "ada").await, Person::register_at(&place, 1, "bob").await);
    let room = ada.group(&[&bob]).await;
    let path = format!("/v1/rooms/{room}/messages");
    let post = json!({"client_id": "c1", "body": "just in time"});
    let message = id_of(&bob.post(&path, post.clone()).await.ok(201));
    let member = format!("/v1/rooms/{room}/members/{}", bob.id);
    ada.patch(&member, json!({"muted_until": "2100-01-01T00:00:00Z"})).await.ok(200);
    assert_eq!(id_of(&bob.post(&path, post.clone()).await.ok(200)), message);
    bob.post(&path, json!({"client_id": "c2", "body": "late"})).await.problem(403, "forbidden");
    ada.delete(&format!("/v1/rooms/{room}")).await;
    assert_eq!(id_of(&bob.post(&path, post.clone()).await.ok(200)), message);
    assert_eq!(bob.delete(&format!("/v1/rooms/{room}/members/me")).await.status, 204);
    bob.post(&path, post).await.problem(404, "not_found");
}

async fn an_idempotency_key_is_for_one_body(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let path = format!("/v1/rooms/{room}/messages");
    let ask = |body: &str| {
        ada.ask("POST", &path).header("idempotency-key", "k1").json(json!({"body": body}))
    };
    let first = id_of(&ask("one").send().await.ok(201));
    assert_eq!(id_of(&ask("one").send().await.json), first);
    ask("two").send().await.problem(422, "idempotency_mismatch");
    assert_eq!(bodies(&ada.messages(&room).await), ["one"]);
}

#[tokio::test]
async fn a_repeat_is_known_after_a_restart() {
    let mut installation = Installation::start(RELAXED);
    let place = installation.place.clone();
    let ada = place.found().await;
    let room = ada.group(&[]).await;
    let path = format!("/v1/rooms/{room}/messages");
    let post = json!({"client_id": "c1", "body": "before"});
    let message = id_of(&ada.post(&path, post.clone()).await.ok(201));
    ada.patch(&format!("/v1/messages/{message}"), json!({"body": "edited"})).await.ok(200);
    installation.process.kill();
    installation.start_again();
    let ada = Person::login(&installation.place, &ada.username, &ada.password).await;
    let again = ada.post(&path, post).await.ok(200);
    assert_eq!((id_of(&again), &again["body"]), (message, &json!("edited")));
    let other = json!({"client_id": "c1", "body": "after"});
    ada.post(&path, other).await.problem(422, "idempotency_mismatch");
}

async fn an_idempotency_key_makes_a_repeat_safe(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let key = unique("key-");
    let name = unique("once");
    let make = |gateway: usize, key: &str, name: &str| {
        let body = json!({"kind": "group", "name": name});
        ada.at(gateway).ask("POST", "/v1/rooms").header("idempotency-key", key).json(body)
    };
    let first = make(0, &key, &name).send().await.ok(201);
    for gateway in 0..2 {
        let again = make(gateway, &key, &name).send().await;
        assert!(!again.header("idempotent-replayed").is_empty());
        assert_eq!(again.ok(201), first);
    }
    make(1, &key, "another").send().await.problem(422, "idempotency_mismatch");
    // The same key of another user is another key.
    let eve = Person::register(&place, "eve").await;
    let body = json!({"kind": "group", "name": name});
    let eves = eve.ask("POST", "/v1/rooms").header("idempotency-key", &key).json(body).send().await;
    assert_ne!(id_of(&eves.ok(201)), id_of(&first));
    // Sent from several clients at once it is carried out once, and all get the answer.
    let (key, name) = (unique("key-"), unique("race"));
    let asking = (0..6).map(|number| make(number, &key, &name).send());
    let answers = futures_util::future::join_all(asking).await;
    let made: HashSet<String> = answers.into_iter().map(|answer| id_of(&answer.ok(201))).collect();
    assert_eq!(made.len(), 1, "{made:?}");
    let rooms = items(&ada.get("/v1/rooms").await.ok(200));
    assert_eq!(rooms.iter().filter(|room| room["name"] == name).count(), 1);
    for bad in [" ", "a b", &"k".repeat(129), "ü"] {
        make(0, bad, "x").once().await.any_problem(400..=400);
    }
}

async fn an_idempotency_key_is_for_one_password(place: Place) {
    let (key, name) = (unique("key-"), unique("once"));
    let register = |password: &str| {
        let body = json!({"username": name, "email": format!("{name}@example.org"),
                          "password": password});
        Stranger::new(&place).ask("POST", "/v1/users").header("idempotency-key", &key).json(body)
    };
    let first = register("correct horse").send().await.ok(201);
    for password in ["battery staple", "correct horse ", "Correct horse"] {
        register(password).send().await.problem(422, "idempotency_mismatch");
    }
    let again = register("correct horse").send().await;
    assert!(!again.header("idempotent-replayed").is_empty());
    assert_eq!(again.ok(201), first);
    // An admin's.
    let (admin, other) = (place.admin().await, unique("made"));
    let create = |password: Option<&str>| {
        let mut body = json!({"username": other, "email": format!("{other}@example.org")});
        if let Some(password) = password {
            body["password"] = json!(password);
        }
        admin.ask("POST", "/v1/admin/users").header("idempotency-key", &key).json(body)
    };
    let made = create(Some("correct horse")).send().await.ok(201);
    create(Some("battery staple")).send().await.problem(422, "idempotency_mismatch");
    create(None).send().await.problem(422, "idempotency_mismatch");
    assert_eq!(create(Some("correct horse")).send().await.ok(201), made);
    // A change of password whose answer was lost is not refused for the password that is no more.
    let ada = Person::login(&place, &name, "correct horse").await;
    let change = |gateway: usize, new: &str| {
        let body = json!({"current_password": "correct horse", "new_password": new});
        let ask = ada.at(gateway).ask("POST", "/v1/users/me/password");
        ask.header("idempotency-key", &key).json(body)
    };
    change(0, "battery staple").send().await.ok(204);
    for gateway in 0..2 {
        let again = change(gateway, "battery staple").send().await;
        assert!(!again.header("idempotent-replayed").is_empty());
        again.ok(204);
        change(gateway, "another one").send().await.problem(422, "idempotency_mismatch");
    }
    Person::login(&place, &name, "battery staple").await;
}

async fn an_idempotency_key_is_for_one_login(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let key = unique("key-");
    let login = |key: &str, password: &str| {
        let body = json!({"login": ada.username, "password": password});
        Stranger::new(&place).ask("POST", "/v1/sessions").header("idempotency-key", key).json(body)
    };
    // A refusal frees the key.
    login(&key, "not it at all").send().await.problem(401, "invalid_credentials");
    login(&key, &ada.password).send().await.ok(201);
    login(&key, "not it at all").send().await.problem(422, "idempotency_mismatch");
    // Tokens are not kept: a repeat logs in.
    let again = login(&key, &ada.password).send().await;
    assert!(again.header("idempotent-replayed").is_empty());
    let tokens = again.ok(201);
    let token = tokens["access_token"].as_str().unwrap();
    ada.with_token(token).get("/v1/users/me").await.ok(200);
    login(&unique("key-"), "not it at all").send().await.problem(401, "invalid_credentials");
}
