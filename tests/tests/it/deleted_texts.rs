//! The texts of deleted messages leave the log for good; readers and rebuilds find what was there before.
//!
//! A day of retention is a second here (`--retention-day`).

use serde_json::{Value, json};
use tests::kit::files::{png, posts, upload};
use tests::kit::installation::{Installation, Place};
use tests::kit::person::{Person, Stranger, id_of, items};
use tests::kit::separate::{Separate, Setup};
use tests::kit::{Patience, mongo, unique, until, until_within};

use crate::erasure::{deleted as erased, done, holding};

/// A deleted text stays in the log for two seconds.
const QUICK: [&str; 6] =
    ["--retention-day", "1s", "--retention-interval", "200ms", "--deleted-bodies", "2d"];
const TIMES: u32 = 3;

/// Whether an event of the log holds a word.
pub(crate) async fn in_log(nats: &str, namespace: &str, word: &str) -> bool {
    let log = tests::kit::log::everything(nats, namespace).await;
    let has = |payload: &[u8]| payload.windows(word.len()).any(|part| part == word.as_bytes());
    log.iter().any(|(_, _, payload)| has(payload))
}

async fn leaves_the_log(nats: &str, namespace: &str, word: &str) {
    until_within(Patience::for_("a text leaves the log").times(TIMES), async || {
        (!in_log(nats, namespace, word).await).then_some(())
    })
    .await;
}

/// What bob sees of a room.
async fn shown(bob: &Person, room: &str, message: &str) -> Vec<Value> {
    let path = format!("/v1/rooms/{room}");
    let mut shown = vec![bob.get(&format!("/v1/messages/{message}")).await.ok(200)];
    for what in ["/messages?limit=200", "/messages?threads=false", "/threads", "/pins"] {
        shown.push(bob.get(&format!("{path}{what}")).await.ok(200));
    }
    shown.push(bob.room(room).await["membership"].clone());
    shown
}

/// A message by bob with a word in all its texts, which was edited twice, answered, and deleted.
async fn deleted(ada: &Person, bob: &Person, room: &str, word: &str) -> String {
    let named = format!("{word} first, for {}", ada.at_name());
    let message = id_of(&bob.says(room, &named).await);
    for text in ["second", "third"] {
        let body = json!({"body": format!("{word} {text}")});
        bob.patch(&format!("/v1/messages/{message}"), body).await.ok(200);
    }
    let body = json!({"body": "an answer that stays", "thread_root_id": message});
    ada.post(&format!("/v1/rooms/{room}/messages"), body).await.ok(201);
    bob.delete(&format!("/v1/messages/{message}")).await.ok(204);
    message
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_text_is_nowhere_and_nothing_else_is_missing() {
    let mut installation = Installation::relaxed(&QUICK);
    let ada = installation.place.found().await;
    let bob = Person::register(&installation.place, "bob").await;
    let room = ada.group(&[&bob]).await;
    let word = unique("zzdeleted");
    let kept = unique("zzkept");
    ada.says(&room, &format!("{kept} stays")).await;
    let message = deleted(&ada, &bob, &room, &word).await;
    let before = shown(&bob, &room, &message).await;
    let nats = installation.nats();
    leaves_the_log(&nats, "tidings", &word).await;
    assert!(in_log(&nats, "tidings", &kept).await);
    assert_eq!(shown(&bob, &room, &message).await, before);
    installation.verify();
    let rebuilt = installation.operate(&["rebuild", "--json"]);
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stderr));
    assert_eq!(shown(&bob, &room, &message).await, before);
    installation.verify();
    let query = format!("type=room.texts_removed.v1&subject={room}");
    let removed = items(&ada.get(&format!("/v1/admin/events?{query}")).await.ok(200));
    let gone: usize = removed.iter().map(|one| one["data"]["gone"].as_array().unwrap().len()).sum();
    assert_eq!(gone, 3, "a post and two edits, each once: {removed:#?}");
    assert_eq!(installation.process.stop(), 0);
    let store = installation.data.join("nats");
    assert_eq!(holding(&store, &[word.as_str()]), Vec::new());
    assert!(!holding(&store, &[kept.as_str()]).is_empty(), "the look finds what is there");
    installation.start_again();
    assert_eq!(shown(&bob, &room, &message).await, before);
}

/// Files of bob that end each in its way: with its message, as a picture that another replaced, and as one that was in no
/// message. All are called by a word; one that a message has still is called by another.
async fn files_end(ada: &Person, bob: &Person, words: [&str; 2]) {
    let [word, kept] = words.map(|word| format!("{word}.txt"));
    let shared = upload(bob, &kept, "text/plain", b"what others have, too").await;
    let file = upload(bob, &word, "text/plain", b"words of a file").await;
    let room = ada.group(&[bob]).await;
    posts(bob, &room, "", &[&shared]).await;
    let message = id_of(&posts(bob, &room, "", &[&file, &shared]).await);
    bob.delete(&format!("/v1/messages/{message}")).await.ok(204);
    for name in [format!("{}.png", words[0]), "another.png".to_owned()] {
        let picture = upload(bob, &name, "image/png", &png(30, b"Comment\0x")).await;
        bob.patch("/v1/users/me", json!({"avatar_media_id": picture["id"]})).await.ok(200);
    }
    let unused = upload(bob, &word, "text/plain", b"words of none").await;
    bob.delete(&format!("/v1/media/{}", id_of(&unused))).await.ok(204);
}

async fn names_leave(place: &Place, words: [&str; 2], log: (&str, &str)) {
    let ada = place.found().await;
    let bob = Person::register(place, "bob").await;
    files_end(&ada, &bob, words).await;
    leaves_the_log(log.0, log.1, words[0]).await;
    assert!(in_log(log.0, log.1, words[1]).await, "a message has that file");
    let removed = ada.get("/v1/admin/events?type=room.texts_removed.v1").await.ok(200);
    let of_files = items(&removed)
        .iter()
        .flat_map(|one| one["data"]["gone"].as_array().unwrap().clone())
        .filter(|gone| gone["kind"].as_str().unwrap().starts_with("media."))
        .count();
    assert!(of_files >= 10, "{removed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_files_were_called_is_nowhere_when_they_are_gone() {
    let mut installation = Installation::relaxed(&QUICK);
    let (word, kept) = (unique("zzdeleted"), unique("zzkept"));
    let words = [word.as_str(), kept.as_str()];
    names_leave(&installation.place, words, (&installation.nats(), "tidings")).await;
    installation.verify();
    let rebuilt = installation.operate(&["rebuild", "--json"]);
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stderr));
    installation.verify();
    assert_eq!(installation.process.stop(), 0);
    for folder in ["nats", "read"] {
        let folder = installation.data.join(folder);
        assert_eq!(holding(&folder, &[&word]), Vec::new());
        assert!(!holding(&folder, &[&kept]).is_empty(), "the look finds what is there");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_files_were_called_leaves_the_log_of_separate_processes() {
    let Some(url) = mongo::url() else { return };
    let separate = Separate::start_with(Setup { flags: QUICK.to_vec(), ..Setup::on(&url) });
    let (word, kept) = (unique("zzdeleted"), unique("zzkept"));
    let log = (separate.nats_url(), separate.namespace.clone());
    names_leave(&separate.place, [&word, &kept], (&log.0, &log.1)).await;
    separate.verify();
    let rebuilt = separate.operate(&["rebuild", "--json"]);
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stderr));
    separate.verify();
}

/// A person may be erased whose files have no names any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_erased_after_it_leaves_nothing_more() {
    let installation = Installation::relaxed(&QUICK);
    let place = &installation.place;
    let ada = place.found().await;
    let bob = Person::register(place, "bob").await;
    let (word, kept) = (unique("zzdeleted"), unique("zzkept"));
    files_end(&ada, &bob, [&word, &kept]).await;
    let nats = installation.nats();
    leaves_the_log(&nats, "tidings", &word).await;
    done(&Stranger::new(place), &erased(&bob).await).await;
    assert!(!in_log(&nats, "tidings", &kept).await);
    installation.verify();
    let rebuilt = installation.operate(&["rebuild", "--json"]);
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stderr));
    installation.verify();
}

/// A gateway remembers the newest page. What the sender's client called a message goes from there, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newest_page_forgets_what_goes_with_a_text() {
    let installation = Installation::relaxed(&QUICK);
    let ada = installation.place.found().await;
    let room = ada.group(&[]).await;
    let path = format!("/v1/rooms/{room}/messages");
    let first = id_of(&ada.says(&room, "stays").await);
    let (word, name) = (unique("zzdeleted"), unique("named"));
    let post = json!({"body": format!("*{word}*"), "client_id": name, "format": "markdown"});
    let message = id_of(&ada.post(&path, post).await.ok(201));
    let newest = async || items(&ada.get(&format!("{path}?limit=20")).await.ok(200));
    assert_eq!(newest().await[1]["client_id"], json!(name));
    ada.delete(&format!("/v1/messages/{message}")).await.ok(204);
    assert!(newest().await[1]["deleted_at"].is_string());
    leaves_the_log(&installation.nats(), "tidings", &word).await;
    until_within(Patience::for_("the newest page is that of the store").times(TIMES), async || {
        let stored = ada.get(&format!("{path}?limit=20&after={first}")).await.ok(200);
        let (stored, newest) = (items(&stored), newest().await);
        (stored == newest[1..] && stored[0]["client_id"].is_null()).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_text_leaves_the_log_of_separate_processes() {
    let Some(url) = mongo::url() else { return };
    let mut separate = Separate::start_with(Setup { flags: QUICK.to_vec(), ..Setup::on(&url) });
    let ada = separate.place.found().await;
    let bob = Person::register(&separate.place, "bob").await;
    let room = ada.group(&[&bob]).await;
    let word = unique("zzdeleted");
    let mut messages = Vec::new();
    for _ in 0..30 {
        messages.push(deleted(&ada, &bob, &room, &word).await);
    }
    let before = shown(&bob, &room, &messages[0]).await;
    separate.kill("chat-svc");
    separate.run("chat-svc");
    leaves_the_log(&separate.nats_url(), &separate.namespace, &word).await;
    separate.verify();
    let rebuilt = separate.operate(&["rebuild", "--json"]);
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stderr));
    assert_eq!(shown(&bob, &room, &messages[0]).await, before);
    separate.verify();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_or_reported_text_stays_until_that_ends() {
    let installation = Installation::relaxed(&QUICK);
    let ada = installation.place.found().await;
    let bob = Person::register(&installation.place, "bob").await;
    let (held, open) = (ada.group(&[&bob]).await, ada.group(&[&bob]).await);
    let words = ["zzheld", "zzreported", "zzfree"].map(unique);
    let hold = format!("/v1/admin/holds/rooms/{held}");
    ada.put(&hold, json!({"reason": "case 1"})).await.ok(204);
    deleted(&ada, &bob, &held, &words[0]).await;
    let file = upload(&bob, &words[0], "text/plain", b"words of a file").await;
    let evidence = id_of(&posts(&bob, &held, "", &[&file]).await);
    bob.delete(&format!("/v1/messages/{evidence}")).await.ok(204);
    let file = upload(&bob, &words[1], "text/plain", b"other words").await;
    let reported = id_of(&posts(&bob, &open, &words[1], &[&file]).await);
    let reason = json!({"reason": "spam"});
    let report = ada.post(&format!("/v1/messages/{reported}/reports"), reason).await.ok(201);
    bob.delete(&format!("/v1/messages/{reported}")).await.ok(204);
    deleted(&ada, &bob, &open, &words[2]).await;
    let nats = installation.nats();
    leaves_the_log(&nats, "tidings", &words[2]).await;
    for word in &words[..2] {
        assert!(in_log(&nats, "tidings", word).await, "{word}");
    }
    let handled = json!({"status": "dismissed"});
    ada.patch(&format!("/v1/admin/reports/{}", id_of(&report)), handled).await.ok(200);
    leaves_the_log(&nats, "tidings", &words[1]).await;
    assert!(in_log(&nats, "tidings", &words[0]).await);
    ada.ask("DELETE", &hold).json(json!({"reason": "settled"})).send().await.ok(204);
    leaves_the_log(&nats, "tidings", &words[0]).await;
    until("the read model follows", async || {
        installation.operate(&["verify", "--json"]).status.success().then_some(())
    })
    .await;
}
