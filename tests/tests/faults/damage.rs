//! Files of the log damaged while nats-server was away (item 14): noticed, refused, and brought back from a
//! backup. Never a shorter history without a word.

use std::path::{Path, PathBuf};
use std::process::Output;

use nix::sys::signal::{Signal, kill};
use serde_json::{Value, json};
use tests::kit::installation::{Installation, RELAXED, command};
use tests::kit::person::{Person, Stranger, bodies, id_of, items};
use tests::kit::{process, until};

use crate::schedule::{by_length, say};

/// Where the messages of the log lie in a data folder.
fn blocks(data: &Path) -> PathBuf {
    data.join("nats/store/jetstream/$G/streams/EVENTS_tidings/msgs")
}

/// Flips a bit in the middle of a text in any block.
fn flip(data: &Path, text: &str) {
    for entry in std::fs::read_dir(blocks(data)).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        let wanted = text.as_bytes();
        if let Some(at) = bytes.windows(wanted.len()).position(|part| part == wanted) {
            bytes[at + wanted.len() / 2] ^= 1;
            std::fs::write(&path, bytes).unwrap();
            return;
        }
    }
    unreachable!("{text} is in no block");
}

/// Cuts bytes off the end of a block: of the last one, or of the first.
fn cut(data: &Path, first: bool, bytes: u64) {
    let number = |path: &PathBuf| path.file_stem()?.to_str()?.parse::<u64>().ok();
    let all = std::fs::read_dir(blocks(data)).unwrap().map(|entry| entry.unwrap().path());
    let mut all: Vec<PathBuf> = all.filter(|path| number(path).is_some()).collect();
    all.sort_by_key(number);
    let block = if first { all.first() } else { all.last() }.expect("a block");
    let file = std::fs::OpenOptions::new().write(true).open(block).unwrap();
    file.set_len(file.metadata().unwrap().len() - bytes).unwrap();
}

/// A folder that holds a copy of a data folder.
fn copy(data: &Path) -> tempfile::TempDir {
    let folder = tempfile::TempDir::with_prefix("tidings-test-").unwrap();
    let mut copying = std::process::Command::new("cp");
    copying.arg("-a").arg(data).arg(folder.path().join("data"));
    assert!(copying.status().unwrap().success());
    folder
}

/// A start that must end by itself; what it said.
pub(crate) fn refused(data: &Path) -> String {
    let mut serve = command(&["serve", "--listen", "127.0.0.1:0", "--data"]);
    let output = serve.arg(data).args(RELAXED).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(output.stdout.is_empty(), "it was never ready");
    said
}

/// What a command says that went well, where that is JSON.
#[track_caller]
pub(crate) fn done(output: &Output) -> Value {
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}\n{error}");
    serde_json::from_str(&said).unwrap_or(Value::Null)
}

/// What a start on a damaged log must lead to.
async fn unwell(place: &Stranger, component: &str, reason: &str) {
    until("it says that it is damaged", async || {
        let health = place.operates("/readyz").await;
        let said = health.text.contains(component) && health.text.contains(reason);
        (health.status == 503 && said).then_some(())
    })
    .await;
    let metrics = place.operates("/metrics").await.text;
    assert!(metrics.contains("\ntidings_log_damaged 1"), "{metrics}");
}

/// A direct message that must reach its reader's notifications: the notifier goes on as well.
async fn reaches(from: &Person, to: &Person) {
    let room = from.direct(&[to]).await;
    let said = id_of(&from.says(&room, &format!("hello {}", tests::kit::unique("again"))).await);
    until("the reader is notified", async || {
        let all = to.get("/v1/notifications?limit=100").await;
        all.text.contains(&said).then_some(())
    })
    .await;
    // An unread entry speaks for what is said after it: the next one is to come by itself.
    let read = to.put(&format!("/v1/rooms/{room}/read"), json!({"message_id": said})).await;
    assert_eq!(read.status, 200, "{}", read.text);
}

fn epoch(position: &str) -> &str {
    position.split(':').next().unwrap()
}

/// Clients that remember a position of before are told to begin anew.
async fn resets(person: &Person, old: &str) {
    let mut socket = person.resume(old).await;
    let reset = socket.expect("reset", |frame| frame["type"] == "reset").await;
    assert!(reset["reason"].is_string(), "{reset}");
    let now = socket.welcome["position"].as_str().unwrap();
    assert_ne!(epoch(now), epoch(old), "an old position is never taken for a new one");
    socket.close().await;
}

/// Flips a bit of the log while the server is away, and serve does not look.
async fn flip_while_away(installation: &Installation, text: &str) {
    let server = installation.nats_pid();
    installation.process.signal(Signal::SIGSTOP);
    kill(server, Signal::SIGTERM).unwrap();
    until("it has stopped", async || (!process::alive(server)).then_some(())).await;
    flip(&installation.data, text);
    installation.process.signal(Signal::SIGCONT);
}

/// Every command that reads the whole log refuses it.
fn commands_say_damaged(installation: &Installation) {
    for command in [&["verify", "--json"][..], &["rebuild", "--json"], &["backup", "/nowhere"]] {
        let output = installation.operate(command);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{command:?}: {said}");
        assert!(said.contains("damaged"), "{command:?}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_bit_is_found_and_a_backup_brings_everything_back() {
    let mut installation = Installation::relaxed(&[]);
    let place = installation.place.clone();
    let ada = place.found().await;
    let bob = Person::register(&place, "bob").await;
    let room = ada.group(&[&bob]).await;
    let mut said = Vec::new();
    for number in 0..40 {
        let body = format!("said-{number}-{}", "x".repeat(200));
        ada.says(&room, &body).await;
        said.push(body);
    }
    let page = format!("/v1/rooms/{room}/messages?limit=200");
    let kept = bob.get(&page).await.ok(200);
    let backup = installation.data.parent().unwrap().join("backup");
    let backup = backup.to_str().unwrap();
    let counts = done(&installation.operate(&["backup", backup, "--json"]));
    assert!(counts["messages"].as_u64().unwrap() > 40, "{counts}");
    for number in 0..10 {
        ada.says(&room, &format!("later-{number}")).await;
    }
    let victim = id_of(&bob.messages(&room).await[20]);
    let remembered = bob.connect().await.position;
    tokio::task::block_in_place(|| installation.verify());
    flip_while_away(&installation, &said[20]).await;
    // nats-server counts the message and passes over it; only who reads everything can find it.
    let stranger = Stranger::new(&place);
    unwell(&stranger, "history", "cannot be read").await;
    let edited = ada.patch(&format!("/v1/messages/{victim}"), json!({"body": "changed"})).await;
    edited.any_problem(500..=503);
    commands_say_damaged(&installation);
    assert_eq!(bodies(&bob.messages(&room).await).len(), 50, "the read model still has it");

    // The runbook.
    installation.process.stop();
    let answer = tokio::task::block_in_place(|| refused(&installation.data));
    assert!(answer.contains("damaged"), "a gateway reads what is recent: {answer}");
    let damaged = installation.data.with_extension("damaged");
    std::fs::rename(&installation.data, &damaged).unwrap();
    let restored = done(&installation.operate(&["restore", backup, "--json"]));
    assert_eq!(restored["messages"], counts["messages"]);
    installation.start_again();
    *place.newest.lock().unwrap() = (0, String::new());
    // A restore ends every session.
    let (ada, bob) = (ada.again().await, bob.again().await);
    until("everything is projected", async || {
        let page = bob.get(&page).await;
        (page.status == 200 && bodies(page.json["items"].as_array()?).len() == 40).then_some(())
    })
    .await;
    let now = bob.get(&page).await.ok(200);
    for (kept, now) in items(&kept).iter().zip(items(&now)) {
        assert_eq!((&kept["id"], &kept["body"]), (&now["id"], &now["body"]));
    }
    resets(&bob, &remembered).await;
    let mut socket = bob.again().await.connect().await;
    ada.says(&room, "and on").await;
    assert_eq!(socket.event_in(&room, "message.posted").await["data"]["body"], "and on");
    reaches(&ada, &bob).await;
    tokio::task::block_in_place(|| installation.verify());
    assert_eq!(stranger.ask("GET", "/readyz").once().await.status, 200);
}

/// What is done to a data folder, and what a start says to it.
type Harm = (&'static str, fn(&Path), &'static str);

const HARMS: &[Harm] = &[
    ("the end of the log cut off", |data| cut(data, false, 3000), "damaged"),
    ("one byte of the end cut off", |data| cut(data, false, 1), "damaged"),
    (
        "the blocks gone",
        |data| std::fs::remove_file(blocks(data).join("1.blk")).unwrap(),
        "damaged",
    ),
    (
        "the stream gone",
        |data| std::fs::remove_dir_all(blocks(data).parent().unwrap()).unwrap(),
        "the log is gone",
    ),
    ("the stream's description changed", spoil_description, "the log is gone"),
];

fn spoil_description(data: &Path) {
    let path = blocks(data).parent().unwrap().join("meta.inf");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

/// A log with two people and what they said, its data left by a clean stop or by a crash of everything.
async fn left_behind(crash: bool) -> (Installation, Person, Person, String, String) {
    let mut installation = Installation::relaxed(&[]);
    let place = installation.place.clone();
    let ada = place.found().await;
    let bob = Person::register(&place, "bob").await;
    let room = ada.group(&[&bob]).await;
    for number in 0..60 {
        ada.says(&room, &format!("said-{number}-{}", "x".repeat(200))).await;
    }
    // Projected, so that more than the server remembers how far it had got.
    assert_eq!(bob.messages(&room).await.len(), 60);
    let remembered = bob.connect().await.position;
    if crash {
        let server = installation.nats_pid();
        installation.process.kill();
        let _ = kill(server, Signal::SIGKILL);
        let _ = process::sweep(&installation.data);
    } else {
        installation.process.stop();
    }
    (installation, ada, bob, room, remembered)
}

async fn a_log_that_is_less_is_refused(crash: bool) {
    let (mut installation, ada, bob, room, remembered) = left_behind(crash).await;
    let mut harms = HARMS.to_vec();
    if crash {
        // Not stopped cleanly, the server reads the blocks anew and cuts this one off at the bad message.
        harms.push(("a flipped bit", |data| flip(data, "said-30-xxx"), "damaged"));
    }
    for (what, harm, answer) in harms {
        let copied = copy(&installation.data);
        let data = copied.path().join("data");
        harm(&data);
        let said = tokio::task::block_in_place(|| refused(&data));
        say("damage", &format!("{what}, crash {crash}: {}", said.lines().last().unwrap_or("")));
        assert!(said.contains(answer), "{what}: {said}");
        // Nothing was made in its place, and asking again does not help.
        let again = tokio::task::block_in_place(|| refused(&data));
        assert!(again.contains(answer), "{what}: {again}");
    }

    // The operator's word is needed to go on, and then it does.
    cut(&installation.data, false, 3000);
    tokio::task::block_in_place(|| refused(&installation.data));
    let loss = done(&installation.operate(&["accept-loss", "--json"]));
    let reached: u64 = remembered.split(':').nth(1).unwrap().parse().unwrap();
    // The server ends earlier, or has holes at the end.
    let holes = loss["holes"].as_array().unwrap().len();
    assert!(loss["head"].as_u64().unwrap() < reached || holes > 0, "{loss}, {remembered}");
    installation.start_again();
    let place = &installation.place;
    *place.newest.lock().unwrap() = (0, String::new());
    resets(&bob, &remembered).await;
    let left = until("built anew", async || {
        let page = bob.get(&format!("/v1/rooms/{room}/messages?limit=200")).await;
        (page.status == 200).then(|| page.json["items"].as_array().unwrap().clone())
    })
    .await;
    let left: Vec<String> = bodies(&left).into_iter().map(str::to_owned).collect();
    assert!((40..60).contains(&left.len()), "{}", left.len());
    for (number, body) in left.iter().enumerate() {
        assert!(body.starts_with(&format!("said-{number}-")), "{number}: {body}");
    }
    let mut socket = bob.connect().await;
    ada.says(&room, "and on").await;
    assert_eq!(socket.event_in(&room, "message.posted").await["data"]["body"], "and on");
    for _ in 0..5 {
        reaches(&ada, &bob).await;
    }
    tokio::task::block_in_place(|| installation.verify());
    assert_eq!(Stranger::new(place).ask("GET", "/readyz").once().await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_less_is_refused_after_a_clean_stop() {
    Box::pin(a_log_that_is_less_is_refused(false)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_less_is_refused_after_a_crash() {
    Box::pin(a_log_that_is_less_is_refused(true)).await;
}

/// A block in the middle of a long log: what comes after it is all there, so only counting finds it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_block_cut_off_is_refused() {
    if by_length(true, false) {
        return;
    }
    let mut installation = Installation::relaxed(&[]);
    let place = installation.place.clone();
    let ada = place.found().await;
    let room = ada.group(&[]).await;
    let mut socket = ada.connect().await;
    for _ in 0..2500 {
        socket.post(&room, &"x".repeat(7900)).await;
    }
    socket.close().await;
    installation.process.stop();
    assert!(blocks(&installation.data).join("2.blk").exists());
    cut(&installation.data, true, 20_000);
    let said = tokio::task::block_in_place(|| refused(&installation.data));
    assert!(said.contains("events are gone"), "{said}");
}
