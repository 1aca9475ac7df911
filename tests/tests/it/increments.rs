//! Backups of what came after an earlier one: restored with it they bring back what there was when the last was made, and
//! nothing that was erased before.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use schemas::{Sequence, Timestamp};
use serde_json::{Value, json};
use tests::kit::files::{bytes, fetch, posts, upload};
use tests::kit::installation::Installation;
use tests::kit::person::{Person, Stranger, bodies};
use tests::kit::{log, mongo, unique, until};

use crate::codes::mails_to;
use crate::erasure::{deleted, done, holding};

/// What an operator command answers in JSON.
#[track_caller]
fn answer(output: &Output) -> Value {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stdout));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What a command that is refused says.
#[track_caller]
fn refused(output: &Output, code: i32) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{said}");
    said
}

/// Folders of backups beside an installation's data.
struct Folders(PathBuf);

impl Folders {
    fn beside(installation: &Installation) -> Self {
        Self(installation.data.parent().unwrap().to_owned())
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

/// Everything in the log up to a place, with the times at which it was stored.
async fn contents(
    nats: &str,
    namespace: &str,
    through: Sequence,
) -> Vec<(Sequence, String, Vec<u8>, Timestamp)> {
    let log = log::open(nats, namespace).await;
    let mut reader = log.read_from(0).await.unwrap();
    let mut all = Vec::new();
    while reader.through() < through {
        for record in reader.next(5000, Duration::from_secs(5)).await.unwrap().records {
            if record.sequence <= through {
                let payload = record.payload.to_vec();
                all.push((record.sequence, record.subject, payload, record.stored_at));
            }
        }
    }
    all
}

fn sequence(position: &Value) -> Sequence {
    position.as_str().unwrap().rsplit(':').next().unwrap().parse().unwrap()
}

/// Uploads a file, and posts it; where it is read.
async fn shows(who: &Person, room: &str, name: &str, content: &[u8]) -> String {
    let media = upload(who, name, "application/octet-stream", content).await;
    posts(who, room, "", &[&media]).await;
    media["id"].as_str().unwrap().to_owned()
}

/// What is read of a file, by its id.
async fn read(who: &Person, media: &str) -> Option<Vec<u8>> {
    let about = who.get(&format!("/v1/media/{media}")).await;
    if about.status != 200 {
        return None;
    }
    let url = about.json["url"].as_str().unwrap().to_owned();
    let got = fetch(&who.place, &url, &[]).await;
    (got.status == 200).then_some(got.bytes)
}

/// What was made, and what of it must come back.
struct Made {
    ada: Person,
    carl: Person,
    room: String,
    word: String,
    kept: Vec<(String, Vec<u8>)>,
    gone: Vec<String>,
    said: Vec<String>,
}

/// A whole backup and two increments, between which people write, and one of them is erased.
async fn make(installation: &Installation, folders: &Folders) -> Made {
    let place = &installation.place;
    let (full, one, two) = (folders.path("full"), folders.path("one"), folders.path("two"));
    let ada = place.found().await;
    let bob = Person::register(place, "bob").await;
    let (word, room) = (unique("zzgone"), ada.group(&[&bob]).await);
    let (mut kept, mut gone) = (Vec::new(), Vec::new());
    bob.says(&room, &format!("{word} before")).await;
    ada.says(&room, "first").await;
    gone.push(shows(&bob, &room, "a.bin", format!("{word} a").as_bytes()).await);
    kept.push((shows(&ada, &room, "b.bin", &bytes(600_000)).await, bytes(600_000)));
    answer(&installation.operate(&["backup", &full, "--json"]));

    bob.says(&room, &format!("{word} between")).await;
    ada.says(&room, "second").await;
    gone.push(shows(&bob, &room, "c.bin", format!("{word} c").as_bytes()).await);
    kept.push((shows(&ada, &room, "d.bin", &bytes(700_000)).await, bytes(700_000)));
    let made = answer(&installation.operate(&["backup", &one, "--since", &full, "--json"]));
    assert!(made["messages"].as_u64().unwrap() > 4, "{made}");

    let erasure = deleted(&bob).await;
    done(&Stranger::new(place), &erasure).await;
    ada.says(&room, "third").await;
    kept.push((shows(&ada, &room, "e.bin", &bytes(300_000)).await, bytes(300_000)));
    let carl = Person::register(place, "carl").await;
    let mails = installation.data.join("mail");
    until("carl has a mail", async || (!mails_to(&mails, &carl.email).is_empty()).then_some(()))
        .await;
    for media in &gone {
        let is_gone = async || read(&ada, media).await.is_none().then_some(());
        until("the file is removed", is_gone).await;
    }
    // Nothing is under way any more: what is compared below is what was copied.
    until("all mails are sent", async || {
        installation.operate(&["verify", "--json"]).status.success().then_some(())
    })
    .await;
    answer(&installation.operate(&["backup", &two, "--since", &one, "--json"]));
    let said = bodies(&ada.messages(&room).await).iter().map(ToString::to_string).collect();
    Made { ada, carl, room, word, kept, gone, said }
}

async fn a_chain_comes_back(mut installation: Installation, namespace: &str) {
    let (folders, place) = (Folders::beside(&installation), installation.place.clone());
    let Made { ada, carl, room, word, kept, gone, said } = make(&installation, &folders).await;
    let (full, one, two) = (folders.path("full"), folders.path("one"), folders.path("two"));
    let checked =
        answer(&installation.operate(&["restore", "--check", &full, &one, &two, "--json"]));
    let through = sequence(&checked["position"]);
    let before = contents(&installation.nats(), namespace, through).await;
    assert!(!before.iter().any(|(_, _, payload, _)| has(payload, &word)), "it was erased");
    for stream in [format!("EVENTS_{namespace}"), format!("OBJ_{namespace}_media")] {
        let streams = Path::new(&two).join("streams").join(stream);
        assert!(streams.join("messages").exists(), "an increment holds what is new of it");
        assert!(!streams.join("stream.tar.s2").exists(), "and nothing else");
    }

    assert_eq!(installation.process.stop(), 0);
    let former = installation.data.with_extension("former");
    std::fs::rename(&installation.data, &former).unwrap();
    let restored = answer(&installation.operate(&["restore", &full, &one, &two, "--json"]));
    assert!(restored["messages"].as_u64().unwrap() > 20, "{restored}");
    installation.start_again();
    *place.newest.lock().unwrap() = (0, String::new());
    let after = contents(&installation.nats(), namespace, through).await;
    assert_eq!(before.len(), after.len());
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before, after);
    }
    assert_eq!(holding(&installation.data, &[&word]), Vec::new(), "nothing of it is in a file");

    let ada = ada.again().await;
    until("everything is shown", async || {
        let page = ada.get(&format!("/v1/rooms/{room}/messages?limit=200")).await;
        (page.status == 200 && bodies(page.json["items"].as_array()?) == said).then_some(())
    })
    .await;
    for (media, content) in &kept {
        assert!(read(&ada, media).await.as_ref() == Some(content), "{media}");
    }
    for media in &gone {
        assert_eq!(read(&ada, media).await, None);
    }
    // What was told before is not told again.
    let dora = Person::register(&place, "dora").await;
    let mails = installation.data.join("mail");
    until("dora has a mail", async || (!mails_to(&mails, &dora.email).is_empty()).then_some(()))
        .await;
    assert!(mails_to(&mails, &carl.email).is_empty(), "carl has had it");
    let carl = carl.again().await;
    carl.get("/v1/users/me").await.ok(200);
    installation.verify();

    // A chain ends with a restore: the log is another one now.
    let three = folders.path("three");
    let output = installation.operate(&["backup", &three, "--since", &two]);
    let refusal = refused(&output, 2);
    assert!(refusal.contains("another log") && refusal.contains("whole backup"), "{refusal}");
    assert!(!Path::new(&three).exists());
    let (whole, more) = (folders.path("whole"), folders.path("more"));
    answer(&installation.operate(&["backup", &whole, "--json"]));
    ada.says(&room, "fourth").await;
    let made = answer(&installation.operate(&["backup", &more, "--since", &whole, "--json"]));
    let checked = answer(&installation.operate(&["restore", "--check", &whole, &more, "--json"]));
    assert_eq!(checked["position"], made["manifest"]["increment"]["position"]);
}

fn has(payload: &[u8], word: &str) -> bool {
    payload.windows(word.len()).any(|part| part == word.as_bytes())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chain_comes_back_on_sqlite() {
    Box::pin(a_chain_comes_back(Installation::relaxed(&[]), "tidings")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chain_comes_back_on_mongodb() {
    let Some(url) = mongo::url() else { return };
    let namespace = unique("chain");
    let flags = ["--read-model", &url, "--namespace", &namespace];
    Box::pin(a_chain_comes_back(Installation::relaxed(&flags), &namespace)).await;
}

/// Takes the manifest of a backup, changes it and puts it back.
fn change(folder: &str, change: impl FnOnce(&mut Value)) {
    let file = Path::new(folder).join("backup.json");
    let mut manifest = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    change(&mut manifest);
    std::fs::write(&file, serde_json::to_vec(&manifest).unwrap()).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_fit_is_said_and_nothing_is_changed() {
    let mut installation = Installation::relaxed(&[]);
    let folders = Folders::beside(&installation);
    let path = |name: &str| folders.path(name);
    let (full, one, two, cut) = (path("full"), path("one"), path("two"), path("cut"));
    let ada = installation.place.found().await;
    let room = ada.group(&[]).await;
    answer(&installation.operate(&["backup", &full, "--json"]));
    ada.says(&room, "one").await;
    answer(&installation.operate(&["backup", &one, "--since", &full, "--json"]));
    ada.says(&room, "two").await;
    let made = answer(&installation.operate(&["backup", &two, "--since", &one, "--json"]));
    let position = made["manifest"]["increment"]["position"].as_str().unwrap().to_owned();
    let beyond = format!("{}:999999", position.split(':').next().unwrap());
    for (since, why) in [
        ("nowhere", "neither the folder of a backup nor a position"),
        (beyond.as_str(), "not reached yet"),
        ("other123:1", "another log"),
    ] {
        let said = refused(&installation.operate(&["backup", &cut, "--since", since]), 2);
        assert!(said.contains(why), "{said}");
        assert!(!Path::new(&cut).exists(), "{since}");
    }
    // From a position on, and one that fits although another lies in between.
    ada.says(&room, "three").await;
    answer(&installation.operate(&["backup", &cut, "--since", &position, "--json"]));
    answer(&installation.operate(&["restore", "--check", &full, &one, &two, &cut, "--json"]));

    assert_eq!(installation.process.stop(), 0);
    std::fs::rename(&installation.data, installation.data.with_extension("former")).unwrap();
    // Without any files yet.
    answer(&installation.operate(&["restore", &full, &one, &two, &cut, "--json"]));
    std::fs::remove_dir_all(&installation.data).unwrap();
    let restore = |folders: &[&str], code: i32, why: &str| {
        let output = installation.operate(&[&["restore"][..], folders].concat());
        let said = refused(&output, code);
        assert!(said.contains(why), "{folders:?}: {said}");
        assert!(!installation.data.exists(), "{folders:?}: nothing was made");
    };
    restore(&[&one], 2, "begin with the whole backup");
    restore(&[&full, &two], 2, "what lies between them is missing");
    restore(&[&full, &one, &two, &one], 2, "older");
    restore(&[&full, &one, &full], 2, "is a whole backup");
    let file = format!("{one}/streams/EVENTS_tidings/messages");
    let content = std::fs::read(&file).unwrap();
    let mut flipped = content.clone();
    flipped[content.len() / 2] ^= 1;
    std::fs::write(&file, flipped).unwrap();
    restore(&[&full, &one, &two], 1, "is damaged");
    std::fs::write(&file, &content[..content.len() - 1]).unwrap();
    restore(&[&full, &one, &two], 1, "is damaged");
    std::fs::remove_file(&file).unwrap();
    restore(&[&full, &one, &two], 1, "cannot read");
    std::fs::write(&file, &content).unwrap();
    change(&one, |manifest| manifest["increment"]["since"] = json!("other123:1"));
    restore(&[&full, &one, &two], 2, "another log");
    change(&one, |manifest| manifest["format"] = json!(99));
    restore(&[&full, &one], 2, "another version");
    // A backup that was interrupted has no description.
    std::fs::remove_file(Path::new(&two).join("backup.json")).unwrap();
    restore(&[&full, &two], 2, "not a finished backup");
    answer(&installation.operate(&["restore", &full, "--json"]));
}
