//! Files in a bucket where every service is a process of its own and the read model is MongoDB.

use serde_json::json;
use tests::kit::files::{bytes, fetch, png, posts, put_as, request, upload};
use tests::kit::person::{Person, Stranger, id_of};
use tests::kit::s3_server::{Kind, S3Server};
use tests::kit::separate::{Separate, Setup};
use tests::kit::{Patience, mongo, until_within};

use crate::erasure::{deleted, done};

/// Waits until the bucket holds exactly these files of an installation.
async fn holds(store: &S3Server, namespace: &str, what: &str, wanted: &[(&str, &str)]) {
    let key = |(area, id): &(&str, &str)| format!("{namespace}/{area}/{id}");
    let mut wanted: Vec<String> = wanted.iter().map(key).collect();
    wanted.sort();
    until_within(Patience::for_(what).times(3), async || {
        (store.keys().await == wanted).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_come_and_go_whatever_is_killed_and_away() {
    let Some(url) = mongo::url() else { return };
    let Some(mut store) = S3Server::start(Kind::Rclone).await else { return };
    let of_store = store.flags().into_iter().map(|flag| -> &'static str { flag.leak() });
    // What is looked for every quarter of that time is found soon.
    let flags = of_store.chain(["--media-unused", "60s"]).collect();
    let mut apart = Separate::start_with(Setup { flags, ..Setup::on(&url) });
    let (place, namespace) = (apart.place.clone(), apart.namespace.clone());
    // The first account is the last admin's, which stays.
    place.found().await;
    let ada = Person::register(&place, "ada").await;
    let bob = Person::register(&place, "bob").await;
    let room = ada.group(&[&bob]).await;

    let image = upload(&ada, "a.png", "image/png", &png(700, b"Comment\0x")).await;
    let small = fetch(&place, image["thumbnail_url"].as_str().unwrap(), &[]).await;
    assert!(small.status == 200 && small.bytes.starts_with(b"\xff\xd8\xff"));
    let shown = id_of(&posts(&ada, &room, "", &[&image]).await);
    let content = bytes(9_000_000);
    let film = upload(&bob, "b.bin", "application/octet-stream", &content).await;
    posts(&bob, &room, "", &[&film]).await;
    let seen = ada.get(&format!("/v1/media/{}", id_of(&film))).await.ok(200);
    let part = [("range", "bytes=8388607-8388609")];
    let got = fetch(&place, seen["url"].as_str().unwrap(), &part).await;
    assert!(got.bytes == content[8_388_607..8_388_610], "{}", got.status);
    let (image, film) = (id_of(&image), id_of(&film));
    let all = [("file", &*image), ("thumbnail", &*image), ("file", &*film)];
    holds(&store, &namespace, "both files", &all).await;

    // A backup has what is said of files.
    let folder = apart.data().with_extension("backup");
    let backup = apart.operate(&["backup", folder.to_str().unwrap(), "--json"]);
    assert!(backup.status.success(), "{}", String::from_utf8_lossy(&backup.stderr));
    assert!(!folder.join(format!("streams/OBJ_{namespace}_media")).exists());

    // The store is away, and who removes files dies meanwhile.
    let (late, late_url) = request(&bob, "late.txt", "text/plain", 4).await;
    assert_eq!(put_as(&place, &late_url, "text/plain", b"late").await, 200);
    store.stop();
    let complete = format!("/v1/media/{late}/complete");
    bob.post(&complete, json!({})).await.problem(503, "unavailable");
    assert_eq!(ada.delete(&format!("/v1/messages/{shown}")).await.status, 204);
    bob.get(&format!("/v1/media/{image}")).await.problem(404, "not_found");
    apart.kill("chat-svc");
    apart.run("chat-svc");
    store.start_again().await;
    let media = bob.post(&complete, json!({})).await.ok(200);
    posts(&bob, &room, "", &[&media]).await;
    let left = [("file", &*film), ("file", &*late)];
    holds(&store, &namespace, "what was deleted meanwhile is removed", &left).await;

    let erasure = deleted(&bob).await;
    done(&Stranger::new(&place), &erasure).await;
    holds(&store, &namespace, "their files go with their account", &[]).await;
    tokio::task::block_in_place(|| apart.verify());
}
