//! Acknowledgements of the log lost after the commit, and repeats after the server has forgotten (item 5).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use eventlog::{DedupId, Topology};
use nix::sys::signal::Signal;
use schemas::{Lane, RoomId};
use serde_json::json;
use tests::kit::chaos::{Fate, Passing};
use tests::kit::http::Reply;
use tests::kit::person::{Person, id_of};
use tests::kit::separate::{Separate, Setup};
use tests::kit::{log, until};

use crate::crew::Crew;
use crate::load::{Habits, Load};
use crate::schedule::{Dice, Schedule, by_length};

fn behind_the_proxy() -> Separate {
    Separate::start_with(Setup { proxied: vec!["chat-svc"], ..Setup::on("sqlite") })
}

/// Whether a message to a client acknowledges an append to the log.
fn is_ack(passing: &Passing<'_>) -> bool {
    passing.subject.starts_with("_INBOX.")
        && passing.content.starts_with(b"{\"stream\":\"EVENTS_")
        && passing.content.windows(6).any(|part| part == b"\"seq\":")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn acknowledgements_lost_after_the_commit() {
    let schedule = Schedule::of("acknowledgements_lost_after_the_commit");
    let separate = behind_the_proxy();
    let crew = Crew::gather(&separate.place, 6, 3).await;
    let writers = by_length(12, 64);
    let habits = Habits { rest_writers: writers, socket_writers: writers, ..Habits::default() };
    let load = Load::begin(&schedule, &crew, habits).await;
    load.goes_on(20).await;
    let mut dice: Dice = schedule.dice_of("acks");
    let (wanted, odds) = by_length((40, 2), (1000, 3));
    let all = Arc::new(AtomicBool::new(false));
    let silence = Arc::clone(&all);
    separate.proxy.decide(move |passing| {
        let lost = is_ack(passing) && (silence.load(Ordering::SeqCst) || dice.once_in(odds));
        if lost { Fate::Lose } else { Fate::Pass }
    });
    let mut shown = 0;
    while separate.proxy.lost() < wanted {
        load.goes_on(1).await;
        let lost = separate.proxy.lost();
        if lost >= shown + wanted / 4 {
            shown = lost;
            schedule.say(&format!("{lost} of {wanted} acknowledgements lost"));
        }
    }
    // Now every one, until writers are told that the outcome is unknown.
    let doubts = || load.history.operations().iter().filter(|one| one.tries > 1).count();
    let before = doubts();
    all.store(true, Ordering::SeqCst);
    until("writers are left in doubt", async || (doubts() > before).then_some(())).await;
    separate.proxy.heal();
    schedule.say(&format!("{} lost; {} operations in doubt", separate.proxy.lost(), doubts()));
    load.goes_on(40).await;
    let history = load.finish(&separate, &schedule).await;
    // Repeated under their ids they come to a final answer; unless the person was put out in between.
    let (ok, _, unknown) = history.tally();
    assert!(unknown * 10 < ok, "{unknown} are unknown, {ok} ok");
}

/// Under an id the server has forgotten, and so has chat-svc: what lies in the log must decide.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repeats_after_the_duplicate_window() {
    let schedule = Schedule::of("repeats_after_the_duplicate_window");
    let mut separate = behind_the_proxy();
    let ada = separate.place.found().await;
    let bob = Person::register_at(&separate.place, 1, "bob").await;
    let room = ada.group(&[&bob]).await;
    let mut ids = Vec::new();
    for number in 0..by_length(3, 30) {
        // Every other time the read model does not know of the message either.
        let blind = number % 2 == 1;
        if blind {
            separate.services["projector"].signal(Signal::SIGSTOP);
        }
        let client_id = format!("c{number}");
        let first = post(&ada, &room, &client_id).await.ok(201);
        tokio::task::block_in_place(|| {
            separate.kill("chat-svc");
            separate.run("chat-svc");
        });
        forget(&separate, &ada, &room, &client_id).await;
        schedule.say(&format!("{client_id} is forgotten; projector stopped: {blind}"));
        if blind {
            let early = post(&ada, &room, &client_id).await;
            assert!([200, 503].contains(&early.status), "{}: {}", early.status, early.text);
            separate.services["projector"].signal(Signal::SIGCONT);
        }
        let again = until("the repeat is answered", async || {
            let reply = post(&ada, &room, &client_id).await;
            (reply.status != 503).then_some(reply)
        })
        .await;
        assert_eq!(id_of(&again.ok(200)), id_of(&first), "the first message, not another");
        ids.push(client_id);
    }
    let stored = log::posted(&separate.nats_url(), &separate.namespace, &room).await;
    assert_eq!(stored, ids, "each is in the log once");
    tokio::task::block_in_place(|| separate.verify());
}

async fn post(who: &Person, room: &str, client_id: &str) -> Reply {
    let body = json!({"body": client_id, "client_id": client_id});
    who.post(&format!("/v1/rooms/{room}/messages"), body).await
}

/// Makes the server's memory of message ids short, and waits until it has forgotten this one.
async fn forget(separate: &Separate, who: &Person, room: &str, client_id: &str) {
    let log = log::open(&separate.nats_url(), &separate.namespace).await;
    let short = Topology { duplicate_window: Duration::from_secs(1), ..Topology::default() };
    log.ensure_topology(&short).await.expect("a shorter window");
    let lane = Lane::Timeline(RoomId::parse(room).expect("a room"));
    let id = DedupId::of([who.id.as_str(), "post", room, client_id]);
    until("the server has forgotten the id", async || {
        let found = log.find_written(&lane, &id).await.expect("an answer");
        found.is_none().then_some(())
    })
    .await;
}
