//! Files as they are shown: in frames, in browsers, as profile pictures; and how much of them there may be.

use std::time::Duration;

use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tests::kit::files::{bytes, fetch, png, posts, put, request, upload, whole};
use tests::kit::installation::{Installation, Place};
use tests::kit::person::{Person, id_of};
use tests::kit::until;

everywhere!(
    files_come_with_posts_over_sockets_and_in_resumes,
    what_acts_is_downloaded_and_nothing_is_sniffed,
    positions_are_taken_out_of_images,
    positions_are_taken_out_of_films_and_of_bytes_of_any_kind,
    a_profile_picture_is_public_and_goes_with_the_next,
    posts_with_files_are_repeated,
);

fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

async fn files_come_with_posts_over_sockets_and_in_resumes(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let bob = Person::register_at(&place, 1, "bob").await;
    let room = ada.group(&[&bob]).await;
    let mut bobs = bob.connect().await;
    let mut adas = ada.connect().await;
    let position = bobs.position.clone();
    let media = upload(&ada, "a.txt", "text/plain", b"words").await;
    let told = adas.event("media.changed").await;
    assert_eq!(told["data"]["id"], media["id"]);
    let post = json!({"type": "post", "room_id": room, "body": "", "attachments": [media["id"]]});
    let ok = adas.call(post).await;
    assert_eq!(ok["result"]["attachments"][0]["sha256"], media["sha256"], "{ok}");
    let posted = bobs.event("message.posted").await;
    let shown = &posted["data"]["attachments"][0];
    assert_eq!(shown["filename"], "a.txt");
    assert_eq!(fetch(&place, shown["url"].as_str().unwrap(), &[]).await.bytes, b"words");
    let mut back = bob.resume(&position).await;
    let posted = back.event("message.posted").await;
    assert_eq!(posted["data"]["attachments"][0]["id"], media["id"]);
    // To others nothing is told of a file itself.
    let all = back.all().await;
    assert!(all.iter().all(|frame| frame["event"] != "media.changed"), "{all:?}");
    // Who was away is told of their own.
    let mut back = ada.resume(&position).await;
    assert_eq!(back.event("media.changed").await["data"]["id"], media["id"]);
}

async fn what_acts_is_downloaded_and_nothing_is_sniffed(place: Place) {
    let ada = Person::register(&place, "ada").await;
    for (name, kind, content, shown) in [
        ("a.html", "text/html", &b"<html><script>alert(1)</script>"[..], "attachment"),
        ("a.svg", "image/svg+xml", b"<svg xmlns='x' onload='alert(1)'/>", "attachment"),
        ("a.xml", "application/xml", b"<?xml version='1.0'?><x/>", "attachment"),
        ("a.pdf", "application/pdf", b"%PDF-1.7", "attachment"),
        ("\u{e9} \"q\".bin", "application/octet-stream", b"\0\x01", "attachment"),
        ("a.txt", "text/plain", b"words", "inline"),
    ] {
        let media = upload(&ada, name, kind, content).await;
        let got = fetch(&place, media["url"].as_str().unwrap(), &[]).await;
        assert_eq!(got.bytes, content, "{name}");
        assert!(got.header("content-disposition").starts_with(shown), "{name}");
        assert!(got.header("content-type").starts_with(kind), "{name}");
        assert_eq!(got.header("x-content-type-options"), "nosniff");
        let policy = got.header("content-security-policy");
        assert!(policy.contains("sandbox") && policy.contains("default-src 'none'"), "{policy}");
    }
}

async fn positions_are_taken_out_of_images(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let mut image = png(700, b"Comment\0GPS 52.5N 13.4E");
    image.extend_from_slice(b"PK\x03\x04 hidden behind the end");
    let media = upload(&ada, "photo.png", "image/png", &image).await;
    assert_eq!((&media["width"], &media["height"]), (&json!(700), &json!(700)));
    let got = fetch(&place, media["url"].as_str().unwrap(), &[]).await;
    let says = |what: &[u8]| got.bytes.windows(what.len()).any(|window| window == what);
    assert!(!says(b"GPS") && !says(b"PK\x03\x04"));
    assert_eq!(media["size"], got.bytes.len());
    assert_eq!(media["sha256"], sha256(&got.bytes));
    let small = fetch(&place, media["thumbnail_url"].as_str().unwrap(), &[]).await;
    assert_eq!((small.status, small.header("content-type")), (200, "image/jpeg"));
    assert!(small.bytes.starts_with(b"\xff\xd8\xff"));
    let id = id_of(&media);
    let led =
        ada.ask("GET", &format!("/v1/media/{id}/thumbnail")).header("accept", "application/json");
    assert_eq!(led.send().await.ok(200)["url"], media["thumbnail_url"]);
    // The head of a bomb: a hundred thousand pixels each way.
    let mut bomb = png(2, b"Comment\0x");
    bomb[16..24].copy_from_slice(&[0, 1, 0x86, 0xa0, 0, 1, 0x86, 0xa0]);
    let (id, url) = request(&ada, "bomb.png", "image/png", bomb.len()).await;
    assert_eq!(put(&place, &url, &bomb).await, 204);
    ada.post(&format!("/v1/media/{id}/complete"), json!({}))
        .await
        .problem(400, "validation_failed");
}

/// A box of a film.
fn boxed(kind: &[u8], content: &[&[u8]]) -> Vec<u8> {
    let content = content.concat();
    let size = u32::try_from(content.len() + 8).unwrap().to_be_bytes();
    [&size[..], kind, &content].concat()
}

async fn positions_are_taken_out_of_films_and_of_bytes_of_any_kind(place: Place) {
    const WHERE: &[u8] = b"+52.5200+013.4050/";
    let ada = Person::register(&place, "ada").await;
    let data = boxed(b"data", &[b"\0\0\0\x01\0\0\0\0", WHERE]);
    let key = boxed(b"mdta", &[b"com.apple.quicktime.location.ISO6709"]);
    let apples = [
        boxed(b"hdlr", &[b"mdta"]),
        boxed(b"keys", &[b"\0\0\0\0\0\0\0\x01", &key]),
        boxed(b"ilst", &[&boxed(b"\0\0\0\x01", &[&data])]),
    ];
    let user_data = [
        boxed(b"\xa9xyz", &[b"\0\x12\x15\xc7", WHERE]),
        boxed(b"loci", &[b"\0\0\0\0", WHERE]),
        boxed(b"\xa9nam", &[b"a day at the lake"]),
    ];
    let film = [
        boxed(b"ftyp", &[b"qt  \0\0\0\0"]),
        // The pictures come before what is said of them, and are many.
        boxed(b"mdat", &[&bytes(300_000)]),
        boxed(
            b"moov",
            &[&boxed(b"udta", &[&user_data.concat()]), &boxed(b"meta", &[&apples.concat()])],
        ),
    ]
    .concat();
    // One directory, which says where the position is: one with nothing but a text.
    let tiff = [
        b"II*\0\x08\0\0\0\x01\0\x25\x88\x04\0\x01\0\0\0\x1a\0\0\0\0\0\0\0".as_slice(),
        b"\x01\0\x1d\0\x02\0\x12\0\0\0\x2c\0\0\0\0\0\0\0",
        WHERE,
        b"and the picture",
    ]
    .concat();
    for (name, kind, content, stays) in [
        ("a.mov", "video/quicktime", &film, &b"a day at the lake"[..]),
        ("a.mp4", "video/mp4", &film, b"a day at the lake"),
        ("a.bin", "application/octet-stream", &film, b"a day at the lake"),
        ("a.tif", "image/tiff", &tiff, b"and the picture"),
        ("b.bin", "application/octet-stream", &tiff, b"and the picture"),
        ("c.bin", "application/octet-stream", &png(20, b"Comment\0+52.5200+013.4050/"), b"IEND"),
    ] {
        let media = upload(&ada, name, kind, content).await;
        assert_eq!(media["content_type"], kind);
        let got = fetch(&place, media["url"].as_str().unwrap(), &[]).await;
        let says = |what: &[u8]| got.bytes.windows(what.len()).any(|window| window == what);
        assert!(says(stays) && !says(WHERE), "{name}");
        assert_eq!(media["size"], got.bytes.len());
        assert_eq!(media["sha256"], sha256(&got.bytes));
        assert!(kind.starts_with("application") || got.bytes.len() == content.len(), "{name}");
    }
}

async fn a_profile_picture_is_public_and_goes_with_the_next(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let bob = Person::register_at(&place, 1, "bob").await;
    let image = upload(&ada, "me.png", "image/png", &png(30, b"Comment\0x")).await;
    let text = upload(&ada, "me.txt", "text/plain", b"words").await;
    let theirs = upload(&bob, "me.png", "image/png", &png(30, b"Comment\0x")).await;
    for wrong in [&text["id"], &theirs["id"], &json!("media_00000000000000000000000000")] {
        let refused = ada.patch("/v1/users/me", json!({"avatar_media_id": wrong})).await;
        refused.problem(400, "validation_failed");
    }
    let me = ada.patch("/v1/users/me", json!({"avatar_media_id": image["id"]})).await.ok(200);
    let url = me["avatar_url"].as_str().unwrap().to_owned();
    let seen = bob.get(&format!("/v1/users/{}", ada.id)).await.ok(200);
    assert_eq!(seen["avatar_url"], json!(url));
    let got = fetch(&place, &url, &[]).await;
    assert_eq!((got.status, got.header("content-type")), (200, "image/jpeg"));
    assert!(got.header("cache-control").contains("immutable"));
    ada.delete(&format!("/v1/media/{}", id_of(&image))).await.problem(409, "conflict");
    let next = upload(&ada, "me.png", "image/png", &png(31, b"Comment\0x")).await;
    let me = ada.patch("/v1/users/me", json!({"avatar_media_id": next["id"]})).await.ok(200);
    assert_ne!(me["avatar_url"], json!(url));
    until("the former picture is gone", async || {
        (fetch(&place, &url, &[]).await.status == 404).then_some(())
    })
    .await;
    let me = ada.patch("/v1/users/me", json!({"avatar_media_id": null})).await.ok(200);
    assert!(me.get("avatar_url").is_none_or(Value::is_null));
}

async fn posts_with_files_are_repeated(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let media = upload(&ada, "a.txt", "text/plain", b"words").await;
    let other = upload(&ada, "b.txt", "text/plain", b"words").await;
    let path = format!("/v1/rooms/{room}/messages");
    let body = json!({"client_id": "c1", "body": "look", "attachments": [media["id"]]});
    let first = ada.post(&path, body.clone()).await.ok(201);
    let again = ada.post(&path, body).await.ok(200);
    assert_eq!(again["id"], first["id"]);
    assert_eq!(again["attachments"][0]["id"], media["id"]);
    let changed = json!({"client_id": "c1", "body": "look", "attachments": [other["id"]]});
    ada.post(&path, changed).await.problem(422, "idempotency_mismatch");
    assert_eq!(ada.messages(&room).await.len(), 1);
    // The first message alone had it.
    assert_eq!(ada.delete(&format!("/v1/messages/{}", id_of(&first))).await.status, 204);
    assert_eq!(fetch(&place, media["url"].as_str().unwrap(), &[]).await.status, 404);
    ada.get(&format!("/v1/media/{}", id_of(&other))).await.ok(200);
}

#[tokio::test]
async fn what_files_may_take_is_limited() {
    let limits =
        ["--media-max-file", "1000B", "--media-quota-person", "2500B", "--media-quota", "4000B"];
    let installation = Installation::relaxed(&limits);
    let place = installation.place.clone();
    let (ada, bob) = (Person::register(&place, "ada").await, Person::register(&place, "bob").await);
    let ask = async |who: &Person, size: usize| {
        let body = json!({"filename": "x", "content_type": "text/plain", "size": size});
        who.post("/v1/media", body).await
    };
    ask(&ada, 1001).await.problem(413, "payload_too_large");
    let first = ask(&ada, 1000).await.ok(201);
    ask(&ada, 1000).await.ok(201);
    let refused = ask(&ada, 501).await.problem(413, "payload_too_large");
    assert_eq!(refused["errors"][0]["code"], "over_quota");
    ask(&ada, 500).await.ok(201);
    ask(&bob, 1000).await.ok(201);
    ask(&bob, 501).await.problem(413, "payload_too_large");
    // What is removed makes room.
    let path = format!("/v1/media/{}", first["media_id"].as_str().unwrap());
    assert_eq!(ada.delete(&path).await.status, 204);
    ask(&ada, 1000).await.ok(201);
}

#[tokio::test]
async fn what_is_in_no_message_is_removed_in_the_end() {
    let installation = Installation::relaxed(&["--media-unused", "1s"]);
    let place = installation.place.clone();
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let kept = upload(&ada, "kept.txt", "text/plain", b"words").await;
    posts(&ada, &room, "look", &[&kept]).await;
    let unused = upload(&ada, "unused.txt", "text/plain", b"words").await;
    let (_, url) = request(&ada, "never.txt", "text/plain", 5).await;
    let path = format!("/v1/media/{}", id_of(&unused));
    until("the unused file is removed", async || {
        (ada.get(&path).await.status == 404).then_some(())
    })
    .await;
    until("the upload is over", async || (put(&place, &url, b"words").await == 404).then_some(()))
        .await;
    ada.get(&format!("/v1/media/{}", id_of(&kept))).await.ok(200);
    assert_eq!(fetch(&place, kept["url"].as_str().unwrap(), &[]).await.bytes, b"words");
}

/// A reader that stops in the middle holds up no other, and a client that goes away in the middle of an upload leaves
/// nothing that is taken for the file.
#[tokio::test]
async fn clients_that_stop_in_the_middle_harm_none() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let installation = Installation::relaxed(&[]);
    let place = installation.place.clone();
    let ada = Person::register(&place, "ada").await;
    let content = bytes(20_000_000);
    let media = upload(&ada, "film.bin", "application/octet-stream", &content).await;
    let url = whole(&place, media["url"].as_str().unwrap());
    let address = place.url(0).trim_start_matches("http://").to_owned();
    let path = url.trim_start_matches("http://").split_once('/').unwrap().1.to_owned();
    let mut stopped = Vec::new();
    for _ in 0..8 {
        let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
        let request = format!("GET /{path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut some = [0; 1000];
        stream.read_exact(&mut some).await.unwrap();
        stopped.push(stream);
    }
    let whole = tokio::time::timeout(Duration::from_secs(60), fetch(&place, &url, &[])).await;
    assert!(whole.unwrap().bytes == content);
    drop(stopped);
    let (id, url) = request(&ada, "half.bin", "application/octet-stream", 1_000_000).await;
    let path = url.trim_start_matches("http://").split_once('/').unwrap().1.to_owned();
    let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
    let head =
        format!("PUT /{path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 1000000\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&bytes(600_000)).await.unwrap();
    drop(stream);
    let complete = format!("/v1/media/{id}/complete");
    ada.post(&complete, json!({})).await.problem(409, "conflict");
    until("the upload can begin anew", async || {
        (put(&place, &url, &bytes(1_000_000)).await == 204).then_some(())
    })
    .await;
    ada.post(&complete, json!({})).await.ok(200);
}
