//! Limits of rates and sizes, and requests that are repeated.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::kit::installation::{Installation, Place};
use tests::kit::person::{Person, Stranger, id_of, items};
use tests::kit::separate::{Separate, Setup};
use tests::kit::socket::{Socket, handshake};
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
    assert_eq!(socket.wait_closed(Duration::from_secs(10)).await, 4429);

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

/// The limits nobody has set, but for the hashing of passwords.
const DEFAULTS: &[&str] = &["--bcrypt-cost", "4"];

const ONLY_FRAMES: &[&str] =
    &["--bcrypt-cost", "4", "--rate-requests", "off", "--rate-bytes", "off", "--rate-auth", "off"];

const SOON: Duration = Duration::from_secs(10);

/// What 60 at once and 20 a second make of a time.
fn frames_in(time: Duration) -> f64 {
    time.as_secs_f64().mul_add(20.0, 60.0)
}

#[expect(clippy::cast_precision_loss, reason = "counts of a test")]
const fn float(count: usize) -> f64 {
    count as f64
}

/// However many sockets are opened and closed, and with writes over REST besides: one person is one person.
#[tokio::test]
async fn frames_are_limited_over_sockets_that_come_and_go() {
    let installation = Installation::start(DEFAULTS);
    let place = &installation.place;
    let (ada, bob) = (Person::register(place, "ada").await, Person::register(place, "bob").await);
    let room = ada.group(&[&bob]).await;
    let again = ada.again().await;
    let begun = Instant::now();
    for round in 0..12 {
        let person = if round % 2 == 0 { &ada } else { &again };
        let mut socket = person.connect().await;
        for number in 0..60 {
            let body = format!("{round} {number}");
            socket.send(json!({"type": "post", "id": number, "room_id": room, "body": body})).await;
        }
        let body = json!({"body": format!("{round} over REST")});
        let asked = person.ask("POST", &format!("/v1/rooms/{room}/messages")).json(body);
        let status = asked.once().await.status;
        assert!([201, 429].contains(&status), "{status}");
        // Its last frame is answered, or it is closed before.
        while socket.next(SOON).await.is_some_and(|frame| frame["id"] != 59) {}
        socket.close().await;
    }
    let took = begun.elapsed();
    // Others are as free as ever.
    let mut bobs = bob.connect().await;
    let answer = bobs.post(&room, "nobody else is slowed down").await;
    assert_eq!(answer["type"], "ok");
    let stored = bob.room(&room).await["message_count"].as_u64().unwrap();
    let stored = float(usize::try_from(stored).unwrap());
    assert!(stored <= frames_in(took) * 1.1 + 2.0, "{stored} stored in {took:?}");
    // What was granted and not begun when its socket ended is dropped with it.
    assert!(stored >= 10.0, "{stored} stored in {took:?}");
}

#[tokio::test]
async fn what_is_stored_is_limited_over_rest_and_sockets() {
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
    // Little things, reading, and other people go on.
    socket.post(&room, "a little").await;
    ada.ask("GET", "/v1/users/me").once().await.ok(200);
    bob.ask("POST", &path).json(json!({"body": body})).once().await.ok(201);
}

#[tokio::test]
async fn what_was_not_stored_is_not_counted() {
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

/// Every answer that is metered says how much is left, refusals too.
#[tokio::test]
async fn every_metered_answer_says_what_is_left() {
    let installation = Installation::start(DEFAULTS);
    let ada = Person::register(&installation.place, "ada").await;
    let room = ada.group(&[]).await;
    for (method, path, body, status, policies) in [
        ("GET", "/v1/users/me".to_owned(), None, 200, "\"default\";q=100;w=60"),
        ("GET", "/v1/rooms/nothing".to_owned(), None, 404, "\"default\";q=100;w=60"),
        ("GET", "/v1/rooms?limit=0".to_owned(), None, 400, "\"default\";q=100;w=60"),
        (
            "POST",
            format!("/v1/rooms/{room}/messages"),
            Some(json!({"body": "x"})),
            201,
            "\"default\";q=100;w=60, \"writes\";q=60;w=3, \"bytes\";q=10000000;w=60;qu=\"content-bytes\"",
        ),
        (
            "POST",
            format!("/v1/rooms/{room}/messages"),
            Some(json!({"nonsense": 1})),
            400,
            "\"default\";q=100;w=60, \"writes\";q=60;w=3",
        ),
        ("GET", "/v1/admin/users".to_owned(), None, 200, "\"default\";q=100;w=60"),
    ] {
        let mut asked = ada.ask(method, &path);
        if let Some(body) = body {
            asked = asked.json(body);
        }
        let reply = asked.once().await;
        assert_eq!(reply.status, status, "{path}: {}", reply.text);
        assert_eq!(reply.header("ratelimit-policy"), policies, "{method} {path}");
        let left = reply.header("ratelimit");
        assert_eq!(left.split(", ").count(), policies.split(", ").count(), "{left}");
        for item in left.split(", ") {
            let (name, rest) = item.split_once(";r=").expect("what is left");
            assert!(policies.contains(name), "{left}");
            let (left, reset) = rest.split_once(";t=").expect("when it is all there");
            assert!(left.parse::<u64>().is_ok() && reset.parse::<u64>().is_ok(), "{rest}");
        }
    }
    let mut refused = ada.ask("GET", "/v1/users/me").once().await;
    for _ in 0..120 {
        if refused.status == 429 {
            break;
        }
        refused = ada.ask("GET", "/v1/users/me").once().await;
    }
    assert_eq!(refused.header("ratelimit-policy"), "\"default\";q=100;w=60");
    assert!(refused.header("ratelimit").starts_with("\"default\";r=0;t="));
    refused.problem(429, "rate_limited");
}

/// Sockets of nobody: so many an address, and they come back.
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
    // Who has a session is not among them.
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

/// Resuming again and again is paid for by what it makes the server send, on one socket and on new ones.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resumes_are_charged_by_what_they_send() {
    let flags = [ONLY_FRAMES, &["--rate-frames", "20/s"]].concat();
    let installation = Installation::start(&flags);
    let place = &installation.place;
    let (ada, bob) = (Person::register(place, "ada").await, Person::register(place, "bob").await);
    let room = ada.group(&[&bob]).await;
    let begin = bob.connect().await.position;
    // 50 messages of 32 kB: some 25 frames' worth in a resume.
    let body = "\u{1f600}".repeat(8_000);
    let mut writer = ada.connect().await;
    for _ in 0..50 {
        writer.post(&room, &body).await;
    }
    let started = Instant::now();
    let mut resumed = 0;
    let mut socket = bob.connect().await;
    for number in 0..20 {
        let frame = json!({"type": "resume", "id": number, "position": begin});
        socket.send(frame).await;
        let answer = socket
            .expect("an answer", |frame| frame["id"] == number || frame["type"] == "resumed")
            .await;
        resumed += usize::from(answer["type"] == "resumed");
        if answer["type"] == "error" {
            assert_eq!(answer["error"]["code"], "rate_limited", "{answer}");
            break;
        }
        socket.all_so_far();
    }
    // Coming back is no way round it: some more are owed, then it is shut.
    let mut shut = false;
    for _ in 0..40 {
        let opened = handshake(place, 0, "/v1/ws", &[]).await.expect("a socket");
        let mut socket = Socket::over(opened);
        socket.send(json!({"type": "hello", "token": bob.access, "resume": begin})).await;
        let mut last = None;
        while let Some(frame) = socket.next(SOON).await {
            last = Some(frame);
            if last.as_ref().is_some_and(|frame| frame["type"] == "resumed") {
                resumed += 1;
                break;
            }
        }
        if socket.closed == Some(4429) {
            shut = true;
            break;
        }
        assert!(last.is_some());
    }
    assert!(shut, "{resumed} resumes in {:?}, and never shut", started.elapsed());
    // A burst, twice as much again, and what the time has brought; each costs 24 or more.
    let most = (180.0 + 20.0 * started.elapsed().as_secs_f64()) / 24.0 + 2.0;
    assert!((2.0..=most).contains(&float(resumed)), "{resumed} of {most}");
    // Nobody else pays for it.
    ada.says(&room, "as before").await;
}

/// Several gateways know of each other: a person gets little more of four than of one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_gateways_are_no_way_round() {
    let setup = Setup { gateways: 4, proxied: Vec::new(), ..Setup::on("sqlite") };
    let limited = Setup { limits: ONLY_FRAMES, ..setup };
    let separate = Separate::start_with(limited);
    let place = &separate.place;
    let ada = Person::register(place, "ada").await;
    let room = ada.group(&[]).await;
    let begun = Instant::now();
    let talking = (0..4).map(|gateway| {
        let (ada, room) = (ada.at(gateway), room.clone());
        async move {
            let mut socket = ada.connect().await;
            let mut said = 0;
            while begun.elapsed() < Duration::from_secs(15) {
                let frame = json!({"type": "post", "room_id": room, "body": "x"});
                let answer = socket.call(frame).await;
                if answer["type"] == "ok" {
                    said += 1;
                } else {
                    assert_eq!(answer["error"]["code"], "rate_limited", "{answer}");
                    // As a client does that is told to wait; a little less, to be the first.
                    tests::kit::last(Duration::from_millis(300)).await;
                }
            }
            said
        }
    });
    let said: usize = futures_util::future::join_all(talking).await.into_iter().sum();
    let budget = frames_in(begun.elapsed());
    assert!(float(said) <= budget * 1.2, "{said} of {budget}");
    assert!(float(said) >= budget * 0.5, "{said} of {budget}");
}
