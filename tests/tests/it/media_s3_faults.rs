//! Files in a bucket of an S3-compatible store when something goes wrong: the store is away, clients come too late or stop
//! in the middle, the process is killed.

use data_encoding::HEXLOWER;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tests::kit::bucketed::{Bucketed, key_of};
use tests::kit::files::{bytes, client, fetch, posts, put_as, request, upload};
use tests::kit::person::{Person, id_of};
use tests::kit::s3_server::Kind;
use tests::kit::until;

const ANY: &str = "application/octet-stream";

#[tokio::test]
async fn nothing_is_lost_or_left_while_the_store_is_away() {
    let Some(mut bed) = Bucketed::start(Kind::Rclone, &["--media-unused", "20s"]).await else {
        return;
    };
    let place = bed.place().clone();
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let kept = upload(&ada, "kept.txt", "text/plain", b"kept").await;
    posts(&ada, &room, "look", &[&kept]).await;
    let gone = upload(&ada, "gone.txt", "text/plain", b"gone").await;
    let message = id_of(&posts(&ada, &room, "look", &[&gone]).await);
    let (id, url) = request(&ada, "late.txt", "text/plain", 4).await;
    assert_eq!(put_as(&place, &url, "text/plain", b"late").await, 200);
    bed.store.stop();
    let complete = format!("/v1/media/{id}/complete");
    let away = ada.post(&complete, json!({})).await.problem(503, "unavailable");
    assert_eq!(away["retryable"], true, "{away}");
    ada.get(&format!("/v1/media/{}", id_of(&kept))).await.ok(200);
    assert_eq!(ada.delete(&format!("/v1/messages/{message}")).await.status, 204);
    ada.get(&format!("/v1/media/{}", id_of(&gone))).await.problem(404, "not_found");
    bed.store.start_again().await;
    let late = ada.post(&complete, json!({})).await.ok(200);
    posts(&ada, &room, "look", &[&late]).await;
    bed.holds("what was deleted meanwhile is removed", &[key_of(&kept), key_of(&late)]).await;
    for (media, content) in [(&kept, b"kept"), (&late, b"late")] {
        let got = fetch(&place, media["url"].as_str().unwrap(), &[]).await;
        assert_eq!(got.bytes, content);
    }
}

/// Who has a URL of the store may use it when the upload is over: what comes then is swept.
#[tokio::test]
async fn uploads_that_come_too_late_are_swept() {
    let Some(mut bed) = Bucketed::start(Kind::Rclone, &["--media-unused", "3s"]).await else {
        return;
    };
    let place = bed.place().clone();
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let (id, url) = request(&ada, "a.txt", "text/plain", 5).await;
    until("the upload is over", async || {
        let asked = ada.post(&format!("/v1/media/{id}/complete"), json!({})).await;
        (asked.status == 404).then_some(())
    })
    .await;
    let kept = upload(&ada, "kept.txt", "text/plain", b"kept").await;
    posts(&ada, &room, "look", &[&kept]).await;
    bed.holds("the file alone", &[key_of(&kept)]).await;
    assert_eq!(put_as(&place, &url, "text/plain", b"words").await, 200);
    let stray = format!("tidings/upload/{id}");
    bed.holds("the upload is there", &[key_of(&kept), stray]).await;
    bed.installation.process.stop();
    bed.installation.start_again();
    bed.holds("the upload is swept", &[key_of(&kept)]).await;
}

/// A reader that stops in the middle holds up no other, and a client that goes away in the middle of an upload leaves
/// nothing that is taken for the file.
#[tokio::test]
async fn clients_that_stop_in_the_middle_harm_none() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let Some(bed) = Bucketed::start(Kind::Rclone, &[]).await else { return };
    let place = bed.place().clone();
    let ada = Person::register(&place, "ada").await;
    let content = bytes(5_000_000);
    let media = upload(&ada, "film.bin", ANY, &content).await;
    let address = bed.store.origin().trim_start_matches("http://").to_owned();
    let target =
        |url: &str| url.trim_start_matches("http://").split_once('/').unwrap().1.to_owned();
    let mut stopped = Vec::new();
    for _ in 0..8 {
        let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
        let path = target(media["url"].as_str().unwrap());
        let head = format!("GET /{path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut some = [0; 1000];
        stream.read_exact(&mut some).await.unwrap();
        stopped.push(stream);
    }
    let (id, url) = request(&ada, "half.bin", ANY, content.len()).await;
    let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "PUT /{} HTTP/1.1\r\nHost: {address}\r\nContent-Type: {ANY}\r\nContent-Length: {}\r\n\r\n",
        target(&url),
        content.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&content[..2_000_000]).await.unwrap();
    drop(stream);
    let complete = format!("/v1/media/{id}/complete");
    ada.post(&complete, json!({})).await.any_problem(400..=409);
    assert_eq!(put_as(&place, &url, ANY, &content).await, 200);
    let half = ada.post(&complete, json!({})).await.ok(200);
    assert_eq!(half["sha256"], HEXLOWER.encode(&Sha256::digest(&content)));
    assert!(fetch(&place, media["url"].as_str().unwrap(), &[]).await.bytes == content);
    drop(stopped);
}

/// A completion reads and writes the store for a while: a process that is killed in it has not begun it, for all others.
#[tokio::test]
async fn a_process_that_is_killed_while_it_completes_leaves_nothing() {
    let Some(mut bed) = Bucketed::start(Kind::Rclone, &[]).await else { return };
    let place = bed.place().clone();
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let content = bytes(20_000_000);
    let mut kept = Vec::new();
    for _ in 0..3 {
        let (id, url) = request(&ada, "film.bin", ANY, content.len()).await;
        assert_eq!(put_as(&place, &url, ANY, &content).await, 200);
        let complete = format!("/v1/media/{id}/complete");
        let asked = client().post(format!("{}{complete}", place.url(0))).bearer_auth(&ada.access);
        let asked = asked.header("content-type", "application/json").body("{}");
        let answer = tokio::spawn(asked.send());
        // It has been asked when the server has answered what was asked after it.
        ada.get("/v1/users/me").await.ok(200);
        bed.installation.process.kill();
        bed.installation.start_again();
        let _ = answer.await.unwrap();
        let media = ada.post(&complete, json!({})).await.ok(200);
        let got = fetch(&place, media["url"].as_str().unwrap(), &[]).await;
        assert!(got.bytes == content, "{} bytes", got.bytes.len());
        posts(&ada, &room, "look", &[&media]).await;
        kept.push(key_of(&media));
    }
    bed.holds("the files, and nothing of what was cut off", &kept).await;
    bed.installation.verify();
}
