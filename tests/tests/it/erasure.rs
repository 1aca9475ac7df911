//! What is left of a person after their account was deleted: nothing of theirs, and everything of others'.

use std::path::{Path, PathBuf};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::kit::files::{fetch, png, posts, upload};
use tests::kit::installation::Installation;
use tests::kit::person::{Person, Stranger, bodies, id_of, items};
use tests::kit::separate::Separate;
use tests::kit::{Patience, mongo, unique, until, until_within};

/// An erasure of a few hundred events may take so many times as long as other things.
pub(crate) const TIMES: u32 = 3;

pub(crate) async fn deleted(who: &Person) -> String {
    let reply = who.ask("DELETE", "/v1/users/me").json(json!({"password": who.password}));
    let begun = reply.send().await.ok(202);
    begun["erasure_id"].as_str().unwrap().to_owned()
}

pub(crate) async fn done(by: &Stranger, erasure: &str) -> Value {
    let path = format!("/v1/erasures/{erasure}");
    until_within(Patience::for_("the erasure is done").times(TIMES), async || {
        let found = by.get(&path).await.ok(200);
        (found["status"] == "done").then_some(found)
    })
    .await
}

/// Files below a folder that hold one of these texts.
pub(crate) fn holding(folder: &Path, markers: &[&str]) -> Vec<(PathBuf, String)> {
    let (mut open, mut found) = (vec![folder.to_owned()], Vec::new());
    while let Some(path) = open.pop() {
        if path.is_dir() {
            let entries = std::fs::read_dir(&path).into_iter().flatten().flatten();
            open.extend(entries.map(|entry| entry.path()));
            continue;
        }
        let bytes = std::fs::read(&path).unwrap_or_default();
        for marker in markers {
            let marked = marker.as_bytes();
            if bytes.windows(marked.len()).any(|part| part == marked) {
                found.push((path.clone(), (*marker).to_owned()));
            }
        }
    }
    found
}

/// One word that stands in everything that a person writes and sets.
struct Marked {
    word: String,
    person: Person,
    messages: Vec<String>,
    root: String,
}

/// A person who leaves their word wherever a user can, and who talks with another.
async fn marked(other: &Person, room: &str) -> Marked {
    let person = Person::register(&other.place, "marked").await;
    let word = unique("zzmarker");
    let patch = json!({
        "display_name": format!("Name {word}"), "bio": format!("bio {word}"),
        "settings": {"note": format!("settings {word}")},
    });
    person.patch("/v1/users/me", patch).await.ok(200);
    other
        .post(&format!("/v1/rooms/{room}/members"), json!({"user": person.id}))
        .await
        .any_success();
    let path = format!("/v1/rooms/{room}/messages");
    let mut messages = Vec::new();
    for number in 0..5 {
        let body = json!({"body": format!("text {word} {number}"), "client_id": format!("{word}-{number}")});
        messages.push(id_of(&person.post(&path, body).await.ok(201)));
    }
    let edit = json!({"body": format!("edited {word}")});
    person.patch(&format!("/v1/messages/{}", messages[0]), edit).await.ok(200);
    let root = id_of(&other.says(room, "a root that stays").await);
    let answer =
        json!({"body": format!("answer {word} {}", other.at_name()), "thread_root_id": root});
    messages.push(id_of(&person.post(&path, answer).await.ok(201)));
    person.put_empty(&format!("/v1/messages/{root}/reactions/%F0%9F%91%8D")).await.ok(204);
    let keyed = person.ask("POST", &path).header("idempotency-key", "kept-answer");
    let keyed = keyed.json(json!({"body": format!("keyed {word}")}));
    messages.push(id_of(&keyed.send().await.ok(201)));
    let direct = person.direct(&[other]).await;
    messages.push(id_of(&person.says(&direct, &format!("direct {word}")).await));
    let reason = json!({"reason": format!("reported {word}")});
    person.post(&format!("/v1/messages/{root}/reports"), reason).await.any_success();
    // Each is noted with the former.
    for _ in 0..2 {
        person.post("/v1/verifications", json!({"kind": "email"})).await.ok(202);
    }
    // An address they ask for, and theirs, which another asks for.
    for (asker, email) in [(&person, format!("{word}@example.org")), (other, person.email.clone())]
    {
        let change = json!({"email": email, "password": asker.password});
        asker.post("/v1/users/me/email", change).await.ok(202);
    }
    Marked { word, person, messages, root }
}

trait AnySuccess {
    fn any_success(self);
}

impl AnySuccess for tests::kit::http::Reply {
    #[track_caller]
    fn any_success(self) {
        assert!((200..300).contains(&self.status), "{}: {} {}", self.asked, self.status, self.text);
    }
}

/// What clients see of an erased person and their messages.
async fn shown_as_deleted(of: &Marked, other: &Person, room: &str) {
    let user = other.get(&format!("/v1/users/{}", of.person.id)).await.ok(200);
    assert_eq!(user["username"], "deleted");
    assert_eq!(user["display_name"], "Deleted user");
    assert_eq!(user["deleted"], true);
    let own: Vec<Value> = other
        .messages(room)
        .await
        .into_iter()
        .filter(|message| of.messages.iter().any(|id| message["id"] == json!(id)))
        .collect();
    assert_eq!(own.len(), 7, "{own:#?}");
    for message in own {
        assert_eq!(message["body"], "", "{message}");
        assert!(
            message["deleted_at"].is_string() && message.get("client_id").is_none(),
            "{message}"
        );
        assert_eq!(message["sender"]["username"], "deleted");
        assert_eq!(message["sender"]["display_name"], "Deleted user");
        assert!(message["number"].is_u64());
    }
    let root = other.get(&format!("/v1/messages/{}", of.root)).await.ok(200);
    assert_eq!((&root["body"], &root["reply_count"]), (&json!("a root that stays"), &json!(0)));
    assert_eq!(root["reactions"], json!([]));
    let name = format!("/v1/users?username={}", of.person.username);
    assert_eq!(items(&other.get(&name).await.ok(200)), Vec::<Value>::new());
    let found = other.get("/v1/users?username=deleted").await.ok(200);
    assert_eq!(items(&found), Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_person_is_left_and_everything_of_others_is() {
    let mut installation = Installation::relaxed(&["--log", "debug"]);
    let ada = installation.place.found().await;
    let room = ada.group(&[]).await;
    let mark = marked(&ada, &room).await;
    ada.says(&room, "mine stays").await;
    let (word, email) = (mark.word.clone(), mark.person.email.clone());
    let username = mark.person.username.clone();
    let markers = [word.as_str(), email.as_str(), username.as_str()];
    until("the welcome is written", async || {
        (!holding(&installation.data.join("mail"), &markers).is_empty()).then_some(())
    })
    .await;
    let mut socket = ada.connect().await;
    let erasure = deleted(&mark.person).await;
    let told = socket.event("user.changed").await;
    assert_eq!(
        (&told["data"]["deleted"], &told["data"]["username"]),
        (&json!(true), &json!("deleted"))
    );
    mark.person.get("/v1/users/me").await.problem(401, "unauthenticated");
    let login = json!({"login": email, "password": mark.person.password});
    let stranger = Stranger::new(&installation.place);
    stranger.post("/v1/sessions", login).await.problem(401, "invalid_credentials");
    let removed = done(&stranger, &erasure).await["removed"].clone();
    assert_eq!(removed["messages"], 8, "{removed}");
    assert!(removed["events"].as_u64().unwrap() > 14 && removed["media"] == 0, "{removed}");
    assert!(!removed.to_string().contains(&word));

    shown_as_deleted(&mark, &ada, &room).await;
    assert!(bodies(&ada.messages(&room).await).contains(&"mine stays"));
    let gone = until("no file of mails and logs has it", async || {
        let mails = holding(&installation.data.join("mail"), &markers);
        mails.is_empty().then_some(())
    });
    gone.await;
    installation.verify();
    let rebuilt = installation.operate(&["rebuild", "--json"]);
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stderr));
    shown_as_deleted(&mark, &ada, &room).await;
    installation.verify();
    // What resumes from before the erasure hears of nothing that was erased.
    let mut again = ada.resume(&socket.position).await;
    let resumed = |frame: &Value| {
        assert!(!frame.to_string().contains(&word), "{frame}");
        frame["type"] == "resumed"
    };
    again.expect("resumed", resumed).await;

    assert_eq!(installation.process.stop(), 0);
    assert_eq!(holding(&installation.data, &markers), Vec::new());
    let log = installation.process.stderr();
    assert!(markers.iter().all(|marker| !log.contains(marker)), "the log names the person");
    installation.start_again();
    shown_as_deleted(&mark, &ada, &room).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_person_is_left_in_mongodb() {
    let Some(url) = mongo::url() else { return };
    let separate = Separate::start(&url);
    let ada = separate.place.found().await;
    let room = ada.group(&[]).await;
    let mark = marked(&ada, &room).await;
    let erasure = deleted(&mark.person).await;
    done(&Stranger::new(&separate.place), &erasure).await;
    shown_as_deleted(&mark, &ada, &room).await;
    separate.verify();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_a_person_go_with_them() {
    let installation = Installation::relaxed(&[]);
    let place = &installation.place;
    let ada = place.found().await;
    let bob = Person::register(place, "bob").await;
    let room = ada.group(&[&bob]).await;
    let name = format!("{}.txt", unique("zzfile"));
    let shared = upload(&bob, &name, "text/plain", b"words of bob").await;
    posts(&bob, &room, "look", &[&shared]).await;
    let idle = upload(&bob, &name, "text/plain", b"more of bob").await;
    let picture = upload(&bob, "me.png", "image/png", &png(30, b"Comment\0x")).await;
    let me = bob.patch("/v1/users/me", json!({"avatar_media_id": picture["id"]})).await.ok(200);
    let own = upload(&ada, "own.txt", "text/plain", b"words of ada").await;
    let erasure = deleted(&bob).await;
    let removed = done(&Stranger::new(place), &erasure).await["removed"].clone();
    assert_eq!(removed["media"], 3, "{removed}");
    let urls = [&shared["url"], &idle["url"], &picture["url"], &picture["thumbnail_url"]];
    for url in urls.into_iter().chain([&me["avatar_url"]]) {
        assert_eq!(fetch(place, url.as_str().unwrap(), &[]).await.status, 404, "{url}");
    }
    let kept = fetch(place, own["url"].as_str().unwrap(), &[]).await;
    assert_eq!(kept.bytes, b"words of ada");
    let log = tests::kit::log::everything(&installation.nats(), "tidings").await;
    let has = |payload: &[u8]| payload.windows(name.len()).any(|part| part == name.as_bytes());
    assert!(!log.iter().any(|(_, _, payload)| has(payload)));
    installation.verify();
    let rebuilt = installation.operate(&["rebuild", "--json"]);
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stderr));
    installation.verify();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_posted_while_an_account_is_erased_is_gone_too() {
    let installation = Installation::relaxed(&[]);
    let ada = installation.place.found().await;
    let bob = Person::register(&installation.place, "bob").await;
    let word = unique("zzlate");
    let room = ada.group(&[&bob]).await;
    let mut writers = Vec::new();
    for number in 0..20 {
        let mut socket = bob.connect().await;
        let (room, word) = (room.clone(), word.clone());
        // Ends when its socket is closed under it.
        writers.push(tokio::spawn(async move {
            for count in 0..50 {
                let body = format!("{word} {number} {count}");
                socket.send(json!({"type": "post", "room_id": room, "body": body})).await;
            }
        }));
    }
    let erasure = deleted(&bob).await;
    drop(join_all(writers).await);
    done(&Stranger::new(&installation.place), &erasure).await;
    let texts = ada.messages(&room).await;
    assert!(bodies(&texts).iter().all(|body| !body.contains(&word)), "{texts:#?}");
    installation.verify();
    let log = tests::kit::log::everything(&installation.nats(), "tidings").await;
    let has = |payload: &[u8]| payload.windows(word.len()).any(|part| part == word.as_bytes());
    assert!(!log.iter().any(|(_, _, payload)| has(payload)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_away_is_told_of_an_erasure() {
    let mut installation = Installation::relaxed(&[]);
    let ada = installation.place.found().await;
    let bob = Person::register(&installation.place, "bob").await;
    let room = ada.group(&[&bob]).await;
    bob.says(&room, "hello").await;
    let mut socket = ada.connect().await;
    socket.post(&room, "hello yourself").await;
    let before = socket.position.clone();
    socket.close().await;
    let erasure = deleted(&bob).await;
    done(&Stranger::new(&installation.place), &erasure).await;
    for restarted in [false, true] {
        if restarted {
            assert_eq!(installation.process.stop(), 0);
            installation.start_again();
        }
        let mut again = ada.resume(&before).await;
        let told = again.event("user.changed").await;
        let (id, deleted) = (&told["data"]["id"], &told["data"]["deleted"]);
        assert_eq!((id, deleted), (&json!(bob.id), &json!(true)), "restarted: {restarted}");
        again.expect("the end", |frame| frame["type"] == "resumed").await;
    }
    until("one account is left", async || {
        (ada.get("/v1/admin/stats").await.ok(200)["users"] == 1).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_held_stays_until_the_hold_ends() {
    let installation = Installation::relaxed(&[]);
    let ada = installation.place.found().await;
    let bob = Person::register(&installation.place, "bob").await;
    let room = ada.group(&[&bob]).await;
    bob.says(&room, "evidence").await;
    let hold = format!("/v1/admin/holds/users/{}", bob.id);
    bob.put(&hold, json!({"reason": "case 1"})).await.problem(403, "forbidden");
    ada.put(&hold, json!({})).await.problem(400, "validation_failed");
    ada.put(&hold, json!({"reason": "case 1"})).await.ok(204);
    ada.put(&hold, json!({"reason": "case 1"})).await.ok(204);
    let held = items(&ada.get("/v1/admin/holds").await.ok(200));
    assert_eq!(held.len(), 1);
    assert_eq!((&held[0]["user_id"], &held[0]["reason"]), (&json!(bob.id), &json!("case 1")));
    let erasure = deleted(&bob).await;
    until("the account is anonymous", async || {
        let user = ada.get(&format!("/v1/users/{}", bob.id)).await.ok(200);
        (user["deleted"] == true).then_some(())
    })
    .await;
    let left = until("the room is left", async || {
        let members = ada.get(&format!("/v1/rooms/{room}/members")).await.ok(200);
        (items(&members).len() == 1).then_some(())
    });
    left.await;
    assert!(bodies(&ada.messages(&room).await).contains(&"evidence"));
    let path = format!("/v1/erasures/{erasure}");
    let stranger = Stranger::new(&installation.place);
    let running = stranger.get(&path).await.ok(200);
    assert_eq!(
        (&running["status"], &running["removed"]["messages"]),
        (&json!("running"), &json!(0))
    );
    ada.ask("DELETE", &hold).json(json!({"reason": "settled"})).send().await.ok(204);
    done(&stranger, &erasure).await;
    assert!(!bodies(&ada.messages(&room).await).contains(&"evidence"));
    assert_eq!(items(&ada.get("/v1/admin/holds").await.ok(200)), Vec::<Value>::new());
    installation.verify();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_password_is_asked_and_the_last_admin_stays() {
    let installation = Installation::relaxed(&[]);
    let ada = installation.place.found().await;
    let wrong = ada.ask("DELETE", "/v1/users/me").json(json!({"password": "not the password"}));
    wrong.send().await.problem(401, "invalid_credentials");
    let none = ada.ask("DELETE", "/v1/users/me").json(json!({}));
    none.send().await.problem(400, "validation_failed");
    let last = ada.ask("DELETE", "/v1/users/me").json(json!({"password": ada.password}));
    last.send().await.problem(409, "conflict");
    let bob = Person::register(&installation.place, "bob").await;
    let path = format!("/v1/admin/users/{}", bob.id);
    let reason = json!({"reason": "asked by letter"});
    bob.ask("DELETE", &path).json(reason.clone()).send().await.problem(403, "forbidden");
    ada.ask("DELETE", &path).json(json!({})).send().await.problem(400, "validation_failed");
    let begun = ada.ask("DELETE", &path).json(reason.clone()).send().await.ok(202);
    ada.ask("DELETE", &path).json(reason).send().await.problem(404, "not_found");
    let stranger = Stranger::new(&installation.place);
    done(&stranger, begun["erasure_id"].as_str().unwrap()).await;
    stranger.get("/v1/erasures/ers_01hzzzzzzzzzzzzzzzzzzzzzzg").await.problem(404, "not_found");
    // The name is held back for 30 days, the address is free at once.
    let taken = json!({"username": bob.username, "email": "new@example.org", "password": "a long passphrase"});
    stranger.post("/v1/users", taken).await.problem(409, "already_exists");
    let free =
        json!({"username": unique("fresh"), "email": bob.email, "password": "a long passphrase"});
    stranger.post("/v1/users", free).await.ok(201);
    // The operator does it, too.
    let carl = Person::register(&installation.place, "carl").await;
    let output = installation.operate(&["erase", &carl.username, "--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let begun: Value = serde_json::from_slice(&output.stdout).unwrap();
    done(&stranger, begun["erasure_id"].as_str().unwrap()).await;
}
