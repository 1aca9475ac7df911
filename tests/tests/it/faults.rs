//! What must survive faults: every acknowledged message is stored exactly once, every client sees the
//! order of the log, and the read model is what the log says.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::sys::signal::{Signal, kill};
use serde_json::{Value, json};
use tests::kit::installation::Installation;
use tests::kit::person::{Person, id_of};
use tests::kit::process::alive;
use tests::kit::separate::Separate;
use tests::kit::{log, mongo, until};

use crate::history::{Listener, Load, check, settle, without_end};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_nats_server_under_load() {
    let installation = Installation::relaxed(&[]);
    let place = &installation.place;
    let ada = place.found().await;
    let mut people = Vec::new();
    for number in 0..4 {
        people.push(Person::register(place, &format!("p{number}")).await);
    }
    let room = ada.group(&people.iter().collect::<Vec<_>>()).await;
    let mut listeners = Vec::new();
    for person in &people[..2] {
        listeners.push(Listener::begin(person, &room).await);
    }
    let load = Load::begin(&people, &room);
    load.goes_on(50).await;
    for _ in 0..3 {
        let pid = installation.nats_pid();
        kill(pid, Signal::SIGKILL).unwrap();
        until("it is dead", async || (!alive(pid)).then_some(())).await;
        // serve starts another one, and the load goes on by itself.
        load.goes_on(50).await;
    }
    let acknowledged = load.end().await;
    let (heard, resumed) = settle(&ada, &room, listeners).await;
    assert_eq!(resumed, 0, "serve keeps its clients' sockets");
    let stored = log::posted(&installation.nats(), "tidings", &room).await;
    let stored = without_end(stored);
    check(&stored, &acknowledged, &heard);
    let installation = Arc::new(installation);
    let verifying = Arc::clone(&installation);
    tokio::task::spawn_blocking(move || verifying.verify()).await.unwrap();
}

async fn kill_each_service(read_model: &str) {
    let mut separate = Separate::start(read_model);
    let place = separate.place.clone();
    let ada = place.found().await;
    let mut people = Vec::new();
    for number in 0..4 {
        people.push(Person::register_at(&place, number, &format!("p{number}")).await);
    }
    let room = ada.group(&people.iter().collect::<Vec<_>>()).await;
    let mut listeners = Vec::new();
    for person in &people {
        listeners.push(Listener::begin(person, &room).await);
    }
    let load = Load::begin(&people, &room);
    load.goes_on(20).await;
    for name in ["chat-svc", "projector", "gateway-0", "auth-svc", "notifier", "gateway-1"] {
        tokio::task::block_in_place(|| {
            separate.kill(name);
            separate.run(name);
        });
        load.goes_on(20).await;
    }
    tokio::task::block_in_place(|| separate.nats.crash_and_return());
    load.goes_on(20).await;
    let acknowledged = load.end().await;
    let (heard, resumed) = settle(&ada, &room, listeners).await;
    assert!(resumed > 0, "gateways were killed");
    let stored = log::posted(&separate.nats.url(), &separate.namespace, &room).await;
    let stored = without_end(stored);
    check(&stored, &acknowledged, &heard);
    // Nobody is logged out by any of this, and a new login works.
    people[0].again().await.get("/v1/users/me").await.ok(200);
    tokio::task::block_in_place(|| separate.verify());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_each_service_on_mongodb() {
    if let Some(url) = mongo::url() {
        Box::pin(kill_each_service(&url)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_each_service_on_sqlite() {
    Box::pin(kill_each_service("sqlite")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_serve_under_load() {
    let mut installation = Installation::relaxed(&[]);
    let place = installation.place.clone();
    let ada = place.found().await;
    let bob = Person::register(&place, "bob").await;
    let room = ada.group(&[&bob]).await;
    let listeners = vec![Listener::begin(&bob, &room).await];
    let load = Load::begin(&[ada.clone(), bob.clone()], &room);
    for _ in 0..2 {
        load.goes_on(30).await;
        tokio::task::block_in_place(|| {
            installation.process.kill();
            installation.start_again();
        });
    }
    load.goes_on(30).await;
    let acknowledged = load.end().await;
    let (heard, _) = settle(&ada, &room, listeners).await;
    let stored = log::posted(&installation.nats(), "tidings", &room).await;
    let stored = without_end(stored);
    check(&stored, &acknowledged, &heard);
    tokio::task::block_in_place(|| installation.verify());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_live_messages_are_back_filled() {
    let separate = Separate::start("sqlite");
    let place = &separate.place;
    let ada = place.found().await;
    // bob's gateway hears of the log through the proxy.
    let bob = Person::register_at(place, 1, "bob").await;
    let room = ada.group(&[&bob]).await;
    let mut socket = bob.connect().await;
    ada.says(&room, "m0").await;
    assert_eq!(socket.event_in(&room, "message.posted").await["data"]["body"], "m0");
    let mut wanted = 1;
    // The first of several, one in the middle, several in a row, and the last one, after which it is quiet.
    for pattern in [&[0][..], &[2], &[1, 2, 3], &[5], &[0, 1, 2, 3, 4, 5]] {
        let lost_before = separate.proxy.lost();
        let subject = format!(".live.timeline.{room}");
        let (mut number, lose) = (0, pattern.to_vec());
        separate.proxy.lose(move |of| {
            let here = of.ends_with(&subject);
            let lost = here && lose.contains(&number);
            number += usize::from(here);
            lost
        });
        for number in 0..6 {
            ada.says(&room, &format!("m{}", wanted + number)).await;
        }
        for number in 0..6 {
            let event = socket.event_in(&room, "message.posted").await;
            assert_eq!(event["data"]["body"], format!("m{}", wanted + number), "{pattern:?}");
        }
        assert_eq!(separate.proxy.lost() - lost_before, pattern.len() as u64);
        separate.proxy.heal();
        wanted += 6;
    }
    // The connection breaks altogether.
    for _ in 0..3 {
        separate.proxy.cut();
        ada.says(&room, &format!("m{wanted}")).await;
        let event = socket.event_in(&room, "message.posted").await;
        assert_eq!(event["data"]["body"], format!("m{wanted}"));
        wanted += 1;
    }
    tokio::task::block_in_place(|| separate.verify());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_is_removed_while_his_posts_are_in_flight() {
    let installation = Installation::relaxed(&[]);
    let place = installation.place.clone();
    let ada = place.found().await;
    for round in 0..5 {
        let eve = Person::register(&place, "eve").await;
        let room = ada.group(&[&eve]).await;
        let begun = Arc::new(AtomicUsize::new(0));
        let posting = (0..8).map(|writer| {
            let (eve, room, begun) = (eve.clone(), room.clone(), Arc::clone(&begun));
            tokio::spawn(async move {
                let mut outcomes = Vec::new();
                for number in 0..200 {
                    let client_id = format!("e{writer}-{number}");
                    let body = json!({"body": "x", "client_id": client_id});
                    begun.fetch_add(1, Ordering::SeqCst);
                    let reply = eve.post(&format!("/v1/rooms/{room}/messages"), body).await;
                    outcomes.push((client_id, reply.status));
                    if reply.status == 404 || reply.status == 403 {
                        break;
                    }
                }
                outcomes
            })
        });
        let posting: Vec<_> = posting.collect();
        until("posts are in flight", async || {
            (begun.load(Ordering::SeqCst) > 10 + round * 7).then_some(())
        })
        .await;
        let removed = ada.delete(&format!("/v1/rooms/{room}/members/{}", eve.id)).await;
        assert_eq!(removed.status, 204);
        let position = removed.header("tidings-position").to_owned();
        let removed: u64 = position.split(':').nth(1).unwrap().parse().unwrap();
        let mut outcomes = BTreeMap::new();
        for writer in posting {
            outcomes.extend(writer.await.unwrap());
        }
        assert!(outcomes.values().any(|status| [403, 404].contains(status)), "{outcomes:?}");
        let events = log::events(&installation.nats(), "tidings").await;
        let mut stored = BTreeMap::new();
        for (sequence, event) in events {
            if let schemas::EventData::MessagePosted(posted) = event.data
                && posted.message.room_id.as_str() == room
            {
                assert!(
                    sequence < removed,
                    "a message is never sequenced after its author lost the right"
                );
                stored.insert(posted.message.client_id.unwrap().to_string(), sequence);
            }
        }
        for (id, status) in outcomes {
            match status {
                200 | 201 => assert!(stored.contains_key(&id), "{id} was acknowledged"),
                403 | 404 => assert!(!stored.contains_key(&id), "{id} was refused"),
                status => panic!("{id}: {status}"),
            }
        }
        assert_eq!(ada.messages(&room).await.len(), stored.len().min(200));
    }
    tokio::task::block_in_place(|| installation.verify());
}

/// A reader that does not read is put out, resumably, and nobody else notices.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_is_put_out() {
    let installation = Installation::relaxed(&[]);
    let place = installation.place.clone();
    let ada = place.found().await;
    let bob = Person::register(&place, "bob").await;
    let room = ada.group(&[&bob]).await;
    let mut slow = bob.connect().await;
    let mut quick = bob.again().await.connect().await;
    let mut adas = ada.connect().await;
    let body = "x".repeat(7900);
    let mut said = 0;
    let closed = async || {
        let metrics = ada.ask("GET", "/metrics").once().await.text;
        let line = metrics.lines().find(|line| {
            line.starts_with("tidings_") && line.contains("4508")
                || line.contains("slow") && !line.starts_with('#')
        });
        line.is_some_and(|line| !line.ends_with(" 0"))
    };
    while said < 8000 && !(said % 250 == 0 && closed().await) {
        adas.post(&room, &body).await;
        adas.event_in(&room, "message.posted").await;
        let event = quick.event_in(&room, "message.posted").await;
        assert_eq!(event["data"]["body"], body);
        said += 1;
    }
    assert!(said < 8000, "{said} messages of 8 kB were kept for somebody who does not read");
    let code = slow.drain().await;
    assert!(code.is_none_or(|code| code == 4508), "{code:?}");
    // What the slow one had got by then, and the rest by resuming, is everything.
    let mut got: Vec<Value> = slow.unread().iter().cloned().collect();
    let mut again = bob.resume(&slow.position).await;
    again.expect("resumed", |frame| frame["type"] == "resumed").await;
    got.extend(again.all().await);
    let ids: Vec<String> = got
        .iter()
        .filter(|frame| frame["event"] == "message.posted")
        .map(|frame| id_of(&frame["data"]))
        .collect();
    let mut unique = ids.clone();
    unique.dedup();
    assert_eq!((ids.len(), unique.len()), (said, said));
}
