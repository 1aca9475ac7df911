//! Twenty people and their clients: who they are, what they do, and what became of it.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tests::kit::files::upload;
use tests::kit::person::Person;
use tests::kit::separate::Separate;
use tests::kit::{Patience, until_within};
use tokio::task::JoinHandle;

use super::client::{self, Handle, Order};
use super::deed::{ADMIN, Deed, People};
use super::deeds::choose;
use super::door::{Answer, Door, Request};
use super::facts::text;
use super::known::{Kind, Known, Lesson, PEOPLE};
use crate::schedule::Dice;

/// What was done, and with what result.
pub(super) struct Entry {
    pub(super) number: usize,
    what: String,
    /// The status of the answer; the code where it was refused.
    came: String,
    /// What the answer was about.
    id: String,
}

impl Entry {
    /// Whether it was about something of this id.
    pub(super) fn is_about(&self, id: &str) -> bool {
        self.id == id || self.what.contains(id)
    }
}

impl std::fmt::Display for Entry {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "#{} {} -> {} {}", self.number, self.what, self.came, self.id)
    }
}

/// A town.
pub(super) struct Town {
    pub(super) door: Door,
    pub(super) people: Vec<Arc<Mutex<Person>>>,
    /// Their ids and the names they began with.
    pub(super) names: Vec<(String, String)>,
    pub(super) clients: Arc<Vec<Handle>>,
    pub(super) known: Known,
    pub(super) journal: Vec<Entry>,
    /// The room of which old messages go.
    pub(super) forgetful: usize,
    /// The erasure that was begun.
    pub(super) erasure: String,
    number: usize,
    pub(super) done: usize,
}

/// A deed under way.
pub(super) type Doing = (Deed, usize, JoinHandle<Answer>);

impl Town {
    /// Registers everybody, connects their clients, and then has rooms made: clients hear of all of it.
    pub(super) async fn found(separate: &Separate) -> Self {
        let place = &separate.place;
        let door = Door::to(place);
        let mut all = vec![place.found().await];
        for number in 1..PEOPLE {
            all.push(Person::register_at(place, number, &format!("p{number}")).await);
        }
        let mut known = Known::default();
        for (who, person) in all.iter().enumerate().skip(1).step_by(2) {
            for name in ["one.txt", "two.txt"] {
                let words = format!("words of {who}");
                let file = upload(person, name, "text/plain", words.as_bytes()).await;
                known.files.push((who, file["id"].as_str().expect("an id").to_owned()));
            }
        }
        let names = all.iter().map(|one| (one.id.clone(), one.username.clone())).collect();
        let people: Vec<_> = all.into_iter().map(|one| Arc::new(Mutex::new(one))).collect();
        let mut clients = Vec::new();
        for (who, person) in people.iter().enumerate() {
            for number in 0..1 + who % 2 {
                let name = format!("client-{who}-{number}");
                clients.push(client::open(&door, (who, name), person, who + number).await);
            }
        }
        let (clients, journal) = (Arc::new(clients), Vec::new());
        let (erasure, forgetful, number, done) = (String::new(), 0, 0, 0);
        let mut town =
            Self { door, people, names, clients, known, journal, forgetful, erasure, number, done };
        town.make_rooms().await;
        town
    }

    async fn make_rooms(&mut self) {
        let group = |by: usize, members: Vec<usize>| (Kind::Group, by, members);
        let mut rooms = vec![
            group(0, (1..PEOPLE).collect()),
            group(1, (2..12).collect()),
            group(2, vec![3, 4, 5]),
            (Kind::Public, 3, (4..9).collect()),
            (Kind::Public, 10, Vec::new()),
        ];
        rooms.extend((0..6).map(|who| (Kind::Direct, who, vec![who + 6])));
        rooms.push((Kind::Direct, 7, vec![]));
        rooms.push((Kind::Direct, 8, vec![9, 11]));
        for (number, (kind, by, members)) in rooms.into_iter().enumerate() {
            let ids: Vec<&String> = members.iter().map(|who| &self.names[*who].0).collect();
            let (kind_name, visibility) =
                if kind == Kind::Public { ("channel", "public") } else { ("group", "private") };
            let (path, body) = match kind {
                Kind::Direct => ("/v1/direct", json!({"members": ids})),
                Kind::Public | Kind::Group => (
                    "/v1/rooms",
                    json!({"kind": kind_name, "visibility": visibility,
                           "name": format!("founded {number}"), "members": ids}),
                ),
            };
            let lesson = Lesson::Made { kind, by, members };
            let deed = Deed::of(by, "POST", path.to_owned(), Some(body)).teaches(lesson);
            self.does_well(deed).await;
            let room = self.known.rooms.len() - 1;
            let path = format!("/v1/rooms/{}/messages", self.known.rooms[room].id);
            let lesson = Lesson::Posted { room, by, root: None };
            let welcome = Some(json!({"body": "welcome", "client_id": format!("w{number}")}));
            self.does_well(Deed::of(by, "POST", path, welcome).teaches(lesson)).await;
        }
        self.forgetful = 2;
        self.find_general().await;
    }

    /// The room that everybody is in.
    async fn find_general(&mut self) {
        let token = self.people[0].lock().unwrap().access.clone();
        let rooms = self.door.all(&token, 0, "/v1/rooms", &self.door.newest().1).await;
        let rooms = rooms.expect("rooms");
        let general = rooms.iter().find(|room| room["name"] == "general").expect("general");
        let (kind, members) = (Kind::Public, (0..PEOPLE).collect());
        self.known.learn(&Lesson::Made { kind, by: 0, members }, general);
        let room = self.known.rooms.len() - 1;
        self.known.general = room;
        let path = format!("/v1/rooms/{}/messages", self.known.rooms[room].id);
        let lesson = Lesson::Posted { room, by: 0, root: None };
        let welcome = Some(json!({"body": "welcome, all of you"}));
        self.does_well(Deed::of(0, "POST", path, welcome).teaches(lesson)).await;
    }

    /// Does something that must succeed.
    pub(super) async fn does_well(&mut self, deed: Deed) -> Value {
        let doing = self.begins(deed, None);
        let (deed, number, task) = doing;
        let answer = task.await.expect("it is done");
        assert!(answer.is_good(), "{deed:?}: {} {}", answer.status, answer.json);
        let json = answer.json.clone();
        self.learns(&deed, number, &answer);
        json
    }

    /// A user does something, by chance.
    pub(super) fn begins_something(&mut self, dice: &mut Dice) -> Doing {
        let people: &People = &self.names;
        let deed = choose(dice, &self.known, people, self.number);
        let on = self.client_of(dice, deed.who);
        self.begins(deed, on)
    }

    fn client_of(&self, dice: &mut Dice, who: usize) -> Option<usize> {
        let own: Vec<usize> =
            (0..self.clients.len()).filter(|client| self.clients[*client].who == who).collect();
        (!own.is_empty() && dice.once_in(2)).then(|| *dice.pick(&own))
    }

    /// A user does something, on one of their sockets where there is a frame for it.
    pub(super) fn begins(&mut self, deed: Deed, on: Option<usize>) -> Doing {
        let number = self.number;
        self.number += 1;
        let (door, clients) = (self.door.clone(), Arc::clone(&self.clients));
        let token = self.people[deed.who].lock().unwrap().access.clone();
        let key = (deed.method == "POST").then(|| format!("key-{number}"));
        let frame = deed.frame.clone().zip(on);
        let request = Request {
            method: deed.method,
            path: deed.path.clone(),
            body: deed.body.clone(),
            key,
            since: String::new(),
        };
        let task = tokio::spawn(async move {
            if let Some((frame, client)) = frame
                && let Some(answer) = clients[client].sends(frame).await
                && let Some(answer) = of_frame(&answer)
            {
                if let Some(position) = answer.json["at"].as_str() {
                    door.place.wrote(position);
                }
                return answer;
            }
            door.ask(&token, number, &request).await
        });
        (deed, number, task)
    }

    /// Notes what became of a deed.
    pub(super) fn learns(&mut self, deed: &Deed, number: usize, answer: &Answer) {
        if answer.is_good() {
            self.known.learn(&deed.lesson, &answer.json);
            self.done += 1;
        }
        let body = deed.body.as_ref().map(Value::to_string).unwrap_or_default();
        let what = format!("p{} {} {} {body}", deed.who, deed.method, deed.path);
        let code = answer.json["code"].as_str().unwrap_or_default();
        let came = format!("{} {code}", answer.status);
        let id = answer.json["id"].as_str().unwrap_or_default().to_owned();
        self.journal.push(Entry { number, what, came, id });
    }

    /// Now and then a client loses its socket, goes away or comes back.
    pub(super) fn moves_clients(&self, dice: &mut Dice) {
        let client = dice.pick(&self.clients);
        let gateway = dice.below(2);
        match dice.below(12) {
            0 | 1 => client.order(Order::Cut { gateway }),
            2 => client.order(Order::Leave),
            3 | 4 => client.order(Order::Return { gateway }),
            _ => {}
        }
    }

    /// Nothing is held any more: what is held is not erased.
    pub(super) async fn ends_holds(&mut self) {
        let token = self.people[ADMIN].lock().unwrap().access.clone();
        let held = self.door.all(&token, 0, "/v1/admin/holds", &self.door.newest().1).await;
        for hold in held.expect("an administrator reads the holds") {
            let path = format!("/v1/admin/holds/rooms/{}", text(&hold["room_id"]));
            let reason = Some(json!({"reason": "it is over"}));
            self.does_well(Deed::of(ADMIN, "DELETE", path, reason)).await;
        }
    }

    /// Waits until nothing is left of the account that was erased.
    pub(super) async fn erasure_ends(&self) {
        let asked = Request::get(&format!("/v1/erasures/{}", self.erasure), "");
        let token = self.people[0].lock().unwrap().access.clone();
        let patience = Patience::for_("the erasure is done").times(4);
        until_within(patience, async || {
            let erasure = self.door.ask(&token, 0, &asked).await;
            (erasure.json["status"] == "done").then_some(())
        })
        .await;
    }

    /// Everybody who is away comes back.
    pub(super) fn gathers(&self) {
        for (number, client) in self.clients.iter().enumerate() {
            client.order(Order::Return { gateway: number });
        }
    }
}

/// What the answer to a frame is as one to a request; none for one that is not final.
fn of_frame(frame: &Value) -> Option<Answer> {
    if frame["type"] == "ok" {
        let mut json = frame["result"].clone();
        if json.is_object() {
            json["at"] = frame["position"].clone();
        } else {
            json = json!({"at": frame["position"]});
        }
        return Some(Answer { status: 200, json });
    }
    let error = &frame["error"];
    let status = error["status"].as_u64().and_then(|status| u16::try_from(status).ok())?;
    assert_ne!(status, 500, "{frame}");
    (status != 503).then(|| Answer { status, json: error.clone() })
}
