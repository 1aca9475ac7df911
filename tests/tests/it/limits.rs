//! Limits of sizes, of stored bytes, and of sockets without a session.

use std::time::Duration;

use serde_json::json;
use tests::kit::installation::{Installation, Place};
use tests::kit::person::{Person, Stranger};
use tests::kit::socket::{Socket, handshake};

here!(sizes_are_limited, unknown_paths_and_methods_are_problems);

async fn sizes_are_limited(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let path = format!("/v1/rooms/{room}/messages");
    ada.post(&path, json!({"body": "ü".repeat(8000)})).await.ok(201);
    ada.post(&path, json!({"body": "ü".repeat(8001)})).await.problem(400, "validation_failed");
    ada.post(&path, json!({"body": "x".repeat(3_000_000)})).await.problem(413, "payload_too_large");
    ada.patch("/v1/users/me", json!({"settings": {"x": "y".repeat(16_384)}}))
        .await
        .any_problem(400..=413);
    let many = vec![ada.id.clone(); 501];
    ada.post("/v1/rooms", json!({"kind": "group", "name": "many", "members": many}))
        .await
        .problem(400, "validation_failed");
    let long = "x".repeat(20_000);
    let status = ada.ask("GET", &format!("/v1/users?query={long}")).once().await.status;
    assert!([400, 413, 414, 431].contains(&status), "{status}");
}

async fn unknown_paths_and_methods_are_problems(place: Place) {
    let (ada, stranger) = (Person::register(&place, "ada").await, Stranger::new(&place));
    for path in ["/v1/nothing", "/v2/users", "/v1/rooms/", "/v1//rooms", "/.env", "/v1/../etc"] {
        ada.ask("GET", path).once().await.problem(404, "not_found");
    }
    ada.ask("DELETE", "/v1/users").once().await.problem(405, "method_not_allowed");
    ada.ask("PUT", "/v1/rooms").json(json!({})).once().await.problem(405, "method_not_allowed");
    let status = stranger.get("/v1/nothing").await.status;
    assert!([401, 404].contains(&status));
}

/// The default limits; only the hashing of passwords is cheaper.
const DEFAULTS: &[&str] = &["--bcrypt-cost", "4"];

#[tokio::test]
async fn stored_bytes_are_limited_over_rest_and_sockets() {
    let flags = ["--bcrypt-cost", "4", "--rate-bytes", "100kB/min"];
    let installation = Installation::start(&flags);
    let place = &installation.place;
    let (ada, bob) = (Person::register(place, "ada").await, Person::register(place, "bob").await);
    let room = ada.group(&[&bob]).await;
    let path = format!("/v1/rooms/{room}/messages");
    // 8,000 characters of four bytes; twice over REST, then over a socket.
    let body = "\u{1f600}".repeat(8_000);
    for _ in 0..2 {
        let said = ada.ask("POST", &path).json(json!({"body": body})).once().await;
        assert!(
            said.header("ratelimit-policy")
                .contains("\"bytes\";q=100000;w=60;qu=\"content-bytes\"")
        );
        said.ok(201);
    }
    let mut socket = ada.connect().await;
    socket.post(&room, &body).await;
    let refused = socket.call(json!({"type": "post", "room_id": room, "body": body})).await;
    assert_eq!(refused["error"]["code"], "rate_limited", "{refused}");
    let refused = ada.ask("POST", &path).json(json!({"body": body})).once().await;
    let wait: u32 = refused.header("retry-after").parse().expect("seconds");
    assert!((1..=60).contains(&wait), "{wait}");
    assert!(refused.header("ratelimit").contains("\"bytes\";r="), "{:?}", refused.headers);
    refused.problem(429, "rate_limited");
    let settings = json!({"settings": {"x": "y".repeat(7_000)}});
    ada.ask("PATCH", "/v1/users/me").json(settings).once().await.problem(429, "rate_limited");
    // Short messages, reads and other users go on.
    socket.post(&room, "a little").await;
    ada.ask("GET", "/v1/users/me").once().await.ok(200);
    bob.ask("POST", &path).json(json!({"body": body})).once().await.ok(201);
}

#[tokio::test]
async fn bytes_that_were_not_stored_are_not_counted() {
    let flags = ["--bcrypt-cost", "4", "--rate-bytes", "100kB/min"];
    let installation = Installation::start(&flags);
    let (ada, bob) = (
        Person::register(&installation.place, "ada").await,
        Person::register(&installation.place, "bob").await,
    );
    let theirs = bob.group(&[]).await;
    let path = format!("/v1/rooms/{theirs}/messages");
    let body = json!({"body": "x".repeat(8_000)});
    for _ in 0..20 {
        ada.ask("POST", &path).json(body.clone()).once().await.problem(404, "not_found");
    }
}

/// Sockets without a session: a fixed number per address, and each is given back.
#[tokio::test]
async fn sockets_without_a_session_are_limited_by_address() {
    let installation = Installation::start(DEFAULTS);
    let place = &installation.place;
    let ada = Person::register(place, "ada").await;
    let mut held = Vec::new();
    let mut refused = 0;
    for _ in 0..100 {
        match handshake(place, 0, "/v1/ws", &[]).await {
            Ok(stream) => held.push(Socket::over(stream)),
            Err(status) => {
                assert_eq!(status, 429);
                refused += 1;
            }
        }
    }
    assert_eq!((held.len(), refused), (60, 40));
    // A socket with a session does not count.
    ada.connect().await.close().await;
    // Saying hello frees a place, and so does going away.
    let mut first = held.remove(0);
    first.send(json!({"type": "hello", "token": ada.access})).await;
    first.welcomed().await;
    drop(held.remove(0));
    tests::kit::until("two places are free", async || {
        let opened = handshake(place, 0, "/v1/ws", &[]).await.ok()?;
        held.push(Socket::over(opened));
        (held.len() >= 60).then_some(())
    })
    .await;
    assert_eq!(handshake(place, 0, "/v1/ws", &[]).await.err(), Some(429));
    for mut socket in held {
        assert_eq!(socket.wait_closed(Duration::from_secs(20)).await, 4408);
    }
}
