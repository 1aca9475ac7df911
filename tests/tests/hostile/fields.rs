//! Fields that are not the caller's to set, and values a database could take for commands.

use serde_json::{Value, json};
use tests::kit::installation::Place;
use tests::kit::lasting;
use tests::kit::person::{Person, Stranger, id_of, items};
use tests::kit::unique;
use tokio::time::{Duration, Instant};

use crate::aftermath::UNSPEAKABLE;
use crate::{aftermath, scene};

cases!(
    callers_cannot_set_fields_that_are_not_theirs,
    query_operators_are_plain_text,
    patterns_are_plain_text
);

/// A field, and what a client would like it to be.
type Claimed = (&'static str, Value);

/// A moment that no client may name.
const LONG_AGO: &str = "2020-01-01T00:00:00.000Z";

fn of_an_account(another: &str) -> [Claimed; 10] {
    [
        ("role", json!("admin")),
        ("is_admin", json!(true)),
        ("admin", json!(true)),
        ("id", json!(another)),
        ("_id", json!(another)),
        ("suspended", json!(false)),
        ("email_verified", json!(true)),
        ("created_at", json!(LONG_AGO)),
        ("position", json!("a:1")),
        ("password_hash", json!("$2b$04$x")),
    ]
}

fn of_a_message(id: &str, sender: &str) -> [Claimed; 15] {
    [
        ("sender_id", json!(sender)),
        ("sender", json!({"id": sender})),
        ("author", json!(sender)),
        ("id", json!(id)),
        ("number", json!(1)),
        ("position", json!("a:1")),
        ("created_at", json!(LONG_AGO)),
        ("edited_at", json!(LONG_AGO)),
        ("deleted_at", Value::Null),
        ("mentions", json!([sender])),
        ("pinned", json!(true)),
        ("reactions", json!([])),
        ("room_id", json!("room_x")),
        ("type", json!("message.posted.v1")),
        ("role", json!("admin")),
    ]
}

fn of_a_room(owner: &str) -> [Claimed; 12] {
    [
        ("id", json!("room_x")),
        ("created_at", json!(LONG_AGO)),
        ("created_by", json!(owner)),
        ("owners", json!([owner])),
        ("owner", json!(owner)),
        ("everyone", json!(true)),
        ("direct_members", json!([owner])),
        ("member_count", json!(1_000)),
        ("message_count", json!(1_000)),
        ("membership", json!({"role": "owner"})),
        ("position", json!("a:1")),
        ("role", json!("owner")),
    ]
}

fn of_a_member(user: &str, room: &str) -> [Claimed; 5] {
    [
        ("user_id", json!(user)),
        ("room_id", json!(room)),
        ("joined_at", json!(LONG_AGO)),
        ("banned", json!(false)),
        ("present", json!(true)),
    ]
}

async fn callers_cannot_set_fields_that_are_not_theirs(place: Place) {
    let (ada, bob) = (Person::register(&place, "ada").await, Person::register(&place, "bob").await);
    let room = ada.group(&[&bob]).await;
    let message = id_of(&ada.says(&room, UNSPEAKABLE).await);
    let name = unique("mass");
    let account = json!({"username": name, "email": format!("{name}@example.org"), "password": "secret of mass"});
    let group = json!({"kind": "group", "name": "x"});
    let text = json!({"body": UNSPEAKABLE});
    let of_account = of_an_account(&ada.id);
    let of_message = of_a_message(&message, &bob.id);
    let (of_room, of_member) = (of_a_room(&bob.id), of_a_member(&bob.id, &room));
    let room_path = format!("/v1/rooms/{room}");
    let (members, messages) = (format!("{room_path}/members"), format!("{room_path}/messages"));
    for (method, path, body, extras) in [
        ("POST", "/v1/users", &account, &of_account[..]),
        ("PATCH", "/v1/users/me", &json!({"display_name": "x"}), &of_account),
        ("POST", "/v1/rooms", &group, &of_room),
        ("PATCH", &room_path, &json!({"topic": "x"}), &of_room),
        ("POST", &messages, &text, &of_message),
        ("PATCH", &format!("/v1/messages/{message}"), &text, &of_message),
        ("POST", &members, &json!({"user": bob.id}), &of_member),
        ("PATCH", &format!("{members}/{}", bob.id), &json!({"role": "member"}), &of_member),
    ] {
        for (field, value) in extras {
            let mut body = body.clone();
            body[*field] = value.clone();
            let problem =
                ada.ask(method, path).json(body).once().await.problem(400, "validation_failed");
            let pointer = problem["errors"][0]["pointer"].as_str().unwrap_or_default();
            assert_eq!(pointer, format!("/{field}"), "{method} {path}: {problem}");
        }
    }
    let mut socket = ada.connect().await;
    for (field, value) in of_message {
        if ["room_id", "id", "type"].contains(&field) {
            continue;
        }
        let mut frame = json!({"type": "post", "room_id": room, "body": UNSPEAKABLE});
        frame[field] = value;
        let answer = socket.call(frame).await;
        assert_eq!(answer["error"]["code"], "validation_failed", "{field}: {answer}");
    }
    let all = ada.messages(&room).await;
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(ada.get("/v1/users/me").await.ok(200)["role"], "user");
    let reply = Stranger::new(&place).post("/v1/users", account).await.ok(201);
    assert_eq!(reply["role"], "user");
}

/// Queries that carry an operator in a name or in a value.
const OPERATORS_IN_QUERIES: [&str; 6] = [
    "/v1/users?username[$ne]=x",
    "/v1/users?query[$regex]=.*",
    "/v1/users?username=x&$where=sleep(5000)",
    "/v1/rooms?visibility[$ne]=private",
    "/v1/rooms?$or=1",
    "/v1/notifications?unread[$exists]=true",
];

async fn query_operators_are_plain_text(place: Place) {
    let (ada, stranger) = (Person::register(&place, "ada").await, Stranger::new(&place));
    let room = ada.group(&[]).await;
    for operator in [
        json!({"$ne": null}),
        json!({"$gt": ""}),
        json!({"$regex": ".*"}),
        json!({"$where": "sleep(5000)"}),
        json!({"$in": [ada.username]}),
        json!({"$oid": "000000000000000000000000"}),
        json!([ada.username]),
    ] {
        is_no_text(&ada, &stranger, &operator).await;
    }
    for query in OPERATORS_IN_QUERIES {
        ada.get(query).await.problem(400, "validation_failed");
    }
    settings_come_back_as_given(&ada).await;
    for text in ["{\"$ne\": null}", "$where", "a.b", "$[].x", "%24ne", "$$ROOT", "ObjectId('x')"] {
        let body = format!("{UNSPEAKABLE} {text}");
        assert_eq!(ada.says(&room, &body).await["body"], *body);
        let reply = ada.patch(&format!("/v1/rooms/{room}"), json!({"topic": text})).await;
        assert_eq!(reply.ok(200)["topic"], *text);
        assert_eq!(ada.room(&room).await["topic"], *text);
    }
}

/// Where a text is wanted, an operator is refused.
async fn is_no_text(ada: &Person, stranger: &Stranger, operator: &Value) {
    for (path, body) in [
        ("/v1/sessions", json!({"login": operator, "password": "no such secret"})),
        ("/v1/sessions", json!({"login": ada.username, "password": operator})),
        ("/v1/sessions/refresh", json!({"refresh_token": operator})),
        (
            "/v1/users",
            json!({"username": operator, "email": "x@example.org", "password": "secret of x"}),
        ),
    ] {
        stranger.post(path, body).await.problem(400, "validation_failed");
    }
    for (method, path, body) in [
        ("POST", "/v1/rooms", json!({"kind": "group", "name": operator})),
        ("POST", "/v1/direct", json!({"members": [operator]})),
        ("PATCH", "/v1/users/me", json!({"bio": operator})),
    ] {
        ada.ask(method, path).json(body).once().await.problem(400, "validation_failed");
    }
}

/// Where any name is fine in what people keep for themselves, it comes back as it was given.
async fn settings_come_back_as_given(ada: &Person) {
    for kept in [
        json!({"$set": {"role": "admin"}}),
        json!({"a.b": {"c.$[].d": 1}}),
        json!({"$where": "sleep(5000)", "": {"": 1}}),
        json!({"__proto__": {"role": "admin"}, "constructor": 1}),
        json!({"_id": ada.id, "role": "admin"}),
        json!({"x\0y": 1}),
        json!({"deep": deep(30)}),
    ] {
        let reply = ada.patch("/v1/users/me", json!({"settings": kept})).await;
        if reply.status == 200 {
            let me = ada.get("/v1/users/me").await.ok(200);
            assert_eq!(me["settings"], kept, "{me}");
            assert_eq!(me["role"], "user");
        } else {
            reply.problem(400, "validation_failed");
        }
    }
}

fn deep(levels: usize) -> Value {
    (0..levels).fold(json!(1), |value, _| json!({"d": value}))
}

async fn patterns_are_plain_text(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let (room, name) = ada.channel().await;
    let slow = format!("{}!", "a".repeat(90));
    let evil = [
        "(a+)+$",
        "^(([a-z])+.)+[A-Z]([a-z])+$",
        ".*",
        "^",
        "$",
        "[",
        "(",
        "\\",
        "(?i)A",
        "a{1,99999}",
        "%",
        "_",
        "\"",
        "'",
        "*",
        "a* OR b",
        "NEAR(a b)",
        &slow,
    ];
    for text in evil {
        let encoded: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
        for path in [
            format!("/v1/users?query={encoded}"),
            format!("/v1/users?query=a{encoded}"),
            format!("/v1/rooms?visibility=public&query={encoded}"),
            format!("/v1/rooms?visibility=public&name={encoded}"),
        ] {
            let begun = Instant::now();
            let reply = ada.get(&path).await;
            assert!(begun.elapsed() < Duration::from_secs(5), "{path} took {:?}", begun.elapsed());
            if reply.status == 200 {
                let found = items(&reply.json);
                assert!(found.iter().all(|one| one["id"] != *room), "{path} found {name}");
                assert!(
                    found.iter().all(|one| one["id"] != *ada.id),
                    "{path} found {}",
                    ada.username
                );
            } else {
                reply.problem(400, "validation_failed");
            }
        }
    }
    // They find what they should find.
    let found = ada.get(&format!("/v1/rooms?visibility=public&name={name}")).await.ok(200);
    assert_eq!(items(&found).len(), 1);
    let found = ada.get(&format!("/v1/users?username={}", ada.username)).await.ok(200);
    assert_eq!(items(&found).len(), 1);
}

/// The same where a database could be deceived: with the read model in MongoDB.
#[tokio::test]
async fn mongodb_runs_nothing_that_clients_send() {
    if !scene::long() {
        return;
    }
    let Some(place) = lasting::separate().await else { return };
    Box::pin(query_operators_are_plain_text(place.clone())).await;
    Box::pin(patterns_are_plain_text(place)).await;
    let separate = lasting::separate_installation().await.expect("it runs");
    for process in separate.services.values() {
        assert!(process.runs(), "{} died", process.name);
        aftermath::read_lines(&process.stderr(), "no password");
    }
    separate.verify();
}
