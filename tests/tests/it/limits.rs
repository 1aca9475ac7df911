//! Limits of rates and sizes, and requests that are repeated.

use serde_json::{Value, json};
use tests::kit::installation::{Installation, Place};
use tests::kit::person::{Person, Stranger, id_of, items};
use tests::kit::unique;

everywhere!(a_key_makes_a_repeat_safe);
mod only_here {
    use super::{sizes_are_limited, what_is_not_there_is_a_problem_too};
    here!(sizes_are_limited, what_is_not_there_is_a_problem_too);
}

async fn a_key_makes_a_repeat_safe(place: Place) {
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
    // Somebody else's key of the same text is another key.
    let eve = Person::register(&place, "eve").await;
    let body = json!({"kind": "group", "name": name});
    let hers = eve.ask("POST", "/v1/rooms").header("idempotency-key", &key).json(body).send().await;
    assert_ne!(id_of(&hers.ok(201)), id_of(&first));
    // At once from several sides it is done once.
    let (key, name) = (unique("key-"), unique("race"));
    let asking = (0..6).map(|number| make(number, &key, &name).send());
    let answers = futures_util::future::join_all(asking).await;
    assert!(answers.iter().all(|answer| [201, 409, 503].contains(&answer.status)), "{answers:?}");
    let rooms = items(&ada.get("/v1/rooms").await.ok(200));
    assert_eq!(rooms.iter().filter(|room| room["name"] == name).count(), 1);
    for bad in [" ", "a b", &"k".repeat(129), "ü"] {
        make(0, bad, "x").once().await.any_problem(400..=400);
    }
}

async fn sizes_are_limited(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let path = format!("/v1/rooms/{room}/messages");
    ada.post(&path, json!({"body": "ü".repeat(8000)})).await.ok(201);
    ada.post(&path, json!({"body": "ü".repeat(8001)})).await.problem(400, "validation_failed");
    ada.post(&path, json!({"body": "x".repeat(3_000_000)})).await.problem(413, "payload_too_large");
    ada.patch("/v1/users/me", json!({"settings": {"x": "y".repeat(9000)}}))
        .await
        .any_problem(400..=413);
    let many = vec![ada.id.clone(); 500];
    ada.post("/v1/rooms", json!({"kind": "group", "name": "many", "members": many}))
        .await
        .problem(400, "validation_failed");
    let long = "x".repeat(20_000);
    let status = ada.ask("GET", &format!("/v1/users?query={long}")).once().await.status;
    assert!([400, 413, 414, 431].contains(&status), "{status}");
}

async fn what_is_not_there_is_a_problem_too(place: Place) {
    let (ada, stranger) = (Person::register(&place, "ada").await, Stranger::new(&place));
    for path in ["/v1/nothing", "/v2/users", "/v1/rooms/", "/v1//rooms", "/.env", "/v1/../etc"] {
        ada.ask("GET", path).once().await.problem(404, "not_found");
    }
    ada.ask("DELETE", "/v1/users").once().await.problem(405, "method_not_allowed");
    ada.ask("PUT", "/v1/rooms").json(json!({})).once().await.problem(405, "method_not_allowed");
    let status = stranger.get("/v1/nothing").await.status;
    assert!([401, 404].contains(&status));
}

#[tokio::test]
async fn requests_are_limited_per_person_and_said_in_headers() {
    let installation = Installation::start(&[
        "--bcrypt-cost",
        "4",
        "--rate-requests",
        "20/min",
        "--rate-frames",
        "5/s",
        "--rate-auth",
        "12/min",
    ]);
    let place = &installation.place;
    let (ada, bob) = (Person::register(place, "ada").await, Person::register(place, "bob").await);
    let first = ada.ask("GET", "/v1/users/me").once().await;
    for header in ["ratelimit", "ratelimit-policy"] {
        assert!(!first.header(header).is_empty(), "{header}: {:?}", first.headers);
    }
    assert!(first.header("ratelimit-policy").contains("20"), "{:?}", first.headers);
    let mut limited = None;
    for number in 0..30 {
        let reply = ada.ask("GET", "/v1/users/me").once().await;
        if reply.status == 429 {
            limited = Some((number, reply));
            break;
        }
    }
    let (number, reply) = limited.expect("at some time it is too much");
    assert!((15..=22).contains(&number), "after {number} requests");
    let wait: u64 = reply.header("retry-after").parse().expect("seconds");
    assert!((1..=60).contains(&wait));
    assert_eq!(reply.problem(429, "rate_limited")["retryable"], true);
    bob.ask("GET", "/v1/users/me").once().await.ok(200);

    // Frames.
    let room = bob.group(&[]).await;
    let mut socket = bob.connect().await;
    for number in 0..60 {
        socket.send(json!({"type": "post", "id": number, "room_id": room, "body": "flood"})).await;
    }
    let answer = socket.expect("a refusal", |frame| frame["error"]["code"] == "rate_limited").await;
    assert_eq!(answer["error"]["retryable"], true);
    // Going on all the same ends the socket.
    for number in 0..3000 {
        if socket.closed.is_some() {
            break;
        }
        socket.send(json!({"type": "ping", "id": number})).await;
    }
    assert_eq!(socket.wait_closed(std::time::Duration::from_secs(10)).await, 4429);

    // Logging in, per address; five are spent on the two registrations and logins above.
    let stranger = Stranger::new(place);
    let mut statuses: Vec<u16> = Vec::new();
    for _ in 0..14 {
        let body = json!({"login": ada.username, "password": "wrong password"});
        statuses.push(stranger.post("/v1/sessions", body).await.status);
    }
    assert_eq!(statuses[0], 401);
    assert_eq!(*statuses.last().unwrap(), 429, "{statuses:?}");
    // Nobody gets round it by claiming to be elsewhere.
    let forged = stranger.ask("POST", "/v1/sessions").header("x-forwarded-for", "203.0.113.9");
    let body = json!({"login": ada.username, "password": "wrong password"});
    let reply = forged.json(body).send().await;
    assert!(!reply.header("retry-after").is_empty());
    let problem: Value = reply.problem(429, "rate_limited");
    assert_eq!(problem["retryable"], true);
}
