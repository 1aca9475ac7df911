//! The store of the log full (item 13): nothing is acknowledged, operators see it, and when there is room it
//! goes on by itself.

use std::time::Duration;

use eventlog::Topology;
use serde_json::json;
use tests::kit::http::Reply;
use tests::kit::installation::Installation;
use tests::kit::person::Person;
use tests::kit::separate::{Separate, Setup};
use tests::kit::{log, until};

use crate::crew::Crew;
use crate::load::{Habits, Load};
use crate::schedule::{Schedule, by_length};

/// As long as a message may be: two of them do not fit where one does not.
const BODY: usize = 8_000;

async fn post(who: &Person, room: &str, client_id: &str) -> Reply {
    let body = json!({"body": "x".repeat(BODY), "client_id": client_id});
    who.post(&format!("/v1/rooms/{room}/messages"), body).await
}

/// Fills the store with messages of this name; the client ids of what was stored and of what was not.
async fn fill(who: &Person, room: &str, name: &str, wanted: usize) -> (Vec<String>, Vec<String>) {
    let (mut stored, mut refused) = (Vec::new(), Vec::new());
    while refused.len() < wanted {
        let client_id = format!("{name}-{}", stored.len() + refused.len());
        let reply = post(who, room, &client_id).await;
        if refused.is_empty() && reply.status == 201 {
            stored.push(client_id);
            assert!(stored.len() < 20_000, "the store is never full");
            continue;
        }
        // From the first refusal on there is no room for such a message: never ok.
        let problem = reply.problem(503, "unavailable");
        assert_eq!(problem["retryable"], true);
        refused.push(client_id);
    }
    (stored, refused)
}

/// Waits until a process says that it is ready, or not and why.
async fn readiness(url: &str, wanted: u16) -> String {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    until(&format!("/readyz says {wanted}"), async || {
        let answer = client.get(format!("{url}/readyz")).send().await.ok()?;
        let status = answer.status().as_u16();
        let text = answer.text().await.ok()?;
        (status == wanted).then_some(text)
    })
    .await
}

/// What was refused is not in the log, and now goes in, once.
async fn again(who: &Person, room: &str, refused: &[String], before: &[String]) {
    let absent = refused.iter().all(|id| !before.contains(id));
    assert!(absent, "something was refused and stored");
    for client_id in refused {
        post(who, room, client_id).await.ok(201);
    }
}

/// The stream's own limit is reached, and lifted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_stream_refuses_and_recovers() {
    let schedule = Schedule::of("a_full_stream_refuses_and_recovers");
    let installation = Installation::relaxed(&[]);
    let (url, nats) = (installation.place.operator(0), installation.nats());
    let crew = Crew::gather(&installation.place, 3, 2).await;
    let room = crew.owner.group(&[&crew.people[0]]).await;
    let servers = (installation.process.pid(), installation.nats_pid());
    let load = Load::begin(&schedule, &crew, Habits::default()).await;
    load.goes_on(20).await;
    let topology = log::open(&nats, "tidings").await;
    for round in 0..by_length(1, 5) {
        let bytes = by_length(600_000, 4_000_000) * (round + 1);
        let limited = Topology { max_bytes: Some(bytes), ..Topology::default() };
        topology.ensure_topology(&limited).await.expect("a limit");
        let (_, refused) = fill(&crew.owner, &room, &format!("fill-{round}"), 20).await;
        let mut socket = crew.people[0].connect().await;
        let answer = socket.post_as(&room, "by-socket", &"x".repeat(BODY)).await;
        assert_eq!(answer["error"]["code"], "unavailable", "{answer}");
        assert_eq!(answer["error"]["retryable"], true, "{answer}");
        let reason = readiness(&url, 503).await;
        assert!(reason.contains("log_store"), "{reason}");
        schedule.say(&format!("round {round}: full at {bytes} bytes, and says so"));
        let stored = log::posted(&nats, "tidings", &room).await;
        topology.ensure_topology(&Topology::default()).await.expect("no limit");
        readiness(&url, 200).await;
        again(&crew.owner, &room, &refused, &stored).await;
        load.goes_on(30).await;
    }
    assert_eq!(servers, (installation.process.pid(), installation.nats_pid()), "no restart");
    assert!(installation.process.runs());
    load.finish(&installation, &schedule).await;
}

/// A limit of the server is reached; it comes back with more room.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_server_refuses_and_recovers() {
    let schedule = Schedule::of("a_full_server_refuses_and_recovers");
    let setup = Setup { jetstream: "max_file_store: 2MB", ..Setup::on("sqlite") };
    let mut separate = Separate::start_with(setup);
    let crew = Crew::gather(&separate.place, 3, 2).await;
    let room = crew.owner.group(&[&crew.people[0]]).await;
    let habits = Habits { pause: Duration::from_millis(20), ..Habits::default() };
    let load = Load::begin(&schedule, &crew, habits).await;
    load.goes_on(20).await;
    let (_, refused) = fill(&crew.owner, &room, "fill", 20).await;
    let chat = separate.address("chat-svc").to_owned();
    let reason = readiness(&chat, 503).await;
    assert!(reason.contains("log_store"), "{reason}");
    schedule.say("full at 2 MB, and says so");
    let stored = log::posted(&separate.nats_url(), &separate.namespace, &room).await;
    tokio::task::block_in_place(|| {
        separate.nats().set_up("max_file_store: 1GB");
        separate.nats().crash_and_return();
    });
    // A gateway may find the server that is back a second after the services that it asks.
    separate.all_ready().await;
    again(&crew.owner, &room, &refused, &stored).await;
    load.goes_on(30).await;
    assert!(separate.services.values().all(tests::kit::process::Process::runs), "no restart");
    load.finish(&separate, &schedule).await;
}
