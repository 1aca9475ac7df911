//! An event that cannot be read or applied (item 9): ordered views stop before it and say so, everything else
//! goes on, the notifier parks it once; and once it is out of the way the state is what the rest of the log
//! says.

use serde_json::{Value, json};
use tests::kit::installation::Installation;
use tests::kit::person::{Person, Stranger, bodies, id_of};
use tests::kit::socket::Socket;
use tests::kit::{log, nats, until};

use crate::forged;

/// Kinds of poison, each with what is said about it.
#[derive(Debug, Clone, Copy)]
enum Poison {
    /// Not an event at all.
    Junk,
    /// An event of a type or version of another build.
    Unknown,
    /// An event whose content is not what was written.
    Spoilt,
}

impl Poison {
    fn written(self, person: &Person) -> String {
        let data = json!({"message": {"id": "msg_1"}});
        match self {
            Self::Junk => "{\"specversion\":\"1.0\"}".to_owned(),
            Self::Unknown => forged::event("message.posted.v9", "msg_1", &person.id, &data),
            Self::Spoilt => forged::spoilt("message.posted.v1", "msg_1", &person.id, &data),
        }
    }

    const fn said(self) -> &'static str {
        match self {
            Self::Junk => "not a well-formed event",
            Self::Unknown => "unknown event type",
            Self::Spoilt => "checksum",
        }
    }
}

/// What the notifier gave up on.
fn letters(installation: &Installation) -> Vec<Value> {
    let output = installation.operate(&["dead-letters", "list", "--json"]);
    let listed: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    listed["items"].as_array().expect("items").clone()
}

/// A direct message to a user who listens; returns when they have been notified.
async fn reaches(from: &Person, to: &Person, socket: &mut Socket) {
    let room = from.direct(&[to]).await;
    let said = id_of(&from.says(&room, "hello").await);
    let about = |frame: &Value| {
        let notified = frame["event"].as_str().is_some_and(|event| event.contains("notif"));
        notified && frame.to_string().contains(&said)
    };
    socket.expect("a notification", about).await;
}

/// People in a room of an installation, one of them listening, as the poison finds them.
struct Scene {
    installation: Installation,
    ada: Person,
    bob: Person,
    room: String,
    socket: Socket,
}

impl Scene {
    async fn set() -> Self {
        let installation = Installation::relaxed(&[]);
        let ada = installation.place.found().await;
        let bob = Person::register(&installation.place, "bob").await;
        let room = ada.group(&[&bob]).await;
        let mut socket = bob.connect().await;
        ada.says(&room, "before").await;
        socket.event_in(&room, "message.posted").await;
        assert_eq!(bodies(&bob.messages(&room).await), ["before"]);
        Self { installation, ada, bob, room, socket }
    }

    /// Writes the poison into the room's timeline; its sequence.
    async fn poisoned(&self, kind: Poison) -> u64 {
        let nats = self.installation.nats();
        let (subject, text) =
            (format!("tidings.evt.timeline.{}", self.room), kind.written(&self.bob));
        nats::publish(&nats, &subject, &text).await;
        let log = log::everything(&nats, "tidings").await;
        let is_it =
            |on: &str, bytes: &[u8]| on == subject && String::from_utf8_lossy(bytes) == text;
        let bad = log.iter().rev().find(|(_, on, bytes)| is_it(on, bytes));
        bad.expect("it is in the log").0
    }

    /// The ordered views stop before it and say so.
    async fn views_stop(&self, kind: Poison) {
        let stranger = Stranger::new(&self.installation.place);
        let reason = until("the projection says that it has stopped", async || {
            let health = stranger.operates("/readyz").await;
            (health.status == 503 && health.text.contains("project")).then_some(health.text)
        })
        .await;
        assert!(
            reason.contains(kind.said()) || reason.contains("cannot be read"),
            "{kind:?}: {reason}"
        );
        let metrics = stranger.operates("/metrics").await.text;
        assert!(metrics.contains("\ntidings_projector_stopped 1"), "{kind:?}");
        let live = stranger.ask("GET", "/livez").once().await.status;
        assert_eq!(live, 200, "a restart would not help");
    }

    /// Everything else goes on: users talk and hear each other, and come back. A user who came meanwhile, and their
    /// room.
    async fn the_rest_goes_on(&mut self) -> (Person, String) {
        let Self { installation, ada, bob, room, socket } = self;
        for number in 0..5 {
            ada.says(room, &format!("after {number}")).await;
            let event = socket.event_in(room, "message.posted").await;
            assert_eq!(event["data"]["body"], format!("after {number}"));
        }
        let eve = Person::register(&installation.place, "eve").await;
        let other = eve.group(&[&*ada]).await;
        eve.says(&other, "hello").await;
        assert_eq!(bob.ask("GET", &format!("/v1/rooms/{room}/messages")).once().await.status, 200);
        let newest = installation.place.newest.lock().unwrap().1.clone();
        let waiting =
            bob.ask("GET", "/v1/rooms").header("tidings-min-position", &newest).once().await;
        assert!(!waiting.header("retry-after").is_empty());
        waiting.problem(503, "projection_lagging");
        let mut resumed = bob.resume(&socket.position).await;
        resumed.expect("resumed", |frame| frame["type"] == "resumed").await;
        (eve, other)
    }

    /// The notifier parks it, once a channel that reads such lanes, and goes on.
    async fn it_is_parked(&mut self, kind: Poison, eve: &Person) {
        let Self { installation, bob, socket, .. } = self;
        let parked = until("it is parked", async || {
            Some(letters(installation)).filter(|letters| !letters.is_empty())
        })
        .await;
        for letter in &parked {
            assert!(letter.to_string().contains(kind.said()), "{kind:?}: {letter}");
        }
        reaches(eve, bob, socket).await;
        assert_eq!(letters(installation), parked, "once, however much follows");
    }

    /// No build can read it: it is taken out.
    fn is_taken_out(&mut self, bad: u64) {
        let installation = &mut self.installation;
        installation.process.stop();
        let output = installation.operate(&["accept-loss", "--drop", &bad.to_string(), "--json"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let loss: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(loss["holes"], json!([[bad, bad]]), "{loss}");
        installation.start_again();
        *installation.place.newest.lock().unwrap() = (0, String::new());
    }
}

async fn poison(kind: Poison) {
    let mut scene = Scene::set().await;
    let bad = scene.poisoned(kind).await;
    scene.views_stop(kind).await;
    let (eve, other) = scene.the_rest_goes_on().await;
    scene.it_is_parked(kind, &eve).await;
    scene.is_taken_out(bad);
    // Everything else is as if it had never been.
    let Scene { installation, bob, room, .. } = scene;
    let said = until("all is projected", async || {
        let page = bob.get(&format!("/v1/rooms/{room}/messages?limit=200")).await;
        let items = (page.status == 200).then(|| page.json["items"].as_array().cloned())??;
        (items.len() == 6).then_some(items)
    })
    .await;
    assert_eq!(bodies(&said)[..2], ["before", "after 0"]);
    assert_eq!(id_of(&eve.room(&other).await), other);
    // A re-drive of what is gone changes nothing and is no new letter.
    let redriven = installation.operate(&["dead-letters", "redrive", "--all", "--json"]);
    assert!(redriven.status.success(), "{}", String::from_utf8_lossy(&redriven.stderr));
    let stranger = Stranger::new(&installation.place);
    assert_eq!(stranger.ask("GET", "/readyz").once().await.status, 200);
    tokio::task::block_in_place(|| installation.verify());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn junk_stops_the_views_only() {
    Box::pin(poison(Poison::Junk)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_version_stops_the_views_only() {
    Box::pin(poison(Poison::Unknown)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_event_stops_the_views_only() {
    Box::pin(poison(Poison::Spoilt)).await;
}
