//! From one machine to three: what a restore brings into a cluster of nats-servers, and what a start finds there with
//! too few copies, gets as many copies as are asked for.

use std::collections::BTreeMap;

use tempfile::TempDir;
use tests::kit::cluster::Cluster;
use tests::kit::files::{bytes, fetch, posts, upload};
use tests::kit::installation::{Installation, RELAXED};
use tests::kit::person::{Person, Stranger, bodies};
use tests::kit::separate::{Separate, Setup};
use tests::kit::{Patience, mongo, unique, until, until_within};

/// An election among three servers on a busy machine may take so many times as long as other things.
const ELECTIONS: u32 = 4;

/// Waits until every stream has so many copies, all up to date; their names.
async fn all_have(cluster: &Cluster, copies: usize) -> Vec<String> {
    let what = format!("every stream has {copies} copies");
    let found: BTreeMap<String, usize> =
        until_within(Patience::for_(&what).times(ELECTIONS), async || {
            let found = cluster.copies_of_all().await;
            (!found.is_empty() && found.values().all(|number| *number == copies)).then_some(found)
        })
        .await;
    found.into_keys().collect()
}

/// Ada reads what Ada wrote on the one machine: the room, its messages, the file.
async fn finds_everything(ada: &Person, room: &str, wanted: &[&str], file: &[u8]) {
    let page = until("what was said is there", async || {
        let page = ada.get(&format!("/v1/rooms/{room}/messages")).await;
        (page.status == 200 && bodies(page.json["items"].as_array()?) == wanted)
            .then_some(page.json)
    })
    .await;
    let messages = page["items"].as_array().unwrap().iter();
    let mut attached = messages.filter_map(|message| message["attachments"].get(0));
    let id = attached.next_back().expect("an attachment")["id"].as_str().unwrap();
    let link = ada.get(&format!("/v1/media/{id}")).await.ok(200);
    let got = fetch(&ada.place, link["url"].as_str().unwrap(), &[]).await;
    assert!(got.status == 200 && got.bytes == file, "{}", got.status);
}

async fn moves_to_three(read_model: &str) {
    let namespace = unique("moved");
    let mut one = Installation::relaxed(&["--namespace", &namespace]);
    let place = one.place.clone();
    let (ada, bob) = (place.found().await, Person::register(&place, "bob").await);
    let room = ada.group(&[&bob]).await;
    ada.says(&room, "on one machine").await;
    let file = bytes(300_000);
    let stored = upload(&ada, "notes.bin", "application/octet-stream", &file).await;
    posts(&ada, &room, "with a file", &[&stored]).await;
    let backup = one.data.parent().unwrap().join("backup");
    let backup = backup.to_str().unwrap();
    let made = tokio::task::block_in_place(|| one.operate(&["backup", backup]));
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    one.process.stop();

    let setup = Setup { cluster: true, gateways: 3, proxied: Vec::new(), ..Setup::on(read_model) };
    let mut three = Separate::servers_only(setup, &namespace);
    three.cluster().formed().await;
    let restore = ["restore", backup, "--replicas", "3"];
    let restored = tokio::task::block_in_place(|| three.operate(&restore));
    let said = String::from_utf8_lossy(&restored.stdout).into_owned();
    assert!(restored.status.success(), "{said}\n{}", String::from_utf8_lossy(&restored.stderr));
    assert!(said.contains("streams of 3 copies each"), "{said}");
    let streams = all_have(three.cluster(), 3).await;
    for (kind, what) in [("EVENTS", ""), ("KV", "_credentials"), ("OBJ", "_media")] {
        let wanted = format!("{kind}_{namespace}{what}");
        assert!(streams.contains(&wanted), "{wanted}: {streams:?}");
    }

    tokio::task::block_in_place(|| three.start_services());
    for gateway in 0..3 {
        let ada = Person::login_at(&three.place, gateway, &ada.username, &ada.password).await;
        finds_everything(&ada, &room, &["on one machine", "with a file"], &file).await;
    }
    let again = Person::login_at(&three.place, 1, &ada.username, &ada.password).await;
    assert_eq!(again.get("/v1/users/me").await.ok(200)["role"], "admin");
    let bob = Person::login_at(&three.place, 2, &bob.username, &bob.password).await;
    let mut socket = bob.connect().await;
    again.says(&room, "on three").await;
    let event = socket
        .expect("the message at another gateway", |frame| frame["event"] == "message.posted")
        .await;
    assert_eq!(event["data"]["body"], "on three");
    // What the services have made since has as many copies.
    let with_new = all_have(three.cluster(), 3).await;
    assert!(with_new.len() > streams.len(), "{with_new:?}");
    drop(socket);
    tokio::task::block_in_place(|| three.verify());
    if read_model == "sqlite" {
        moves_back(&mut one, &three, &ada, &room, &file).await;
    }
}

/// A backup of the three is restored to the one machine, which keeps one copy.
async fn moves_back(
    one: &mut Installation,
    three: &Separate,
    ada: &Person,
    room: &str,
    file: &[u8],
) {
    let backup = one.data.parent().unwrap().join("backup-of-three");
    let backup = backup.to_str().unwrap();
    std::fs::rename(&one.data, one.data.with_extension("former")).unwrap();
    tokio::task::block_in_place(|| {
        let made = three.operate(&["backup", backup]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let restored = one.operate(&["restore", backup]);
        assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
        one.start_again();
    });
    *one.place.newest.lock().unwrap() = (0, String::new());
    let ada = Person::login(&one.place, &ada.username, &ada.password).await;
    let said = ["on one machine", "with a file", "on three"];
    finds_everything(&ada, room, &said, file).await;
    tokio::task::block_in_place(|| one.verify());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_installation_moves_to_three_machines_on_sqlite() {
    moves_to_three("sqlite").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_installation_moves_to_three_machines_on_mongodb() {
    if let Some(url) = mongo::url() {
        moves_to_three(&url).await;
    }
}

/// A start with more copies than streams have raises them, says so, and people go on meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_with_more_copies_raises_what_is_there() {
    let folder = TempDir::with_prefix("tidings-test-").unwrap();
    let mut cluster = Cluster::start(folder.path());
    cluster.formed().await;
    let (url, data) = (cluster.url(), folder.path().join("data"));
    let flags = [RELAXED, &["--nats-url", &url]].concat();
    let mut one = tokio::task::block_in_place(|| Installation::start_on(&data, &flags));
    let ada = one.place.found().await;
    let room = ada.group(&[&Person::register(&one.place, "bob").await]).await;
    upload(&ada, "notes.bin", "application/octet-stream", &bytes(1_000)).await;
    ada.says(&room, "with one copy").await;
    let streams = all_have(&cluster, 1).await;
    one.process.stop();

    let flags = [&flags[..], &["--replicas", "3"]].concat();
    let mut three = tokio::task::block_in_place(|| Installation::start_on(&data, &flags));
    let ada = Person::login(&three.place, &ada.username, &ada.password).await;
    ada.says(&room, "meanwhile").await;
    let raised = all_have(&cluster, 3).await;
    assert!(streams.iter().all(|name| raised.contains(name)), "{streams:?}, {raised:?}");
    until("it says so", async || {
        let said = three.process.stderr();
        let told = ["the log gets more copies", "a stream gets more copies", "are up to date"];
        told.iter().all(|text| said.contains(text)).then_some(())
    })
    .await;
    let page = ada.get(&format!("/v1/rooms/{room}/messages")).await.ok(200);
    assert_eq!(bodies(page["items"].as_array().unwrap()), ["with one copy", "meanwhile"]);
    let ready = Stranger::new(&three.place).operates("/readyz").await;
    assert_eq!(ready.status, 200, "{}", ready.text);
    tokio::task::block_in_place(|| {
        three.verify();
        three.process.stop();
        cluster.stop();
    });
}

/// Copies need a cluster: asked for at a single server, nothing is begun.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_at_a_single_server_are_refused_before_anything_is_restored() {
    let namespace = unique("single");
    let one = Installation::relaxed(&["--namespace", &namespace]);
    let backup = one.data.parent().unwrap().join("backup");
    let backup = backup.to_str().unwrap();
    let setup = Setup { proxied: Vec::new(), ..Setup::on("sqlite") };
    let other = Separate::servers_only(setup, &namespace);
    tokio::task::block_in_place(|| {
        let made = one.operate(&["backup", backup]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let refused = other.operate(&["restore", backup, "--replicas", "3"]);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(2), "{said}");
        assert!(said.contains("needs a cluster"), "{said}");
        let restored = other.operate(&["restore", backup]);
        assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
    });
}
