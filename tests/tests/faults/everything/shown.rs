//! What REST shows a user of all that a client holds, as facts.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use tests::kit::last;
use tokio::time::Instant;

use super::door::{Door, Request};
use super::facts::{self, Facts, list, text};

/// How long what a gateway remembers may be behind what is stored.
const AGREED: Duration = Duration::from_secs(10);

/// A user who reads, at a gateway.
pub(super) struct Reader<'a> {
    pub(super) door: &'a Door,
    pub(super) token: &'a str,
    pub(super) gateway: usize,
    /// What was written up to there is seen.
    pub(super) since: &'a str,
}

impl Reader<'_> {
    async fn get(&self, path: &str) -> Option<Value> {
        let answer = self.door.ask(self.token, self.gateway, &Request::get(path, self.since)).await;
        answer.is_good().then_some(answer.json)
    }

    async fn all(&self, path: &str) -> Vec<Value> {
        self.door.all(self.token, self.gateway, path, self.since).await.unwrap_or_default()
    }

    /// Whom the user blocks.
    pub(super) async fn blocked(&self) -> BTreeSet<String> {
        self.all("/v1/users/me/blocks").await.iter().map(|user| text(&user["id"])).collect()
    }

    /// Everything, of the rooms on the user's list and of those among `also` that they have hidden.
    pub(super) async fn facts(&self, also: &[String]) -> Facts {
        let mut facts = Facts::new();
        let account = self.get("/v1/users/me").await.unwrap_or_default();
        facts.insert("account".to_owned(), facts::account(&account));
        for entry in self.all("/v1/notifications").await {
            facts.insert(
                format!("notification {}", text(&entry["id"])),
                facts::notification(&entry),
            );
        }
        let badge = self.get("/v1/users/me/unread").await.unwrap_or_default();
        let counts = [
            &badge["rooms"],
            &badge["unread_count"],
            &badge["mention_count"],
            &badge["notifications"],
        ];
        facts.insert("badge".to_owned(), json!(counts));
        facts.insert("badge threads".to_owned(), badge["threads"].clone());
        let mut rooms = self.all("/v1/rooms").await;
        for room in also {
            if rooms.iter().all(|one| one["id"] != json!(room)) {
                let hidden = self.get(&format!("/v1/rooms/{room}")).await.unwrap_or_default();
                rooms.extend((hidden["membership"]["hidden"] == true).then_some(hidden));
            }
        }
        for room in &rooms {
            self.room(room, &mut facts).await;
        }
        facts
    }

    async fn room(&self, room: &Value, facts: &mut Facts) {
        let id = text(&room["id"]);
        let own = &room["membership"];
        let settings = (&own["notify"], &own["pinned"], own["hidden"] == true);
        facts.insert(format!("room {id}"), facts::room(room, settings));
        facts.insert(format!("unread {id}"), json!([own["unread_count"], own["mention_count"]]));
        facts.insert(format!("last {id}"), room["last_message"]["id"].clone());
        if room["name"] != "general" {
            facts.insert(format!("count {id}"), room["member_count"].clone());
            for member in self.all(&format!("/v1/rooms/{id}/members")).await {
                let user = text(&member["user_id"]);
                facts.insert(format!("member {id} {user}"), facts::member(&member));
                facts.insert(format!("user {user}"), facts::user(&member["user"]));
            }
        }
        self.messages(&id, facts).await;
        for thread in self.all(&format!("/v1/rooms/{id}/threads")).await {
            let root = text(&thread["root"]["id"]);
            let fact =
                json!([thread["following"], thread["unread_count"], thread["mention_count"]]);
            facts.insert(format!("thread {id} {root}"), fact);
        }
        let mut pins: Vec<String> = self
            .all(&format!("/v1/rooms/{id}/pins"))
            .await
            .iter()
            .map(|one| text(&one["id"]))
            .collect();
        pins.sort();
        facts.insert(format!("pins {id}"), json!(pins));
    }

    async fn messages(&self, id: &str, facts: &mut Facts) {
        let all = self.door.history(self.token, self.gateway, id, self.since).await;
        let all = all.unwrap_or_default();
        let mut last = 0;
        for doc in &all {
            let number = doc["number"].as_u64().expect("a number");
            assert!(number > last, "numbers of {id} ascend: {number} after {last}");
            last = number;
            let message = text(&doc["id"]);
            let gone = !doc["deleted_at"].is_null();
            let reactions = facts::reactions(doc).unwrap_or_default();
            let pinned = doc["pinned"] == true;
            let fact = facts::message(doc, gone, &reactions, pinned);
            facts.insert(format!("message {id} {message}"), fact);
            if !gone {
                facts.insert(format!("replies {id} {message}"), doc["reply_count"].clone());
            }
            for kind in list(&doc["reactions"]) {
                assert_eq!(kind["count"], list(&kind["users"]).len(), "{kind} of {message}");
            }
        }
        self.newest_page_is_the_end(id, all.len()).await;
    }

    /// The newest page, which comes from memory, is the end of what the read model has. Not at once: texts of deleted
    /// messages leave the log meanwhile, and a gateway hears a moment later of what the read model has of it.
    async fn newest_page_is_the_end(&self, id: &str, all: usize) {
        let path = format!("/v1/rooms/{id}/messages?limit=20");
        let deadline = Instant::now() + AGREED;
        loop {
            let newest = self.get(&path).await.unwrap_or_default();
            let newest = list(&newest["items"]);
            let Some((first, rest)) = newest.split_first() else { return };
            let after = format!("{path}&after={}", text(&first["id"]));
            let stored = self.get(&after).await.unwrap_or_default();
            let stored = list(&stored["items"]);
            if stored == rest {
                return;
            }
            let in_time = Instant::now() < deadline;
            assert!(in_time, "after {first} of {all} in all: {}", otherwise(stored, rest));
            last(Duration::from_millis(50)).await;
        }
    }
}

/// How many of the threads that are shown have something unread for who follows them, in rooms that are not hidden.
pub(super) fn threads_waiting(shown: &Facts) -> usize {
    let waits = |(key, fact): &(&String, &Value)| {
        let mut words = key.split(' ');
        let is_thread = words.next() == Some("thread");
        let room = format!("room {}", words.next().unwrap_or_default());
        let hidden = shown.get(&room).is_some_and(|room| room["hidden"] == true);
        is_thread && !hidden && fact[0] == true && fact[1] != 0
    };
    shown.iter().filter(waits).count()
}

/// What two lists of messages show otherwise.
fn otherwise(stored: &[Value], newest: &[Value]) -> String {
    let differs = |at: &usize| stored.get(*at) != newest.get(*at);
    let all = (0..stored.len().max(newest.len())).filter(differs);
    let told =
        all.map(|at| json!({"stored": stored.get(at), "newest": newest.get(at)}).to_string());
    told.collect::<Vec<_>>().join("\n")
}
