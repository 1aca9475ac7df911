//! Crowds that meet a limit while the read model is behind: as many as there is room for are let in, the others are told
//! that there is none, and no request is held up by the waiting of others until it has to be given up.

use futures_util::future::join_all;
use nix::sys::signal::Signal;
use serde_json::json;
use tests::kit::http::Reply;
use tests::kit::mongo;
use tests::kit::person::{Person, id_of, items};
use tests::kit::separate::{Separate, Setup};

/// Who asks, each five times at once.
const PEOPLE: usize = 10;
const CROWD: usize = 50;
/// More events than a room may have pins or invitations.
const ELSEWHERE: usize = 120;

/// A room of a crowd with 95 of what it may have a hundred of.
struct Scene {
    people: Vec<Person>,
    room: String,
    messages: Vec<String>,
}

impl Scene {
    async fn new(separate: &Separate) -> Self {
        let mut people = Vec::new();
        for number in 0..PEOPLE {
            people.push(Person::register(&separate.place, &format!("p{number}")).await);
        }
        let room = people[0].group(&people[1..].iter().collect::<Vec<_>>()).await;
        let mut messages = Vec::new();
        for number in 0..95 + CROWD {
            messages.push(id_of(&people[0].says(&room, &format!("m{number}")).await));
        }
        let scene = Self { people, room, messages };
        for (number, message) in scene.messages[..95].iter().enumerate() {
            scene.pins(number, message).await.ok(204);
            scene.invites(number).await.ok(201);
        }
        scene
    }

    fn one(&self, number: usize) -> &Person {
        &self.people[number % PEOPLE]
    }

    async fn invites(&self, number: usize) -> Reply {
        self.one(number).post(&format!("/v1/rooms/{}/invites", self.room), json!({})).await
    }

    async fn pins(&self, number: usize, message: &str) -> Reply {
        self.one(number).put_empty(&format!("/v1/messages/{message}/pin")).await
    }

    /// How many invitations and pins there are.
    async fn counts(&self) -> (usize, usize) {
        let count = async |what: &str| {
            let path = format!("/v1/rooms/{}/{what}?limit=200", self.room);
            items(&self.people[0].get(&path).await.ok(200)).len()
        };
        (count("invites").await, count("pins").await)
    }
}

async fn crowds_at_limits(read_model: &str) {
    let flags = vec!["--unverified", "everything"];
    let separate = Separate::start_with(Setup { flags, ..Setup::on(read_model) });
    let scene = Scene::new(&separate).await;
    let notes = id_of(&scene.people[0].post("/v1/direct", json!({"members": []})).await.json);
    assert_eq!(scene.counts().await, (95, 95));
    separate.services["projector"].signal(Signal::SIGSTOP);
    for number in 0..ELSEWHERE {
        scene.people[0].says(&notes, &format!("elsewhere {number}")).await;
    }
    let of = |statuses: &[u16], wanted: u16| statuses.iter().filter(|one| **one == wanted).count();
    let invited = join_all((0..CROWD).map(|number| scene.invites(number))).await;
    let invited: Vec<u16> = invited.iter().map(|reply| reply.status).collect();
    let late = scene.messages[95..].iter().enumerate();
    let pinned = join_all(late.map(|(number, message)| scene.pins(number, message))).await;
    let pinned: Vec<u16> = pinned.iter().map(|reply| reply.status).collect();
    separate.services["projector"].signal(Signal::SIGCONT);
    assert_eq!((of(&invited, 201), of(&invited, 409)), (5, 45), "{invited:?}");
    assert_eq!((of(&pinned, 204), of(&pinned, 409)), (5, 45), "{pinned:?}");
    assert_eq!(scene.counts().await, (100, 100));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crowds_meet_limits_while_sqlite_is_behind() {
    Box::pin(crowds_at_limits("sqlite")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crowds_meet_limits_while_mongodb_is_behind() {
    if let Some(url) = mongo::url() {
        Box::pin(crowds_at_limits(&url)).await;
    }
}
