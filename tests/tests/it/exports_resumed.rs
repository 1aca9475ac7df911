//! Exports whose making is interrupted: they are resumed from where they were.

use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tests::kit::bucketed::Bucketed;
use tests::kit::files::{bytes, fetch, upload};
use tests::kit::installation::{Installation, Place};
use tests::kit::person::Person;
use tests::kit::s3_server::Kind;
use tests::kit::separate::Separate;
use tests::kit::{log, mongo, until};

use crate::codes::mails_to;
use crate::exports::{READY, asked, list, ready, unzipped};

/// Files of a person, and bytes of each: enough that copying them takes a while.
const FILES: usize = 16;
const SIZE: usize = 6_000_000;
/// Pieces of an export, of which there are 360, that are there when six files were copied: the progress is kept then.
const SOME: usize = 150;

async fn uploaded(who: &Person, files: usize) {
    for number in 0..files {
        let content = bytes(SIZE + number);
        upload(who, &format!("{number}.bin"), "application/octet-stream", &content).await;
    }
}

/// Waits until a person's files are being copied, and it is not ready.
async fn half_made(nats: &str, namespace: &str, who: &Person) {
    let files = log::open(nats, namespace).await.pieces("media");
    until("files are being copied", async || {
        let keys = files.keys(&format!("C.export.{}.*.*", who.id)).await.ok()?;
        (keys.len() >= SOME).then_some(())
    })
    .await;
}

/// Checks that what is ready was resumed: it names the pieces of every try.
async fn was_resumed(nats: &str, namespace: &str, who: &Person) {
    let files = log::open(nats, namespace).await.pieces("media");
    let note = files.get(&format!("M.export.{}", who.id)).await.unwrap().expect("an export");
    let note: Value = serde_json::from_slice(&note.bytes).unwrap();
    let version: Vec<&str> = note["version"].as_str().unwrap().split('-').collect();
    assert!(version.len() >= 3, "{version:?}");
    let pieces: usize = version[1].parse().unwrap();
    assert!((1..FILES * SIZE / (256 * 1024)).contains(&pieces), "{version:?}");
    until("the draft is removed", async || {
        files.keys("*.export_draft.>").await.ok()?.is_empty().then_some(())
    })
    .await;
}

/// Checks that the export of a person with so many files is whole.
async fn is_whole(place: &Place, export: &Value, count: usize) {
    let got = fetch(place, export["url"].as_str().unwrap(), &[]).await;
    assert_eq!(export["size"].as_u64(), u64::try_from(got.bytes.len()).ok());
    let files = unzipped(&got.bytes);
    let media = list(&files, "media");
    assert_eq!(media.len(), count);
    for one in media {
        let number: usize = one["filename"].as_str().unwrap().replace(".bin", "").parse().unwrap();
        let sum = HEXLOWER.encode(&Sha256::digest(bytes(SIZE + number)));
        assert_eq!(files[one["path"].as_str().unwrap()], json!(sum), "{number}");
    }
    let messages = list(&files, "messages");
    let said: Vec<&str> = messages.iter().filter_map(|one| one["body"].as_str()).collect();
    assert_eq!(said, ["before the crash"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_is_resumed_after_a_crash() {
    let mut installation = Installation::relaxed(&[]);
    let ada = installation.place.found().await;
    let bob = Person::register(&installation.place, "bob").await;
    let room = ada.group(&[]).await;
    ada.says(&room, "before the crash").await;
    uploaded(&ada, FILES).await;
    let path = asked(&ada).await;
    half_made(&installation.nats(), "tidings", &ada).await;
    installation.crash();
    installation.start_again();
    // Another person's does not wait for it, and no person has two.
    let other = asked(&bob).await;
    assert_eq!(asked(&ada).await, path);
    let export = ready(&ada, &path).await;
    was_resumed(&installation.nats(), "tidings", &ada).await;
    is_whole(&installation.place, &export, FILES).await;
    ready(&bob, &other).await;
    let mails = until("a mail tells of it", async || {
        let mails = mails_to(&installation.data.join("mail"), &ada.email).into_iter();
        let told = mails.filter(|mail| mail.subject == READY).count();
        (told > 0).then_some(told)
    });
    assert_eq!(mails.await, 1);
    installation.verify();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_whose_worker_is_killed_is_resumed_by_another() {
    let Some(url) = mongo::url() else { return };
    let mut separate = Separate::start(&url);
    let ada = separate.place.found().await;
    let room = ada.group(&[]).await;
    ada.says(&room, "before the crash").await;
    uploaded(&ada, FILES).await;
    let path = asked(&ada).await;
    half_made(&separate.nats_url(), &separate.namespace, &ada).await;
    separate.kill("chat-svc");
    separate.run("chat-svc");
    let export = ready(&ada, &path).await;
    was_resumed(&separate.nats_url(), &separate.namespace, &ada).await;
    is_whole(&separate.place, &export, FILES).await;
    separate.verify();
}

/// With files in a bucket: what was sent of one is not lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_into_a_bucket_is_resumed_after_a_crash() {
    let Some(mut bed) = Bucketed::start(Kind::Moto, &[]).await else { return };
    let ada = bed.place().found().await;
    let room = ada.group(&[]).await;
    ada.says(&room, "before the crash").await;
    uploaded(&ada, 4).await;
    let path = asked(&ada).await;
    let draft = format!("tidings/export_draft/{}", ada.id);
    until("its making is begun", async || bed.store.keys().await.contains(&draft).then_some(()))
        .await;
    bed.installation.crash();
    bed.installation.start_again();
    let export = ready(&ada, &path).await;
    is_whole(bed.place(), &export, 4).await;
    until("the draft is removed", async || {
        let keys = bed.store.keys().await;
        (!keys.contains(&draft)).then_some(())
    })
    .await;
    bed.installation.verify();
}
