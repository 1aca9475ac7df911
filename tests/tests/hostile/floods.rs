//! Too many of things that are allowed.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use tests::kit::installation::Place;
use tests::kit::person::{Person, Stranger};
use tests::kit::socket::{Socket, handshake};
use tests::kit::unique;

use crate::scene;
use crate::wire::{FIN, PING, PONG, Wire};

cases!(more_sockets_than_one_may_hold, more_names_than_one_may_watch);

const SOON: Duration = Duration::from_secs(10);

async fn more_sockets_than_one_may_hold(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let again = ada.again().await;
    let mut held: Vec<Socket> = Vec::new();
    for number in 0..20 {
        // Two sessions are still one user.
        let person = if number % 2 == 0 { &ada } else { &again };
        held.push(person.connect().await);
    }
    let attempts = if scene::long() { 10_000 } else { 200 };
    let bearer = format!("Bearer {}", again.access);
    for round in 0..attempts / 50 {
        let tries = (0..50).map(|number| {
            let (place, ada, bearer) = (&place, &ada, bearer.as_str());
            async move {
                let mut socket = if number % 2 == 0 {
                    Socket::over(
                        handshake(place, 0, "/v1/ws", &[("authorization", bearer)]).await.unwrap(),
                    )
                } else {
                    let mut socket =
                        Socket::over(handshake(place, 0, "/v1/ws", &[]).await.unwrap());
                    socket.send(json!({"type": "hello", "token": ada.access})).await;
                    socket
                };
                socket.drain().await
            }
        });
        let codes = join_all(tries).await;
        assert!(codes.iter().all(|code| *code == Some(4409)), "round {round}: {codes:?}");
    }
    // The twenty are still open, and a slot that becomes free can be used.
    for socket in &mut held {
        socket.all().await;
    }
    held.pop().unwrap().close().await;
    tests::kit::until("a seat is free", async || {
        let opened = handshake(&place, 0, "/v1/ws", &[("authorization", &bearer)]).await.ok()?;
        let mut socket = Socket::over(opened);
        let first = socket.next(SOON).await?;
        (first["type"] == "welcome").then_some(())
    })
    .await;
    Person::register(&place, "bob").await.connect().await.all().await;
}

async fn more_names_than_one_may_watch(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let mut socket = ada.connect().await;
    // There is nothing to subscribe to but presence; 10,000 people do not fit into a frame.
    let ids = |count: usize| vec![ada.id.as_str(); count];
    let answer = socket.call(json!({"type": "watch_presence", "user_ids": ids(1_500)})).await;
    assert!(["ok", "error"].contains(&answer["type"].as_str().unwrap()), "{answer}");
    socket.all().await;
    socket.send(json!({"type": "watch_presence", "user_ids": ids(10_000)})).await;
    assert_eq!(socket.drain().await, Some(4413));
    // Nor do many in one room or one request.
    let many = vec![format!("@{}", ada.username); 10_000];
    ada.post("/v1/direct", json!({"members": many})).await.any_problem(400..=413);
    let body = json!({"kind": "group", "name": "x", "members": ids(5_000)});
    ada.post("/v1/rooms", body).await.problem(400, "validation_failed");
    // As many mentions as fit into a message are one message and no more.
    let bob = Person::register(&place, "bob").await;
    let room = ada.group(&[&bob]).await;
    let mention = format!("{} ", bob.at_name());
    let body = mention.repeat(8_000 / mention.len());
    let message = ada.says(&room, &body).await;
    assert_eq!(message["mentions"].as_array().unwrap().len(), 1);
}

/// The default limits of an installation, but for those of logins, which the cases need.
const LIMITED: &[&str] = &[
    "--bcrypt-cost",
    "4",
    "--rate-requests",
    "60/min",
    "--rate-frames",
    "20/s",
    "--rate-auth",
    "40/min",
];

#[tokio::test]
async fn rates_are_limited_whatever_is_claimed() {
    scene::play_elsewhere(LIMITED, limits).await;
}

async fn limits(place: Place) {
    let (ada, eve) = (Person::register(&place, "ada").await, Person::register(&place, "eve").await);
    // One user with many addresses, clients and sessions is one user.
    let second = eve.again().await;
    let mut refused = 0;
    for number in 0..120 {
        let person = if number % 2 == 0 { &eve } else { &second };
        let asked = person
            .ask("GET", "/v1/users/me")
            .header("x-forwarded-for", &format!("203.0.113.{number}"))
            .header("x-real-ip", &format!("203.0.113.{number}"))
            .header("forwarded", &format!("for=203.0.113.{number}"))
            .header("user-agent", &format!("client {number}"));
        let reply = asked.once().await;
        assert!([200, 429].contains(&reply.status), "{}", reply.text);
        if reply.status == 429 {
            refused += 1;
            assert!(reply.header("retry-after").parse::<u32>().is_ok_and(|wait| wait > 0));
            reply.problem(429, "rate_limited");
        }
    }
    assert!(refused >= 50, "{refused} of 120 refused at 60 a minute");
    // Which costs no other user anything.
    ada.ask("GET", "/v1/users/me").once().await.ok(200);
    floods_of_frames(&ada).await;
    floods_of_attempts(&place).await;
}

async fn floods_of_frames(ada: &Person) {
    // Pings of the protocol are frames as well, and pongs.
    for kind in [PING, PONG] {
        let mut wire = Wire::socket_of(ada).await;
        let mut written = 0;
        while written < 100_000 && wire.send(FIN | kind, b"x").await {
            written += 1;
            if written % 500 == 0 && wire.has_ended(Duration::from_millis(1)).await {
                break;
            }
        }
        assert_eq!(wire.closed(SOON).await, Some(4429), "opcode {kind}");
    }
    let mut socket = ada.connect().await;
    for number in 0..2_000 {
        socket.send(json!({"type": "ping", "id": number})).await;
    }
    assert_eq!(socket.drain().await, Some(4429));
}

async fn floods_of_attempts(place: &Place) {
    let stranger = Stranger::new(place);
    let mut statuses = Vec::new();
    for number in 0..60 {
        let asked = stranger
            .ask("POST", ["/v1/sessions", "/v1/users", "/v1/sessions/refresh"][number % 3])
            .header("x-forwarded-for", &format!("198.51.100.{number}, 10.0.0.{number}"))
            .header("x-client-ip", "127.0.0.2")
            .header("idempotency-key", &unique("key"));
        let body = json!({"login": unique("absent"), "password": "no such secret"});
        statuses.push(asked.json(body).once().await.status);
    }
    let refused = statuses.iter().filter(|status| **status == 429).count();
    assert!(refused >= 20, "{statuses:?}");
    assert_eq!(statuses.last(), Some(&429));
}
