//! Limits of rates: requests, frames and resumes, per user over all sockets and gateways.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::kit::installation::Installation;
use tests::kit::person::{Person, Stranger};
use tests::kit::separate::{Separate, Setup};
use tests::kit::socket::{Socket, handshake};

/// The default limits; only the hashing of passwords is cheaper.
const DEFAULTS: &[&str] = &["--bcrypt-cost", "4"];

const ONLY_FRAMES: &[&str] =
    &["--bcrypt-cost", "4", "--rate-requests", "off", "--rate-bytes", "off", "--rate-auth", "off"];

const SOON: Duration = Duration::from_secs(10);

/// The frames a user may send in a time: 60 at once and 20 a second.
fn frames_in(time: Duration) -> f64 {
    time.as_secs_f64().mul_add(20.0, 60.0)
}

#[expect(clippy::cast_precision_loss, reason = "counts of a test")]
const fn float(count: usize) -> f64 {
    count as f64
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
    // A client that goes on all the same is disconnected.
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
    // Claiming another address does not evade the limit.
    let forged = stranger.ask("POST", "/v1/sessions").header("x-forwarded-for", "203.0.113.9");
    let body = json!({"login": ada.username, "password": "wrong password"});
    let reply = forged.json(body).send().await;
    assert!(!reply.header("retry-after").is_empty());
    let problem: Value = reply.problem(429, "rate_limited");
    assert_eq!(problem["retryable"], true);
}

/// One user is limited as one, however many sockets they open and close and however much they write over REST.
#[tokio::test]
async fn frames_are_limited_over_sockets_that_come_and_go() {
    const POSTS: usize = 60;
    let installation = Installation::start(DEFAULTS);
    let place = &installation.place;
    let (ada, bob) = (Person::register(place, "ada").await, Person::register(place, "bob").await);
    let room = ada.group(&[&bob]).await;
    let again = ada.again().await;
    let begun = Instant::now();
    let mut acknowledged = 0;
    // Posts whose socket was closed before their answer: granted and not begun, or stored.
    let mut unanswered = 0;
    for round in 0..12 {
        let person = if round % 2 == 0 { &ada } else { &again };
        let mut socket = person.connect().await;
        for number in 0..POSTS {
            let body = format!("{round} {number}");
            socket.send(json!({"type": "post", "id": number, "room_id": room, "body": body})).await;
        }
        let body = json!({"body": format!("{round} over REST")});
        let asked = person.ask("POST", &format!("/v1/rooms/{room}/messages")).json(body);
        let status = asked.once().await.status;
        assert!([201, 429].contains(&status), "{status}");
        acknowledged += usize::from(status == 201);
        let mut open = POSTS;
        while open > 0
            && let Some(frame) = socket.next(SOON).await
        {
            match frame["type"].as_str() {
                Some("ok") => acknowledged += 1,
                Some("error") => assert_eq!(frame["error"]["code"], "rate_limited", "{frame}"),
                _ => continue,
            }
            open -= 1;
        }
        assert!(open == 0 || socket.closed == Some(4429), "{open} posts without an answer");
        unanswered += open;
        socket.close().await;
    }
    let took = begun.elapsed();
    // Other users are as free as ever.
    let mut bobs = bob.connect().await;
    let answer = bobs.post(&room, "others are not slowed down").await;
    assert_eq!(answer["type"], "ok");
    let stored = bob.room(&room).await["message_count"].as_u64().unwrap();
    let stored = usize::try_from(stored).unwrap() - 1;
    assert!((acknowledged..=acknowledged + unanswered).contains(&stored), "{stored} stored");
    // At least the whole burst, but for what creating the room has used of it.
    assert!(acknowledged >= 50, "{acknowledged} acknowledged in {took:?}");
    assert!(float(stored) <= frames_in(took) * 1.1 + 1.0, "{stored} stored in {took:?}");
}

/// Every metered answer says how much is left, refusals too.
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

/// Repeated resumes are charged by the bytes they make the server send, on one socket and on new ones.
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
    // Reconnecting does not evade the limit: after a few more the socket is closed.
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
    // Other users are not affected.
    ada.says(&room, "as before").await;
}

/// Gateways share what they count: a user gets little more from four of them than from one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_gateways_share_one_limit() {
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
                    // A client that is told to wait does so; this one waits a little less.
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
