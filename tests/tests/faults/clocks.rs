//! Clocks that are an hour wrong, or stand still (item 10): the log's order is the only order, and a token is
//! judged by the clock of the gateway that judges it. The processes are the real ones, with a library before libc
//! that lies to them about the time.

use serde_json::json;
use tests::kit::person::{Person, bodies};
use tests::kit::preload::clock;
use tests::kit::separate::{Separate, Setup};
use tests::kit::socket::handshake;
use tests::kit::until;

use crate::crew::Crew;
use crate::load::{Habits, Load};
use crate::schedule::{Schedule, by_length};

const WRONG: [&str; 3] = ["+3600", "-3600", "frozen"];

/// Milliseconds since 1970 of an RFC 3339 time, well enough to compare.
fn seconds(time: &str) -> i64 {
    schemas::Timestamp::parse(time).unwrap().millis() / 1000
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_by_wrong_clocks_stays_in_order() {
    let mut separate = Separate::start("sqlite");
    let place = separate.place.clone();
    let ada = place.found().await;
    let bob = Person::register_at(&place, 1, "bob").await;
    let room = ada.group(&[&bob]).await;
    let mut socket = bob.connect().await;
    let from = socket.position.clone();
    let mut said = Vec::new();
    let mut times = Vec::new();
    for wrong in ["", "-3600", "+3600", "frozen", ""] {
        let environment = if wrong.is_empty() { Vec::new() } else { clock(wrong) };
        for name in ["chat-svc", "projector", "notifier"] {
            separate.set_up(name, environment.clone());
            tokio::task::block_in_place(|| separate.restart(name));
        }
        for number in 0..5 {
            let body = format!("{wrong} {number}");
            let message = ada.says(&room, &body).await;
            times.push(seconds(message["created_at"].as_str().unwrap()));
            let event = socket.event_in(&room, "message.posted").await;
            assert_eq!(event["data"]["body"], body, "live, in the order of the log");
            said.push(body);
        }
        // An effect that looks at the time of day as well.
        let direct = ada.direct(&[&bob]).await;
        let hello = ada.says(&direct, &format!("hello {wrong}")).await;
        until("bob is notified once", async || {
            let text = bob.get("/v1/notifications?limit=100").await.text;
            (text.matches(hello["id"].as_str().unwrap()).count() == 1).then_some(())
        })
        .await;
        // An unread entry speaks for what is said after it: the next one is to come by itself.
        bob.put(&format!("/v1/rooms/{direct}/read"), json!({"message_id": hello["id"]}))
            .await
            .ok(200);
    }
    let spread = times.iter().max().unwrap() - times.iter().min().unwrap();
    assert!((7100..7400).contains(&spread), "the clocks were wrong: {times:?}");
    assert!(times[5] < times[0] - 3000 && times[10] > times[0] + 3000, "{times:?}");
    assert_eq!(times[15], times[19], "a frozen one stood still");
    assert_eq!(bodies(&bob.messages(&room).await), said, "read, in the order of the log");
    let mut again = bob.resume(&from).await;
    for body in &said {
        assert_eq!(&again.event_in(&room, "message.posted").await["data"]["body"], body);
    }
    tokio::task::block_in_place(|| separate.verify());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clocks_jump_under_load() {
    let mut schedule = Schedule::of("clocks_jump_under_load");
    let mut separate = Separate::start("sqlite");
    let crew = Crew::gather(&separate.place, 4, 3).await;
    let load = Load::begin(&schedule, &crew, Habits::default()).await;
    load.goes_on(20).await;
    for _ in 0..by_length(1, 6) {
        for name in schedule.dice.shuffled(&["chat-svc", "projector", "notifier"]) {
            let wrong = *schedule.dice.pick(&WRONG);
            schedule.say(&format!("{name} gets a clock that is {wrong}"));
            separate.set_up(name, clock(wrong));
            tokio::task::block_in_place(|| {
                separate.kill(name);
                separate.run(name);
            });
            load.goes_on(schedule.dice.within(10..40)).await;
        }
    }
    load.finish(&separate, &schedule).await;
}

/// What a gateway answers to a token: over REST, and at the handshake of a socket.
async fn judged(person: &Person, gateway: usize) -> (u16, String) {
    let person = person.at(gateway);
    let reply = person.ask("GET", "/v1/users/me").once().await;
    let bearer = format!("Bearer {}", person.access);
    let headers = [("authorization", bearer.as_str())];
    let socket = handshake(&person.place, gateway, "/v1/ws", &headers).await;
    assert_eq!(socket.is_ok(), reply.status == 200, "REST and sockets judge alike: {}", reply.text);
    (reply.status, reply.json["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_judged_by_the_gateways_clock() {
    let mut setup = Setup::on("sqlite");
    setup.gateways = 3;
    setup.environment = vec![("gateway-1", clock("-3600")), ("gateway-2", clock("+3600"))];
    let separate = Separate::start_with(setup);
    let ada = separate.place.found().await;
    assert_eq!(judged(&ada, 0).await.0, 200);
    // Slow by an hour: the token begins in the future. Fast by an hour: it has long ended.
    assert_eq!(judged(&ada, 1).await, (401, "unauthenticated".to_owned()));
    assert_eq!(judged(&ada, 2).await, (401, "token_expired".to_owned()));
    // Neither takes a session away: the right gateway still knows it.
    assert_eq!(judged(&ada, 0).await.0, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_of_a_wrong_clock_is_not_believed() {
    // The very first start, keys and all, is by a clock that is an hour fast.
    let mut setup = Setup::on("sqlite");
    setup.environment = vec![("auth-svc", clock("+3600"))];
    let mut separate = Separate::start_with(setup);
    let place = separate.place.clone();
    let early = Person::register(&place, "early").await;
    assert_eq!(judged(&early, 0).await, (401, "unauthenticated".to_owned()), "not before then");
    let mut sessions = vec![early.clone()];
    for (wrong, status, code) in [
        ("", 200, ""),
        ("+3", 200, ""),
        ("+60", 401, "unauthenticated"),
        ("-3600", 401, "token_expired"),
        ("frozen", 200, ""),
        ("", 200, ""),
    ] {
        let environment = if wrong.is_empty() { Vec::new() } else { clock(wrong) };
        separate.set_up("auth-svc", environment);
        tokio::task::block_in_place(|| separate.restart("auth-svc"));
        let person = until("a login succeeds", async || {
            let body = json!({"login": early.username, "password": early.password});
            let stranger = tests::kit::person::Stranger::new(&place);
            let reply = stranger.post("/v1/sessions", body).await;
            let tokens = (reply.status == 201).then_some(reply.json)?;
            Some(early.with_token(tokens["access_token"].as_str()?))
        })
        .await;
        assert_eq!(judged(&person, 0).await, (status, code.to_owned()), "auth-svc {wrong}");
        // What was good stays good, whatever has become of the clock that made it.
        for former in sessions.iter().skip(1) {
            assert_eq!(judged(former, 1).await.0, 200, "auth-svc {wrong}");
        }
        if status == 200 {
            sessions.push(person);
        }
    }
    assert_eq!(judged(&early, 0).await.0, 401, "an hour has not passed");
    tokio::task::block_in_place(|| separate.verify());
}
