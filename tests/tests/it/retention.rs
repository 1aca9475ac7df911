//! Retention: old messages move to the archive, and users who read, search, answer or delete cannot tell.
//!
//! A day of retention is a second here (`--retention-day`). A room that keeps messages for a day has them archived while a
//! test looks on; one that keeps them for 36,500 does not.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::kit::installation::{Installation, Place};
use tests::kit::person::{Person, id_of, items};
use tests::kit::separate::{Separate, Setup};
use tests::kit::{Patience, mongo, until, until_within};

/// A day is a second, and what is old is looked for all the time.
const QUICK: [&str; 6] =
    ["--retention-day", "1s", "--retention-interval", "200ms", "--deleted-bodies", "keep"];
/// A pass that was killed keeps its lease for 15 s.
const TIMES: u32 = 3;
const THUMB: &str = "%F0%9F%91%8D";

/// After how many days a room's messages move.
async fn keeps(owner: &Person, room: &str, days: Value) {
    let patch = json!({ "retention_days": days });
    let shown = owner.patch(&format!("/v1/rooms/{room}"), patch).await.ok(200);
    assert_eq!(shown.get("retention_days").cloned().unwrap_or_default(), days);
}

/// The messages of a room that moved, as the log has it.
async fn moved(admin: &Person, room: &str) -> Vec<String> {
    let query = format!("type=room.retention_applied.v1&subject={room}&limit=200");
    let events = admin.get(&format!("/v1/admin/events?{query}")).await.ok(200);
    let messages = |event: &Value| event["data"]["messages"].as_array().unwrap().clone();
    let all = items(&events).iter().rev().flat_map(messages).collect::<Vec<_>>();
    all.iter().map(|id| id.as_str().unwrap().to_owned()).collect()
}

/// Waits until as many messages of a room have moved.
async fn moves(admin: &Person, room: &str, number: usize) -> Vec<String> {
    until_within(Patience::for_("messages move").times(TIMES), async || {
        let moved = moved(admin, room).await;
        (moved.len() >= number).then_some(moved)
    })
    .await
}

/// A room with all that a message can have.
struct Talk {
    ada: Person,
    bob: Person,
    room: String,
    /// Those of the main timeline by ada, oldest first; the third was edited, the fourth deleted, the fifth pinned.
    said: Vec<String>,
    /// The second answer in the thread of the second message.
    answer: String,
    word: String,
}

async fn talk(place: &Place) -> Talk {
    let ada = place.admin().await;
    let bob = Person::register_at(place, 1, "bob").await;
    let room = ada.group(&[&bob]).await;
    let word = tests::kit::unique("zzold");
    let path = format!("/v1/rooms/{room}/messages");
    let mut said = Vec::new();
    for number in 0..12 {
        let body = format!("{word} number {number} {}", bob.at_name());
        let body = json!({"body": body, "client_id": format!("{word}-{number}")});
        said.push(id_of(&ada.post(&path, body).await.ok(201)));
    }
    let mut answer = String::new();
    for by in [&bob, &ada] {
        let body = json!({"body": format!("{word} answers"), "thread_root_id": said[1]});
        answer = id_of(&by.post(&path, body).await.ok(201));
    }
    let edited = json!({"body": format!("{word} edited")});
    ada.patch(&format!("/v1/messages/{}", said[2]), edited).await.ok(200);
    ada.delete(&format!("/v1/messages/{}", said[3])).await.ok(204);
    ada.put_empty(&format!("/v1/messages/{}/pin", said[4])).await.ok(204);
    bob.put_empty(&format!("/v1/messages/{}/reactions/{THUMB}", said[5])).await.ok(204);
    bob.put(&format!("/v1/rooms/{room}/read"), json!({"message_id": said[6]})).await.ok(200);
    Talk { ada, bob, room, said, answer, word }
}

impl Talk {
    /// Every answer in which messages of the room stand, as bob gets them.
    async fn shown(&self) -> Vec<Value> {
        let (room, bob) = (format!("/v1/rooms/{}", self.room), &self.bob);
        let messages = format!("{room}/messages?limit=5");
        let mut asked = vec![
            messages.clone(),
            format!("{messages}&threads=false"),
            format!("{messages}&thread={}", self.said[1]),
            format!("{room}/pins"),
            format!("{room}/threads"),
            format!("/v1/search/messages?q={}&room={}", self.word, self.room),
            format!("/v1/search/messages?q={}%20number", self.word),
            format!("/v1/messages/{}/history", self.said[2]),
            format!("/v1/messages/{}/readers", self.said[6]),
            format!("/v1/messages/{}/reactions/{THUMB}", self.said[5]),
            format!("/v1/messages/{}", self.answer),
        ];
        for id in &self.said {
            asked.push(format!("/v1/messages/{id}"));
            for anchor in ["before", "after", "around"] {
                asked.push(format!("{messages}&{anchor}={id}"));
                asked.push(format!("{messages}&threads=false&{anchor}={id}"));
            }
        }
        let mut shown = Vec::new();
        for path in asked {
            shown.push(json!([path, bob.get(&path).await.ok(200)]));
        }
        let own = bob.room(&self.room).await;
        shown.push(json!([own["membership"], own["last_message"], own["message_count"]]));
        shown
    }

    /// What an archived message takes, and what it does not.
    async fn changes(&self) {
        let Self { ada, bob, room, said, .. } = self;
        let of = |number: usize, what: &str| format!("/v1/messages/{}{what}", said[number]);
        ada.patch(&of(0, ""), json!({"body": "other words"})).await.problem(409, "conflict");
        bob.put_empty(&of(0, &format!("/reactions/{THUMB}"))).await.ok(204);
        bob.put_empty(&of(0, "/pin")).await.ok(204);
        let messages = format!("/v1/rooms/{room}/messages");
        let body = json!({"body": "a late answer", "thread_root_id": said[0]});
        bob.post(&messages, body).await.ok(201);
        ada.delete(&of(7, "")).await.ok(204);
        // A repeat of a post finds it where it is.
        let body = format!("{} number 8 {}", self.word, bob.at_name());
        let body = json!({"body": body, "client_id": format!("{}-8", self.word)});
        assert_eq!(id_of(&ada.post(&messages, body).await.ok(200)), said[8]);
        bob.put(&format!("/v1/rooms/{room}/read"), json!({"message_id": said[8]})).await.ok(200);
        let first = bob.get(&of(0, "")).await.ok(200);
        assert_eq!((&first["reply_count"], &first["pinned"]), (&json!(1), &json!(true)));
        assert_eq!(first["reactions"][0]["me"], true);
        assert!(bob.get(&of(7, "")).await.ok(200)["deleted_at"].is_string());
    }

    /// Plays the whole of it; afterwards most of the room is in the archive and a little is at hand.
    async fn crosses_the_border(&self) {
        let Self { ada, bob, room, .. } = self;
        let before = self.shown().await;
        let mut socket = bob.connect().await;
        keeps(ada, room, json!(1)).await;
        socket.event_in(room, "room.changed").await;
        let moved = moves(ada, room, 14).await;
        assert_eq!(moved.iter().collect::<BTreeSet<_>>().len(), 14, "each once: {moved:?}");
        assert_eq!(self.shown().await, before);
        keeps(ada, room, json!(36_500)).await;
        self.changes().await;
        // A client that was away is told of what changed, and of no move.
        let mut again = bob.resume(&socket.position).await;
        again.expect("resumed", |frame| frame["type"] == "resumed").await;
        let told = again.unread();
        let untouched = &self.said[9];
        assert!(!told.iter().any(|frame| frame.to_string().contains(untouched)), "{told:#?}");
        ada.says(room, &format!("{} at hand", self.word)).await;
        until("a page holds what is archived and what is at hand", async || {
            let page = bob.messages(room).await;
            let numbers: Vec<u64> = page.iter().filter_map(|one| one["number"].as_u64()).collect();
            (numbers == (1..=16).collect::<Vec<_>>()).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_border_of_the_archive_is_not_noticed() {
    let installation = Installation::relaxed(&QUICK);
    installation.place.found().await;
    let talk = talk(&installation.place).await;
    talk.crosses_the_border().await;
    installation.verify();
    let before = talk.shown().await;
    let rebuilt = installation.operate(&["rebuild", "--json"]);
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stderr));
    assert_eq!(talk.shown().await, before);
    talk.ada
        .patch(&format!("/v1/messages/{}", talk.said[0]), json!({"body": "no"}))
        .await
        .problem(409, "conflict");
    installation.verify();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_border_of_the_archive_is_not_noticed_in_mongodb() {
    let Some(url) = mongo::url() else { return };
    let separate = Separate::start_with(Setup { flags: QUICK.to_vec(), ..Setup::on(&url) });
    separate.place.found().await;
    let talk = talk(&separate.place).await;
    talk.crosses_the_border().await;
    separate.verify();
    let before = talk.shown().await;
    let rebuilt = separate.operate(&["rebuild", "--json"]);
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stderr));
    assert_eq!(talk.shown().await, before);
    separate.verify();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_under_a_legal_hold_stays_at_hand() {
    let installation = Installation::relaxed(&QUICK);
    let ada = installation.place.found().await;
    let bob = Person::register(&installation.place, "bob").await;
    let eve = Person::register(&installation.place, "eve").await;
    let (held, open) = (ada.group(&[&bob]).await, ada.group(&[&bob, &eve]).await);
    let reason = || json!({"reason": "case 1"});
    let holds = [format!("rooms/{held}"), format!("users/{}", eve.id)];
    for hold in &holds {
        ada.put(&format!("/v1/admin/holds/{hold}"), reason()).await.ok(204);
    }
    let in_held = id_of(&bob.says(&held, "evidence").await);
    let by_eve = id_of(&eve.says(&open, "evidence").await);
    let by_bob = id_of(&bob.says(&open, "nothing").await);
    for room in [&held, &open] {
        keeps(&ada, room, json!(1)).await;
    }
    assert_eq!(moves(&ada, &open, 1).await, [by_bob.as_str()]);
    // One that was said after it, in the same room, has moved: what is held was passed by, not just not reached.
    let later = id_of(&bob.says(&open, "later").await);
    assert_eq!(moves(&ada, &open, 2).await, [by_bob, later]);
    assert_eq!(moved(&ada, &held).await, [""; 0]);
    for (author, id) in [(&bob, &in_held), (&eve, &by_eve)] {
        let edit = json!({"body": "evidence, edited"});
        author.patch(&format!("/v1/messages/{id}"), edit).await.ok(200);
    }
    for hold in &holds {
        let end = ada.ask("DELETE", &format!("/v1/admin/holds/{hold}")).json(reason());
        end.send().await.ok(204);
    }
    assert_eq!(moves(&ada, &held, 1).await, [in_held]);
    assert_eq!(moves(&ada, &open, 3).await[2], by_eve);
    installation.verify();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rooms_keep_messages_no_longer_than_the_installation() {
    let flags = ["--retention-days", "2", "--retention-day", "1s", "--retention-interval", "200ms"];
    let installation = Installation::relaxed(&flags);
    let ada = installation.place.found().await;
    let bob = Person::register(&installation.place, "bob").await;
    let room = ada.group(&[&bob]).await;
    let path = format!("/v1/rooms/{room}");
    for days in [json!(3), json!(36_500), json!(0), json!(-1), json!("2")] {
        let problem = ada.patch(&path, json!({ "retention_days": days })).await;
        let problem = problem.problem(400, "validation_failed");
        assert_eq!(problem["errors"][0]["pointer"], "/retention_days", "{problem}");
    }
    bob.patch(&path, json!({"retention_days": 1})).await.problem(403, "forbidden");
    for days in [json!(2), json!(1), json!(null)] {
        keeps(&ada, &room, days).await;
    }
    // A room that says nothing follows the installation, a direct one, too.
    let direct = ada.direct(&[&bob]).await;
    for room in [&room, &direct] {
        let said = id_of(&ada.says(room, "old soon").await);
        assert_eq!(moves(&ada, room, 1).await, [said]);
    }
    installation.verify();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_sees_what_would_move_and_moves_it() {
    // Looked for once a day, after the start: what moves later is moved by the operator.
    let installation = Installation::relaxed(&["--retention-interval", "24h"]);
    let ada = installation.place.found().await;
    let room = ada.group(&[]).await;
    let mut said = Vec::new();
    for number in 0..3 {
        said.push(id_of(&ada.says(&room, &format!("old {number}")).await));
    }
    let operate = |with: &[&str]| {
        let quick = ["--retention-days", "1", "--retention-day", "1s"];
        let output = installation.operate(&[&["retention", "--json"], with, &quick].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let would = until("they are old enough", async || {
        let would = operate(&["--dry-run"]);
        (would["messages"] == 3).then_some(would)
    })
    .await;
    assert_eq!((&would["dry_run"], &would["held"]), (&json!(true), &json!(0)));
    assert_eq!(would["rooms"][0]["room_id"], json!(room));
    assert_eq!(would["rooms"][0]["messages"], 3);
    assert_eq!(moved(&ada, &room).await, [""; 0], "nothing has moved");
    let did = operate(&[]);
    assert_eq!((&did["dry_run"], &did["messages"]), (&json!(false), &json!(3)));
    assert_eq!(moved(&ada, &room).await, said);
    assert_eq!(operate(&[])["messages"], 0);
    let wrong = installation.operate(&["retention", "--retention-days", "0"]);
    assert_eq!(wrong.status.code(), Some(2), "{}", String::from_utf8_lossy(&wrong.stderr));
    installation.verify();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pass_that_is_killed_is_gone_on_with() {
    let mut installation = Installation::relaxed(&QUICK);
    let ada = installation.place.found().await;
    let room = ada.group(&[]).await;
    let mut socket = ada.connect().await;
    let mut said = Vec::new();
    for number in 0..900 {
        said.push(id_of(&socket.post(&room, &format!("old {number}")).await["result"]));
    }
    keeps(&ada, &room, json!(1)).await;
    for least in [1, 251] {
        moves(&ada, &room, least).await;
        installation.crash();
        installation.start_again();
    }
    let moved = moves(&ada, &room, said.len()).await;
    assert_eq!(moved, said, "each once, and in their order");
    installation.verify();
    let page = items(&ada.get(&format!("/v1/rooms/{room}/messages?limit=50")).await.ok(200));
    assert_eq!(id_of(&page[49]), said[899]);
    let rebuilt = installation.operate(&["rebuild", "--json"]);
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stderr));
    installation.verify();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_process_goes_on_where_one_was_killed() {
    let Some(url) = mongo::url() else { return };
    let mut separate = Separate::start_with(Setup { flags: QUICK.to_vec(), ..Setup::on(&url) });
    let ada = separate.place.found().await;
    let room = ada.group(&[]).await;
    let mut socket = ada.connect().await;
    let mut said = Vec::new();
    for number in 0..600 {
        said.push(id_of(&socket.post(&room, &format!("old {number}")).await["result"]));
    }
    keeps(&ada, &room, json!(1)).await;
    // The one who writes the moves, and the one who carries them out.
    for (least, service) in [(1, "chat-svc"), (251, "projector")] {
        moves(&ada, &room, least).await;
        separate.kill(service);
        separate.run(service);
    }
    assert_eq!(moves(&ada, &room, said.len()).await, said, "each once, and in their order");
    separate.verify();
    let path = format!("/v1/rooms/{room}/messages?limit=200&after={}", said[300]);
    let page = items(&ada.get(&path).await.ok(200));
    assert_eq!(page.iter().map(id_of).collect::<Vec<_>>(), said[301..501]);
}
