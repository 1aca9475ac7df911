//! Purging: messages that a room does not keep are gone for good, from clients, from the log and from the files.
//!
//! A day of retention is a second here (`--retention-day`).

use std::cell::Cell;

use serde_json::{Value, json};
use tests::kit::files::{fetch, posts, upload};
use tests::kit::installation::{Installation, Place};
use tests::kit::person::{Person, id_of, items};
use tests::kit::separate::{Separate, Setup};
use tests::kit::{Patience, mongo, unique, until, until_within};

use crate::deleted_texts::in_log;
use crate::erasure::holding;

const QUICK: [&str; 6] =
    ["--retention", "purge", "--retention-day", "1s", "--retention-interval", "200ms"];
const TIMES: u32 = 3;

async fn keeps(owner: &Person, room: &str, days: u64) {
    let patch = json!({ "retention_days": days });
    owner.patch(&format!("/v1/rooms/{room}"), patch).await.ok(200);
}

/// What a file is called that another room has, too.
fn kept_name(word: &str) -> String {
    format!("{}.txt", word.replace("zzpurged", "zzkept"))
}

/// Waits until a message is gone for who could read it.
async fn goes(who: &Person, message: &str) {
    until_within(Patience::for_("a message is purged").times(TIMES), async || {
        let reply = who.get(&format!("/v1/messages/{message}")).await;
        (reply.status == 410).then(|| reply.problem(410, "gone"))
    })
    .await;
}

/// A room of which most is gone: those that went, and what stays.
struct Purged {
    ada: Person,
    bob: Person,
    room: String,
    gone: Vec<String>,
    stays: String,
    /// The file that went, and where bob had heard of everything before anything went.
    file: String,
    position: String,
}

async fn purged(place: &Place, word: &str) -> Purged {
    let ada = place.found().await;
    let bob = Person::register_at(place, 1, "bob").await;
    let eve = Person::register(place, "eve").await;
    let room = ada.group(&[&bob]).await;
    let mut socket = bob.connect().await;
    let mut gone = Vec::new();
    for number in 0..3 {
        gone.push(id_of(&bob.says(&room, &format!("{word} {number}")).await));
    }
    let edit = json!({"body": format!("{word} edited")});
    bob.patch(&format!("/v1/messages/{}", gone[0]), edit).await.ok(200);
    ada.put_empty(&format!("/v1/messages/{}/pin", gone[0])).await.ok(204);
    let answer = json!({"body": format!("{word} answer"), "thread_root_id": gone[1]});
    let answer = bob.post(&format!("/v1/rooms/{room}/messages"), answer).await.ok(201);
    gone.push(id_of(&answer));
    // What something else needs keeps its name.
    let shared = upload(&bob, &kept_name(word), "text/plain", b"what others have, too").await;
    posts(&bob, &ada.group(&[&bob]).await, "", &[&shared]).await;
    let file = upload(&bob, &format!("{word}.txt"), "text/plain", b"words of a file").await;
    let said = posts(&bob, &room, "", &[&file, &shared]).await;
    let url = said["attachments"][0]["url"].as_str().unwrap().to_owned();
    gone.push(id_of(&said));
    socket.expect("the last of them", |frame| frame["data"]["id"] == said["id"]).await;
    let position = socket.position.clone();
    keeps(&ada, &room, 1).await;
    for message in &gone {
        goes(&ada, message).await;
        socket
            .expect("it is told as deleted", |frame| {
                frame["event"] == "message.deleted" && frame["data"]["id"] == *message
            })
            .await;
        let path = format!("/v1/messages/{message}");
        eve.get(&path).await.problem(404, "not_found");
        bob.patch(&path, json!({"body": "again"})).await.problem(410, "gone");
        bob.put_empty(&format!("{path}/pin")).await.problem(410, "gone");
        bob.delete(&path).await.problem(410, "gone");
        // To others' messages the same is said, before whose they were.
        ada.patch(&path, json!({"body": "again"})).await.problem(410, "gone");
        ada.delete(&path).await.problem(410, "gone");
        eve.delete(&path).await.problem(404, "not_found");
        let reason = json!({"reason": "unkind"});
        bob.post(&format!("{path}/reports"), reason).await.problem(410, "gone");
    }
    until("the file is gone", async || (fetch(place, &url, &[]).await.status == 404).then_some(()))
        .await;
    keeps(&ada, &room, 36_500).await;
    let stays = id_of(&ada.says(&room, "this stays").await);
    Purged { ada, bob, room, gone, stays, file: id_of(&file), position }
}

impl Purged {
    /// What is left, as its members see it.
    async fn shown(&self) -> Vec<Value> {
        let path = format!("/v1/rooms/{}", self.room);
        let mut shown = Vec::new();
        let whats = ["/messages", "/messages?threads=false", "/pins", "/threads"];
        for what in whats.map(str::to_owned).into_iter().chain([
            format!("/messages?before={}", self.stays),
            format!("/messages?after={}", self.gone[0]),
        ]) {
            shown.push(self.ada.get(&format!("{path}{what}")).await.ok(200));
        }
        shown.push(self.ada.room(&self.room).await);
        shown
    }

    /// What bob hears who was away since before anything went.
    async fn hears(&self, word: &str) {
        let told = Cell::new(false);
        let mut socket = self.bob.resume(&self.position).await;
        let resumed = |frame: &Value| {
            assert!(!frame.to_string().contains(word), "{frame}");
            if frame["event"] == "media.changed" && frame["data"]["id"] == json!(self.file) {
                told.set(frame["data"]["removed_at"].is_string());
            }
            frame["type"] == "resumed"
        };
        socket.expect("resumed", resumed).await;
        assert!(told.get(), "the file is gone");
    }

    /// Nothing is changed of what is gone, on any way; a stranger does not even hear that it is.
    async fn takes_no_changes(&self) {
        let Self { ada, bob, gone, .. } = self;
        for mut frame in [json!({"type": "edit", "body": "again"}), json!({"type": "delete"})] {
            frame["message_id"] = json!(gone[0]);
            let refused = ada.connect().await.call(frame).await;
            assert_eq!(refused["error"]["code"], "gone", "{refused}");
        }
        let thread = format!("/v1/messages/{}", gone[1]);
        for who in [ada, bob] {
            who.put_empty(&format!("{thread}/follow")).await.problem(410, "gone");
            who.delete(&format!("{thread}/follow")).await.problem(410, "gone");
            for read in [&gone[1], &gone[3]] {
                let marker = json!({"message_id": read});
                who.put(&format!("{thread}/thread/read"), marker).await.problem(410, "gone");
            }
        }
        let eve = Person::register(&ada.place, "eve").await;
        eve.put_empty(&format!("{thread}/follow")).await.problem(404, "not_found");
    }

    async fn is_all_that_is_left(&self) {
        let page = self.ada.messages(&self.room).await;
        let numbers: Vec<u64> = page.iter().map(|one| one["number"].as_u64().unwrap()).collect();
        assert_eq!(numbers, [6], "the numbers of what is gone are not used again");
        let room = self.ada.room(&self.room).await;
        assert_eq!(room["last_message"]["id"], json!(self.stays));
        let pins = self.ada.get(&format!("/v1/rooms/{}/pins", self.room)).await.ok(200);
        assert_eq!(items(&pins), Vec::<Value>::new());
        until("one is unread, whatever is gone", async || {
            let own = self.bob.room(&self.room).await;
            (own["membership"]["unread_count"] == 1).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_but_numbers_is_left_of_what_is_purged() {
    let mut installation = Installation::relaxed(&QUICK);
    let word = unique("zzpurged");
    let purged = purged(&installation.place, &word).await;
    purged.is_all_that_is_left().await;
    purged.takes_no_changes().await;
    assert!(!in_log(&installation.nats(), "tidings", &word).await, "neither a text nor a name");
    assert!(in_log(&installation.nats(), "tidings", &kept_name(&word)).await);
    installation.verify();
    let before = purged.shown().await;
    let rebuilt = installation.operate(&["rebuild", "--json"]);
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stderr));
    assert_eq!(purged.shown().await, before);
    goes(&purged.ada, &purged.gone[0]).await;
    installation.verify();
    let refused = installation.operate(&["retention", "--retention-days", "1"]);
    assert_eq!(refused.status.code(), Some(1), "only the service purges");
    assert_eq!(installation.process.stop(), 0);
    for folder in ["nats", "read"] {
        let folder = installation.data.join(folder);
        assert_eq!(holding(&folder, &[word.as_str()]), Vec::new());
        let kept = kept_name(&word);
        assert!(!holding(&folder, &[kept.as_str()]).is_empty(), "the look finds what is there");
    }
    installation.start_again();
    purged.hears(&word).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_but_numbers_is_left_in_mongodb() {
    let Some(url) = mongo::url() else { return };
    let mut separate = Separate::start_with(Setup { flags: QUICK.to_vec(), ..Setup::on(&url) });
    let word = unique("zzpurged");
    let purged = purged(&separate.place, &word).await;
    purged.is_all_that_is_left().await;
    purged.takes_no_changes().await;
    assert!(!in_log(&separate.nats_url(), &separate.namespace, &word).await);
    separate.verify();
    let before = purged.shown().await;
    let rebuilt = separate.operate(&["rebuild", "--json"]);
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stderr));
    assert_eq!(purged.shown().await, before);
    separate.verify();
    separate.restart("gateway-1");
    purged.hears(&word).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn holds_and_open_reports_keep_messages() {
    let installation = Installation::relaxed(&QUICK);
    let ada = installation.place.found().await;
    let bob = Person::register(&installation.place, "bob").await;
    let room = ada.group(&[&bob]).await;
    let hold = format!("/v1/admin/holds/users/{}", bob.id);
    ada.put(&hold, json!({"reason": "case 1"})).await.ok(204);
    let held = id_of(&bob.says(&room, "evidence").await);
    let reported = id_of(&ada.says(&room, "reported").await);
    let reason = json!({"reason": "spam"});
    let report = bob.post(&format!("/v1/messages/{reported}/reports"), reason).await.ok(201);
    let other = id_of(&ada.says(&room, "neither").await);
    keeps(&ada, &room, 1).await;
    goes(&ada, &other).await;
    for message in [&held, &reported] {
        let found = ada.get(&format!("/v1/messages/{message}")).await.ok(200);
        assert!(found.get("deleted_at").is_none_or(Value::is_null), "{found}");
    }
    let handled = json!({"status": "dismissed"});
    ada.patch(&format!("/v1/admin/reports/{}", id_of(&report)), handled).await.ok(200);
    goes(&ada, &reported).await;
    ada.ask("DELETE", &hold).json(json!({"reason": "settled"})).send().await.ok(204);
    goes(&ada, &held).await;
    installation.verify();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purge_that_is_killed_is_gone_on_with() {
    let mut installation = Installation::relaxed(&QUICK);
    let ada = installation.place.found().await;
    let room = ada.group(&[]).await;
    let word = unique("zzpurged");
    let mut socket = ada.connect().await;
    let mut said = Vec::new();
    for number in 0..400 {
        said.push(id_of(&socket.post(&room, &format!("old {number}")).await["result"]));
        if number % 20 == 0 {
            let file = upload(&ada, &format!("{word}.txt"), "text/plain", b"words").await;
            said.push(id_of(&posts(&ada, &room, "", &[&file]).await));
        }
    }
    keeps(&ada, &room, 1).await;
    for reached in [0, 120] {
        goes(&ada, &said[reached]).await;
        installation.crash();
        installation.start_again();
    }
    goes(&ada, said.last().unwrap()).await;
    for message in &said {
        goes(&ada, message).await;
    }
    assert_eq!(ada.messages(&room).await, Vec::<Value>::new());
    assert!(!in_log(&installation.nats(), "tidings", &word).await);
    installation.verify();
    let rebuilt = installation.operate(&["rebuild", "--json"]);
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stderr));
    installation.verify();
}
