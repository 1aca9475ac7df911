//! Writing over REST: every message is tried under its client id until the answer is final.

use std::time::Duration;

use reqwest::Client;
use schemas::Sequence;
use serde_json::{Value, json};
use tests::kit::person::Person;
use tokio::time::sleep;

use super::Shared;
use crate::history::{Act, Doing};
use crate::schedule::Dice;

/// A request that gets no answer is given up after this time: its outcome is not known.
const PATIENCE: Duration = Duration::from_secs(12);

/// The result of one try.
pub(super) enum Answer {
    Done { position: Sequence, document: Value },
    Refused,
    Unknown,
}

/// One request.
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    pub(super) path: String,
    pub(super) body: Option<Value>,
}

/// A user's access to the gateways: the next one when one does not answer.
pub(super) struct Caller {
    http: Client,
    person: Person,
    gateway: usize,
}

impl Caller {
    pub(super) fn new(person: &Person) -> Self {
        let http = Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        Self { http, gateway: person.gateway, person: person.clone() }
    }

    pub(super) async fn attempt(&mut self, request: &Request<'_>) -> Answer {
        let url = format!("{}{}", self.person.place.url(self.gateway), request.path);
        let method = request.method.parse().unwrap();
        let mut call = self.http.request(method, url).bearer_auth(&self.person.access);
        if let Some(body) = &request.body {
            call = call.json(body);
        }
        let Ok(answer) = call.send().await else {
            self.gateway += 1;
            return Answer::Unknown;
        };
        let status = answer.status().as_u16();
        let position = answer.headers().get("tidings-position").cloned();
        match status {
            200..=299 => {
                let position = position.as_ref().and_then(|value| value.to_str().ok());
                let position = position.and_then(crate::history::sequence);
                let document = answer.json().await.unwrap_or_default();
                Answer::Done { position: position.expect("a write has a position"), document }
            }
            // A refusal that says to try again, or to wait: not final.
            429 | 500..=599 => Answer::Unknown,
            _ => Answer::Refused,
        }
    }

    /// Tries until the answer is final, or the load ends; the document, if it was done.
    pub(super) async fn insist(
        &mut self,
        shared: &Shared,
        mut doing: Doing,
        request: Request<'_>,
        dice: &mut Dice,
    ) -> Option<Value> {
        loop {
            match self.attempt(&request).await {
                Answer::Done { position, document } => {
                    doing.ok(position);
                    return Some(document);
                }
                Answer::Refused => {
                    doing.refused();
                    return None;
                }
                Answer::Unknown => doing.doubt(),
            }
            shared.breathe(dice).await;
        }
    }
}

/// Posts a message, however long it takes.
pub(super) async fn say(shared: &Shared, who: &Person, room: &str, id: &str, dice: &mut Dice) {
    let doing = shared.history.begin(&who.id, post_of(room, id));
    let done = Caller::new(who).insist(shared, doing, post_request(shared, room, id), dice).await;
    assert!(done.is_some(), "{id} was refused");
}

pub(super) fn post_of(room: &str, client_id: &str) -> Act {
    Act::Post { room: room.to_owned(), client_id: client_id.to_owned() }
}

fn post_request(shared: &Shared, room: &str, client_id: &str) -> Request<'static> {
    let body = json!({"body": shared.body(client_id), "client_id": client_id});
    Request { method: "POST", path: format!("/v1/rooms/{room}/messages"), body: Some(body) }
}

/// A user who posts, and now and then edits or deletes one of their messages.
pub(super) struct Writer {
    shared: Shared,
    person: Person,
    caller: Caller,
    dice: Dice,
    name: String,
    posted: usize,
    /// Ids of their messages that are still to be edited.
    messages: Vec<String>,
}

impl Writer {
    pub(super) fn new(shared: &Shared, person: &Person, dice: Dice, name: String) -> Self {
        let caller = Caller::new(person);
        let (shared, person) = (shared.clone(), person.clone());
        Self { shared, person, caller, dice, name, posted: 0, messages: Vec::new() }
    }

    pub(super) async fn run(mut self) {
        while !self.shared.stopped() {
            self.post().await;
            let changes = self.shared.habits.changes;
            if self.posted.is_multiple_of(changes.max(1)) && changes > 0 {
                self.change().await;
            }
            sleep(self.shared.habits.pause).await;
        }
    }

    async fn post(&mut self) {
        let room = self.dice.pick(&self.shared.crew.rooms).clone();
        let client_id = format!("{}-{}", self.name, self.posted);
        self.posted += 1;
        let doing = self.shared.history.begin(&self.person.id, post_of(&room, &client_id));
        let request = post_request(&self.shared, &room, &client_id);
        let done = self.caller.insist(&self.shared, doing, request, &mut self.dice).await;
        self.messages.extend(done.and_then(|message| message["id"].as_str().map(str::to_owned)));
    }

    /// Edits or deletes a message. Its author touches each message once.
    async fn change(&mut self) {
        if self.messages.is_empty() {
            return;
        }
        let place = self.dice.below(self.messages.len());
        let message = self.messages.swap_remove(place);
        let body = format!("changed by {} after {}", self.name, self.posted);
        self.react(&message).await;
        match self.dice.below(3) {
            0 => self.delete(&message).await,
            1 => self.edit(&message, &body).await,
            // The owner of the room deletes it meanwhile: whichever comes first, it is deleted in the end.
            _ => {
                let (shared, owner) = (self.shared.clone(), self.shared.crew.owner.clone());
                let mut owner = Self::new(&shared, &owner, self.dice.clone(), "owner".to_owned());
                tokio::join!(self.edit(&message, &body), owner.delete(&message));
            }
        }
    }

    /// Reacts to a message, takes that back half the time, and reacts otherwise while the owner of the room does so, too.
    async fn react(&mut self, message: &str) {
        let (shared, owner) = (self.shared.clone(), self.shared.crew.owner.clone());
        let mut owner = Self::new(&shared, &owner, self.dice.clone(), "owner".to_owned());
        self.beside(message, "👍", true).await;
        if self.dice.below(2) == 0 {
            self.beside(message, "👍", false).await;
        }
        let others = owner.person.id != self.person.id;
        tokio::join!(self.beside(message, "🎉", true), async {
            if others {
                owner.beside(message, "🎉", true).await;
            }
        });
    }

    async fn beside(&mut self, message: &str, emoji: &str, there: bool) {
        let path = format!("/v1/messages/{message}/reactions/{}", percent_encoded(emoji));
        let (what, method) = (emoji.to_owned(), if there { "PUT" } else { "DELETE" });
        let act = Act::Beside { message: message.to_owned(), what, there };
        let doing = self.shared.history.begin(&self.person.id, act);
        let request = Request { method, path, body: None };
        self.caller.insist(&self.shared, doing, request, &mut self.dice).await;
    }

    async fn delete(&mut self, message: &str) {
        let path = format!("/v1/messages/{message}");
        let act = Act::Delete { message: message.to_owned() };
        let doing = self.shared.history.begin(&self.person.id, act);
        let request = Request { method: "DELETE", path, body: None };
        self.caller.insist(&self.shared, doing, request, &mut self.dice).await;
    }

    async fn edit(&mut self, message: &str, body: &str) {
        let path = format!("/v1/messages/{message}");
        let act = Act::Edit { message: message.to_owned(), body: body.to_owned() };
        let doing = self.shared.history.begin(&self.person.id, act);
        let request = Request { method: "PATCH", path, body: Some(json!({"body": body})) };
        self.caller.insist(&self.shared, doing, request, &mut self.dice).await;
    }
}

fn percent_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
