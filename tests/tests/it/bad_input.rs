//! What is malformed, oversized, forged or meant to confuse: a 4xx problem, nothing stored, no harm done.

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use tests::kit::http::raw;
use tests::kit::installation::{Installation, Place};
use tests::kit::person::{Person, Stranger, id_of};
use tests::kit::{lasting, log, unique};

here!(
    bad_ids_in_paths_are_refused,
    bad_queries_are_refused,
    bad_accounts_are_refused,
    bad_messages_are_refused,
    bad_rooms_are_refused,
    bad_json_is_refused,
    bad_tokens_are_refused,
    bad_positions_are_refused,
    known_and_unknown_answer_alike,
);

/// Ids that do not exist, as they are written into a path.
const BAD_IDS: &[&str] = &[
    "*",
    "%3E",
    ">",
    "a.b",
    "..",
    "%2e%2e",
    "%20",
    "a%20b",
    "%0d%0aX-Evil:%201",
    "%00",
    "%ff",
    "$JS.API.STREAM.DELETE.EVENTS_tidings",
    "usr_",
    "room_*",
    "msg_00000000000000000000000000%0d%0a",
    "room_00000000000000000000000000.x",
    "-1",
    "null",
    "%F0%9F%A6%80",
    "ROOM_00000000000000000000000000",
];

/// How many events of the log this user has caused.
async fn events_of(person: &Person) -> usize {
    let installation = lasting::one_process_installation().await;
    let all = log::events(&installation.nats(), "tidings").await;
    all.iter().filter(|(_, event)| event.actor.to_string() == person.id).count()
}

async fn bad_ids_in_paths_are_refused(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let before = events_of(&ada).await;
    let long = "x".repeat(5000);
    for (method, path, body) in [
        ("GET", "/v1/users/{}", ""),
        ("DELETE", "/v1/sessions/{}", ""),
        ("GET", "/v1/rooms/{}", ""),
        ("PATCH", "/v1/rooms/{}", r#"{"name":"x"}"#),
        ("DELETE", "/v1/rooms/{}", ""),
        ("GET", "/v1/rooms/{}/members", ""),
        ("POST", "/v1/rooms/{}/members", r#"{"user":"@ada"}"#),
        ("PATCH", "/v1/rooms/{}/members/{}", r#"{"role":"admin"}"#),
        ("DELETE", "/v1/rooms/{}/members/{}", ""),
        ("PUT", "/v1/rooms/{}/members/me", ""),
        ("GET", "/v1/rooms/{}/messages", ""),
        ("POST", "/v1/rooms/{}/messages", r#"{"body":"x"}"#),
        ("PUT", "/v1/rooms/{}/read", r#"{"message_id":"msg_x"}"#),
        ("GET", "/v1/messages/{}", ""),
        ("PATCH", "/v1/messages/{}", r#"{"body":"x"}"#),
        ("DELETE", "/v1/messages/{}", ""),
        ("GET", "/v1/messages/{}/readers", ""),
        ("GET", "/v1/messages/{}/history", ""),
        ("PUT", "/v1/messages/{}/pin", ""),
        ("DELETE", "/v1/messages/{}/pin", ""),
        ("PUT", "/v1/messages/{}/reactions/%F0%9F%91%8D", ""),
        ("DELETE", "/v1/messages/{}/reactions/%F0%9F%91%8D", ""),
        ("GET", "/v1/messages/{}/reactions/%F0%9F%91%8D", ""),
        ("GET", "/v1/rooms/{}/pins", ""),
        ("PUT", "/v1/notifications/{}/read", ""),
        ("PATCH", "/v1/admin/users/{}", r#"{"role":"admin"}"#),
    ] {
        for bad in BAD_IDS.iter().copied().chain([long.as_str()]) {
            let path = path.replace("{}", bad);
            let request = format!(
                "{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nconnection: close\r\n\
                 content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                ada.access,
                body.len()
            );
            let (status, text) = raw(place.url(0), request.as_bytes()).await;
            assert!((400..500).contains(&status), "{method} {path}: {text}");
            assert!(!text.to_lowercase().contains("\nx-evil"), "{method} {path}: {text}");
        }
    }
    assert_eq!(events_of(&ada).await, before, "nothing was stored");
}

async fn bad_queries_are_refused(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    for query in [
        format!("/v1/rooms/{room}/messages?before=*"),
        format!("/v1/rooms/{room}/messages?after=%0d%0a"),
        format!("/v1/rooms/{room}/messages?around=$JS.API.%3E"),
        format!("/v1/rooms/{room}/messages?thread=a.b"),
        format!("/v1/rooms/{room}/messages?limit=1e9"),
        format!("/v1/rooms/{room}/messages?limit=5&limit=6"),
        "/v1/users?username=*".to_owned(),
        "/v1/users?username=a%00b".to_owned(),
        "/v1/users?username=x&query=y".to_owned(),
        "/v1/users".to_owned(),
        "/v1/rooms?visibility=everything".to_owned(),
        "/v1/notifications?unread=perhaps".to_owned(),
        "/v1/rooms?cursor=%27%20or%201=1".to_owned(),
        format!("/v1/rooms?cursor={}", "A".repeat(3000)),
        "/v1/users/me?token=abc".to_owned(),
        "/v1/users/me?access_token=abc".to_owned(),
    ] {
        ada.get(&query).await.problem(400, "validation_failed");
    }
    // What is no UTF-8 is not passed on as something else.
    for (query, pointer) in [
        ("/v1/users?query=%ff".to_owned(), "?query"),
        ("/v1/users?username=%C3".to_owned(), "?username"),
        ("/v1/rooms?visibility=public&query=a%ED%A0%80".to_owned(), "?query"),
        (format!("/v1/rooms/{room}/members?query=%ff"), "?query"),
        ("/v1/search/messages?q=word%ff".to_owned(), "?q"),
    ] {
        let refused = ada.get(&query).await.problem(400, "validation_failed");
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{refused}");
    }
    let reaction = format!("/v1/messages/{}/reactions/%ff", id_of(&ada.says(&room, "x").await));
    ada.put_empty(&reaction).await.problem(400, "validation_failed");
}

async fn bad_accounts_are_refused(place: Place) {
    let (ada, stranger) = (Person::register(&place, "ada").await, Stranger::new(&place));
    let name = unique("ok");
    let good = json!({"username": name, "email": format!("{name}@example.org"), "password": "long enough"});
    for (field, value) in [
        ("username", json!("ab")),
        ("username", json!("a".repeat(33))),
        ("username", json!("has space")),
        ("username", json!("new\r\nline")),
        ("username", json!("*")),
        ("username", json!("аda")),
        ("username", json!(7)),
        ("username", Value::Null),
        ("username", json!({"$gt": ""})),
        ("email", json!("nowhere")),
        ("email", json!("a@b.c\r\nBcc: eve@example.org")),
        ("email", json!(["a@b.c"])),
        ("password", json!("short")),
        ("password", json!("x".repeat(73))),
        ("password", json!("nul\0inside it")),
        ("display_name", json!("")),
        ("display_name", json!("x".repeat(65))),
        ("display_name", json!("two\nlines")),
        ("role", json!("admin")),
        ("id", json!(ada.id)),
        ("created_at", json!("2020-01-01T00:00:00Z")),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let problem = stranger.post("/v1/users", body).await.problem(400, "validation_failed");
        let pointer = problem["errors"][0]["pointer"].as_str().unwrap_or_default();
        assert_eq!(pointer, format!("/{field}"), "{problem}");
        assert!(!problem.to_string().contains("long enough"), "a password is not repeated");
    }
    for field in ["username", "email", "password"] {
        let mut body = good.clone();
        body.as_object_mut().unwrap().remove(field);
        stranger.post("/v1/users", body).await.problem(400, "validation_failed");
    }
}

async fn bad_messages_are_refused(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let messages = format!("/v1/rooms/{room}/messages");
    for body in [
        json!({}),
        json!({"body": ""}),
        json!({"body": " \n "}),
        json!({"body": "nul \0"}),
        json!({"body": "bell \u{7}"}),
        json!({"body": ["x"]}),
        json!({"body": "x", "format": "html"}),
        json!({"body": "x", "client_id": ""}),
        json!({"body": "x", "client_id": "with space"}),
        json!({"body": "x", "client_id": "cr\r\nlf"}),
        json!({"body": "x", "client_id": "c".repeat(129)}),
        json!({"body": "x", "thread_root_id": "*"}),
        json!({"body": "x", "attachments": ["media_*"]}),
        json!({"body": "x", "attachments": "media_1"}),
        json!({"body": "x", "sender_id": ada.id}),
        json!({"body": "x", "created_at": "2020-01-01T00:00:00Z"}),
        json!({"body": "x", "position": "a:1"}),
        json!([]),
        json!("x"),
        Value::Null,
    ] {
        ada.post(&messages, body).await.any_problem(400..=404);
    }
    assert_eq!(ada.messages(&room).await.len(), 0);
}

async fn bad_rooms_are_refused(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let before = events_of(&ada).await;
    for body in [
        json!({"kind": "direct", "name": "x"}),
        json!({"kind": "cave", "name": "x"}),
        json!({"kind": "group"}),
        json!({"kind": "group", "name": "x".repeat(101)}),
        json!({"kind": "group", "name": "x", "members": ["*"]}),
        json!({"kind": "group", "name": "x", "members": ["@"]}),
        json!({"kind": "group", "name": "x", "members": [ada.id.to_uppercase()]}),
        json!({"kind": "group", "name": "x", "visibility": "secret"}),
        json!({"kind": "group", "name": "x", "everyone": true}),
    ] {
        ada.post("/v1/rooms", body).await.problem(400, "validation_failed");
    }
    assert_eq!(events_of(&ada).await, before, "nothing was stored");
}

async fn bad_json_is_refused(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let send = async |kind: &str, body: &[u8]| {
        let head = format!(
            "POST /v1/rooms/{room}/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
             connection: close\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
            ada.access,
            body.len()
        );
        raw(place.url(0), &[head.as_bytes(), body].concat()).await
    };
    let deep = format!("{{\"body\":{}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
    for body in [
        &b""[..],
        b"{",
        b"{\"body\":\"x\"",
        b"{\"body\":\"x\"}}",
        b"{'body':'x'}",
        b"{\"body\":1e400}",
        b"{\"body\":\"\\ud800\"}",
        b"{\"body\":\"x\",\"body\":\"y\"}",
        b"\xff\xfe{\"body\":\"x\"}",
        b"{\"body\":\"\xc3\x28\"}",
        deep.as_bytes(),
    ] {
        let (status, text) = send("application/json", body).await;
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        assert_eq!(status, 400, "{shown}: {text}");
        assert!(text.contains("validation_failed"), "{text}");
    }
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/xml"] {
        let (status, text) = send(kind, b"{\"body\":\"x\"}").await;
        assert_eq!(status, 415, "{kind}: {text}");
    }
    assert_eq!(ada.messages(&room).await.len(), 0);
    let (status, _) = raw(place.url(0), b"GET / HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n").await;
    assert_eq!(status, 400);
}

/// A token with these parts and a signature that is none.
fn token(header: &Value, claims: &Value, signature: &[u8]) -> String {
    let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    format!("{}.{}.{}", part(header), part(claims), BASE64URL_NOPAD.encode(signature))
}

fn decoded(part: &str) -> Value {
    serde_json::from_slice(&BASE64URL_NOPAD.decode(part.as_bytes()).unwrap()).unwrap()
}

async fn bad_tokens_are_refused(place: Place) {
    let (ada, admin) = (Person::register(&place, "ada").await, place.admin().await);
    let parts: Vec<&str> = ada.access.split('.').collect();
    let (header, claims) = (decoded(parts[0]), decoded(parts[1]));
    assert_eq!(header["alg"], "EdDSA");
    let signature = BASE64URL_NOPAD.decode(parts[2].as_bytes()).unwrap();
    let mut as_admin = claims.clone();
    as_admin["sub"] = json!(admin.id);
    as_admin["role"] = json!("admin");
    let mut later = claims.clone();
    later["exp"] = json!(9_999_999_999_u64);
    let mut flipped = signature.clone();
    flipped[0] ^= 1;
    let with = |field: &str, value: Value| {
        let mut header = header.clone();
        header[field] = value;
        header
    };
    let (admins, hmac) = (admin.access.clone(), with("alg", json!("HS256")));
    let mixed = format!("{}.{}", &admins[..admins.rfind('.').unwrap()], parts[2]);
    let shorter = ada.access[..ada.access.len() - 2].to_owned();
    for bad in [
        token(&header, &as_admin, &signature),
        token(&header, &later, &signature),
        token(&header, &claims, &flipped),
        token(&header, &claims, b""),
        token(&with("alg", json!("none")), &as_admin, b""),
        token(&with("alg", json!("None")), &as_admin, &signature),
        token(&hmac, &as_admin, &[7; 32]),
        token(&with("kid", json!("../../etc/passwd")), &claims, &signature),
        token(&with("kid", json!("unknown")), &claims, &signature),
        token(&with("jku", json!("https://evil.example/jwks.json")), &as_admin, &[7; 64]),
        token(
            &with("jwk", json!({"kty": "OKP", "crv": "Ed25519", "x": "AAAA"})),
            &as_admin,
            &[7; 64],
        ),
        mixed,
        shorter,
        ada.refresh.clone(),
        "x".to_owned(),
        "a.b.c".to_owned(),
        "..".to_owned(),
        "x".repeat(20_000),
    ] {
        let stranger = Stranger::new(&place);
        let asked =
            stranger.ask("GET", "/v1/users/me").header("authorization", &format!("Bearer {bad}"));
        asked.once().await.any_problem(400..=431);
    }
    for header in ["Bearer", "Bearer ", "Basic YTpi", "bearer", &ada.access, "Token x"] {
        let asked =
            Stranger::new(&place).ask("GET", "/v1/users/me").header("authorization", header);
        asked.once().await.problem(401, "unauthenticated");
    }
}

async fn bad_positions_are_refused(place: Place) {
    let ada = Person::register(&place, "ada").await;
    for bad in ["x", "1", "a:b", "a:-1", "*:1", "zzzzzzzz:1", "a:99999999999999999999"] {
        let reply = ada.ask("GET", "/v1/users/me").header("tidings-min-position", bad).once().await;
        reply.any_problem(400..=409);
    }
}

async fn known_and_unknown_answer_alike(place: Place) {
    let (ada, stranger) = (Person::register(&place, "ada").await, Stranger::new(&place));
    let mut answers = Vec::new();
    for login in
        [ada.username.clone(), ada.email.clone(), unique("absent"), "absent@example.org".to_owned()]
    {
        let body = json!({"login": login, "password": "certainly wrong"});
        let mut problem =
            stranger.post("/v1/sessions", body).await.problem(401, "invalid_credentials");
        problem["trace_id"] = Value::Null;
        answers.push(problem);
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

#[tokio::test]
async fn an_old_token_is_expired_and_a_foreign_key_is_none() {
    // Two installations have two keys: a token of one is nothing at the other.
    let other = Installation::relaxed(&[]);
    let eve = other.place.found().await;
    let place = lasting::one_process().await;
    let asked = Stranger::new(&place)
        .ask("GET", "/v1/users/me")
        .header("authorization", &format!("Bearer {}", eve.access));
    asked.once().await.problem(401, "unauthenticated");
    let admin = place.admin().await;
    let reply = eve.get(&format!("/v1/users/{}", admin.id)).await;
    reply.problem(404, "not_found");
    assert_eq!(id_of(&eve.get("/v1/users/me").await.ok(200)), eve.id);
}
