//! Old and new builds side by side (item 12): a newer one has written events of types this one does not know.
//! A service that must understand every event stops, one that can do without goes on, and none decides by a
//! state it cannot read.

use serde_json::json;
use tests::kit::person::{Ask, Person, Stranger};
use tests::kit::separate::Separate;
use tests::kit::socket::Socket;
use tests::kit::{log, nats, until};

use crate::forged;

/// Writes an event as a newer build would; its sequence.
async fn newer(separate: &Separate, lane: &str, kind: &str, by: &Person) -> u64 {
    let (url, namespace) = (separate.nats_url(), separate.namespace.as_str());
    let data = json!({"of_a_newer_build": true});
    let subject = format!("{namespace}.evt.{lane}");
    nats::publish(&url, &subject, &forged::event(kind, "x1", &by.id, &data)).await;
    let all = log::everything(&url, namespace).await;
    all.iter().rev().find(|(_, on, _)| *on == subject).expect("it is in the log").0
}

async fn length(separate: &Separate) -> usize {
    log::everything(&separate.nats_url(), &separate.namespace).await.len()
}

/// An event of an unknown type in a timeline, and users who go on talking there; its sequence.
async fn an_unknown_event_stops_the_projector_only(
    separate: &Separate,
    ada: &Person,
    bob: &Person,
    socket: &mut Socket,
    room: &str,
) -> u64 {
    let first = newer(separate, &format!("timeline.{room}"), "poll.opened.v1", ada).await;
    let reason = until("the projector stops before it", async || {
        let (status, text) = separate.tells("projector", "/readyz").await;
        (status == 503).then_some(text)
    })
    .await;
    assert!(reason.contains(&first.to_string()), "{reason}");
    assert!(reason.contains("poll.opened.v1"), "it names what it does not know: {reason}");
    let checkpoint = separate.metric("projector", "tidings_projector_checkpoint").await;
    assert!(checkpoint < first as f64, "it stops, it does not skip");
    for name in ["gateway-0", "gateway-1", "chat-svc", "auth-svc", "notifier"] {
        assert_eq!(separate.tells(name, "/readyz").await.0, 200, "{name} goes on");
    }
    for number in 0..3 {
        ada.says(room, &format!("after {number}")).await;
        let event = socket.event_in(room, "message.posted").await;
        assert_eq!(event["data"]["body"], format!("after {number}"));
    }
    let mut resumed = bob.resume(&socket.position).await;
    ada.says(room, "resumed").await;
    resumed.event_in(room, "message.posted").await;
    first
}

/// A post of a user who may say that in a room, as far as can be read.
fn post(person: &Person, room: &str) -> Ask {
    let path = format!("/v1/rooms/{room}/messages");
    person.ask("POST", &path).json(json!({"body": "decided blindly", "client_id": "blind"}))
}

/// Takes the events out that no service here can read, and starts every service again.
fn is_mended(separate: &mut Separate, dropped: &[u64]) {
    for (name, service) in &mut separate.services {
        if name != "projector" {
            service.stop();
        }
    }
    let mut order = vec!["accept-loss".to_owned()];
    order.extend(dropped.iter().flat_map(|one| ["--drop".to_owned(), one.to_string()]));
    let order: Vec<&str> = order.iter().map(String::as_str).collect();
    let output = separate.operate(&order);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for name in ["auth-svc", "chat-svc", "projector", "notifier", "gateway-0", "gateway-1"] {
        separate.run(name);
    }
    separate.verify();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_a_newer_build() {
    let mut separate = Separate::start("sqlite");
    let place = separate.place.clone();
    let ada = place.found().await;
    let bob = Person::register_at(&place, 1, "bob").await;
    let carl = Person::register(&place, "carl").await;
    let (plain, themed) = (ada.group(&[&bob, &carl]).await, ada.group(&[&bob, &carl]).await);
    let muted = ada.group(&[&bob, &carl]).await;
    for room in [&plain, &themed, &muted] {
        // Warm: the caches hold what is about to be out of date.
        bob.says(room, "before").await;
        assert_eq!(carl.messages(room).await.len(), 1);
    }
    let mut socket = bob.connect().await;
    let stops = an_unknown_event_stops_the_projector_only;
    let first = stops(&separate, &ada, &bob, &mut socket, &plain).await;

    // The newest state of a room, of a membership, of an account, in a form no service here can read.
    let mut dropped = vec![first];
    for (lane, kind) in [
        (format!("room.{themed}"), "room.themed.v1"),
        (format!("member.{muted}.{}", bob.id), "member.muted.v7"),
        (format!("user.{}", carl.id), "user.suspended.v9"),
    ] {
        dropped.push(newer(&separate, &lane, kind, &ada).await);
    }
    let before = length(&separate).await;
    // Retryable: a copy of the newer build may be met next time.
    for (person, room) in [(&ada, &themed), (&bob, &themed), (&bob, &muted)] {
        post(person, room).once().await.problem(503, "unavailable");
    }
    let renamed = ada.patch(&format!("/v1/rooms/{themed}"), json!({"name": "another"})).await;
    renamed.problem(503, "unavailable");
    let removed = ada.delete(&format!("/v1/rooms/{muted}/members/{}", bob.id)).await;
    removed.any_problem(500..=503);
    let login = json!({"login": carl.username, "password": carl.password});
    let reply = Stranger::new(&place).post("/v1/sessions", login).await;
    let token = &reply.json["access_token"];
    assert!(token.is_null(), "no user is let in by a state that cannot be read");
    reply.problem(503, "unavailable");
    assert_eq!(length(&separate).await, before, "nothing was decided");
    // Where the state can be read, people go on.
    post(&ada, &muted).once().await.ok(201);
    post(&ada, &plain).once().await.ok(201);
    socket.event_in(&plain, "message.posted").await;

    // The same binary again is no cure; and nothing of this harms what was written before.
    tokio::task::block_in_place(|| {
        separate.restart("chat-svc");
        separate.kill("projector");
        separate.restart("gateway-0");
    });
    post(&ada, &themed).once().await.problem(503, "unavailable");
    tokio::task::block_in_place(|| is_mended(&mut separate, &dropped));
}
