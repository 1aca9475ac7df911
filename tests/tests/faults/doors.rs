//! An unreadable event stops the views it concerns and closes no doors: sockets open, restarts come up, resumes
//! are answered, other entities go on; reads wait for their own views only, and `verify` says what it could not
//! verify.

use serde_json::{Value, json};
use tests::kit::installation::Installation;
use tests::kit::mongo;
use tests::kit::person::Person;
use tests::kit::socket::Socket;
use tests::kit::{nats, unique, until};

use crate::forged;

/// Where it lies, and which views it stops.
#[derive(Debug, Clone, Copy)]
enum Lane {
    /// A room's timeline: the conversations stop.
    Timeline,
    /// An account, with an intact type this build knows: the people stop.
    Profile,
    /// An account, of an unknown type: people and conversations stop.
    Account,
    /// A lane of another build: everything stops.
    Unknown,
}

impl Lane {
    const fn stopped(self) -> &'static [&'static str] {
        match self {
            Self::Timeline => &["conversations"],
            Self::Profile => &["people"],
            Self::Account => &["conversations", "people"],
            Self::Unknown => &["conversations", "inbox", "people"],
        }
    }

    async fn poison(self, nats: &str, namespace: &str, room: &str, person: &str) {
        let data = json!({"user": {"id": person, "settings": 7}});
        let event = |kind| forged::event(kind, person, person, &data);
        let (lane, event) = match self {
            Self::Timeline => (format!("timeline.{room}"), event("message.posted.v1")),
            Self::Profile => (format!("user.{person}"), event("user.profile_changed.v1")),
            Self::Account => (format!("user.{person}"), event("user.pleased.v1")),
            Self::Unknown => ("polls.poll_1".to_owned(), event("poll.opened.v1")),
        };
        nats::publish(nats, &format!("{namespace}.evt.{lane}"), &event).await;
    }
}

/// What `verify` could not verify; it has exit code 1 then.
fn unverified(installation: &Installation) -> Vec<String> {
    let output = installation.operate(&["verify", "--json"]);
    let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(output.status.code(), Some(i32::from(found["clean"] != true)), "{found}");
    let stand = found["unverified"].as_array().expect("a list").iter();
    let mut stand: Vec<String> = stand
        .map(|one| {
            assert!(one["through"].as_u64() > Some(0), "{one}");
            assert!(!one["reason"].as_str().unwrap_or_default().is_empty(), "{one}");
            one["group"].as_str().expect("a group").to_owned()
        })
        .collect();
    stand.sort();
    let differing = found["collections"].as_array().expect("a list").iter();
    assert!(differing.clone().all(|one| one["differing"] == 0), "{found}");
    stand
}

async fn hears(socket: &mut Socket, from: &Person, room: &str, text: &str) {
    from.says(room, text).await;
    loop {
        let event = socket.event_in(room, "message.posted").await;
        if event["data"]["body"] == text {
            return;
        }
    }
}

/// A read that asks for all there is.
async fn read(person: &Person, path: &str) -> u16 {
    let newest = person.place.newest.lock().unwrap().1.clone();
    person.ask("GET", path).header("tidings-min-position", &newest).once().await.status
}

/// Reads of groups of views that stopped are refused, those of others answered.
async fn reads_wait_for(ada: &Person, stopped: &[&str]) {
    let expected = |group| if stopped.contains(&group) { 503 } else { 200 };
    until("what goes on has caught up", async || {
        let paths = [("/v1/rooms", "conversations"), ("/v1/users/me", "people")];
        let inbox = ("/v1/notifications", "inbox");
        for (path, group) in paths.into_iter().chain([inbox]) {
            if read(ada, path).await != expected(group) {
                return None;
            }
        }
        Some(())
    })
    .await;
}

async fn keeps_sockets_open(flags: &[&str], lane: Lane) {
    // Of their own, as the cases share a MongoDB.
    let namespace = unique("doors").replace('-', "_").to_lowercase();
    let flags = [flags, &["--namespace", namespace.as_str()]].concat();
    let mut installation = Installation::relaxed(&flags);
    let place = installation.place.clone();
    let ada = place.found().await;
    let bob = Person::register(&place, "bob").await;
    let carl = Person::register(&place, "carl").await;
    let room = ada.group(&[&bob]).await;
    let mut before = bob.connect().await;
    hears(&mut before, &ada, &room, "before").await;
    lane.poison(&installation.nats(), &namespace, &room, &carl.id).await;

    // Who is connected goes on; who comes now comes in, into rooms made now too.
    hears(&mut before, &ada, &room, "still here").await;
    let eve = Person::register(&place, "eve").await;
    let later = ada.group(&[&eve, &bob]).await;
    let mut socket = eve.connect().await;
    hears(&mut socket, &ada, &later, "to a newcomer").await;
    let mut again = bob.connect().await;
    hears(&mut again, &ada, &room, "to a second device").await;
    hears(&mut again, &ada, &later, "in a new room").await;
    // Who was put out since does not hear any more, on a socket opened later either.
    let put_out = format!("/v1/rooms/{later}/members/{}", bob.id);
    assert_eq!(ada.ask("DELETE", &put_out).once().await.status, 204);
    let mut third = bob.connect().await;
    ada.says(&later, "not for bob").await;
    hears(&mut third, &ada, &room, "for bob").await;
    let leaked = third.unread().iter().any(|frame| frame.to_string().contains("not for bob"));
    assert!(!leaked, "{lane:?}");

    // Reads wait for what they are made of.
    let stopped = lane.stopped();
    reads_wait_for(&ada, stopped).await;
    assert_eq!(ada.ask("GET", "/v1/rooms").once().await.status, 200);
    // The entity itself is not available, when its state is what cannot be read.
    if matches!(lane, Lane::Profile | Lane::Account) {
        let patch = carl.ask("PATCH", "/v1/users/me").json(json!({"bio": "?"})).once().await;
        patch.problem(503, "unavailable");
    }
    let stand = tokio::task::block_in_place(|| unverified(&installation));
    assert_eq!(stand, stopped, "{lane:?}");

    // A restart comes up, and is as good as before.
    let position = third.position.clone();
    tokio::task::block_in_place(|| {
        assert_eq!(installation.process.stop(), 0);
        installation.start_again();
    });
    let mut resumed = bob.resume(&position).await;
    let answered = |frame: &Value| frame["type"] == "resumed" || frame["type"] == "reset";
    resumed.expect("an answer to the resume", answered).await;
    hears(&mut resumed, &ada, &room, "after a restart").await;
    let mut socket = eve.connect().await;
    hears(&mut socket, &ada, &later, "to eve after a restart").await;
    let made = ada.group(&[&eve]).await;
    hears(&mut socket, &ada, &made, "in a room made after a restart").await;
}

macro_rules! keeps_sockets_open {
    ($($case:ident: $lane:ident),* $(,)?) => {$(
        mod $case {
            use super::*;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                Box::pin(keeps_sockets_open(&[], Lane::$lane)).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_mongodb() {
                let Some(url) = mongo::url() else { return };
                Box::pin(keeps_sockets_open(&["--read-model", &url], Lane::$lane)).await;
            }
        }
    )*};
}
keeps_sockets_open! {
    a_timeline_event: Timeline,
    a_profile: Profile,
    an_account_of_a_newer_build: Account,
    an_unknown_lane: Unknown,
}
