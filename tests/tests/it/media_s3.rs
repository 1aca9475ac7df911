//! Files in a bucket of an S3-compatible store: the same promises, with bytes that go straight to the store and back.

use serde_json::json;
use sha2::{Digest as _, Sha256};
use tests::kit::bucketed::{Bucketed, key_of};
use tests::kit::files::{bytes, fetch, png, posts, put_as, request, upload};
use tests::kit::person::{Person, id_of};
use tests::kit::s3_server::Kind;

const ANY: &str = "application/octet-stream";

fn sha256(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(bytes))
}

/// Makes tests of flows, run with each kind of store.
macro_rules! on_both_stores {
    ($($flow:ident),* $(,)?) => {
        mod moto {
            $(#[tokio::test]
            async fn $flow() {
                if let Some(bed) = super::Bucketed::start(super::Kind::Moto, &[]).await {
                    Box::pin(super::$flow(bed)).await;
                }
            })*
        }
        mod rclone {
            $(#[tokio::test]
            async fn $flow() {
                if let Some(bed) = super::Bucketed::start(super::Kind::Rclone, &[]).await {
                    Box::pin(super::$flow(bed)).await;
                }
            })*
        }
    };
}

on_both_stores!(
    files_go_straight_to_the_store_and_back,
    what_is_uploaded_is_what_was_announced,
    files_are_cleaned_and_shown_as_they_may_be,
    a_file_goes_with_its_last_message_and_with_its_owner,
);

async fn files_go_straight_to_the_store_and_back(bed: Bucketed) {
    let (place, store) = (bed.place().clone(), format!("{}/files/tidings/", bed.store.origin()));
    let ada = Person::register(&place, "ada").await;
    let bob = Person::register(&place, "bob").await;
    let room = ada.group(&[&bob]).await;
    let mut bobs = bob.connect().await;
    let position = bobs.position.clone();
    // More than one part of those that a store is sent.
    let content = bytes(9_000_000);
    let (id, url) = request(&ada, "film.bin", ANY, content.len()).await;
    assert!(url.starts_with(&format!("{store}upload/{id}?")), "{url}");
    assert_eq!(put_as(&place, &url, ANY, &content).await, 200);
    let complete = format!("/v1/media/{id}/complete");
    let media = ada.post(&complete, json!({})).await.ok(200);
    assert_eq!((&media["size"], &media["sha256"]), (&json!(9_000_000), &json!(sha256(&content))));
    assert_eq!(ada.post(&complete, json!({})).await.ok(200)["sha256"], media["sha256"]);
    let url = media["url"].as_str().unwrap();
    assert!(url.starts_with(&format!("{store}file/{id}?")), "{url}");
    assert!(fetch(&place, url, &[]).await.bytes == content);
    for (range, from, to) in [("bytes=0-0", 0, 1), ("bytes=8388607-8388609", 8_388_607, 8_388_610)]
    {
        let got = fetch(&place, url, &[("range", range)]).await;
        assert!([200, 206].contains(&got.status), "{}", got.status);
        assert!(got.bytes == content[from..to], "{range}");
    }
    // What is done with the store later changes nothing.
    let (_, upload_url) = request(&ada, "other.bin", ANY, 5).await;
    assert_eq!(put_as(&place, &upload_url, ANY, b"other").await, 200);
    let path = format!("/v1/media/{id}");
    bob.get(&path).await.problem(404, "not_found");
    posts(&ada, &room, "", &[&media]).await;
    let posted = bobs.event("message.posted").await;
    let shown = posted["data"]["attachments"][0]["url"].as_str().unwrap();
    assert!(fetch(&place, shown, &[]).await.bytes == content);
    let posted = bob.resume(&position).await.event("message.posted").await;
    assert!(posted["data"]["attachments"][0]["url"].as_str().unwrap().starts_with(&store));
    let led = bob.ask("GET", &format!("{path}/content")).header("accept", "application/json");
    let led = led.send().await.ok(200);
    assert_eq!(led["url"], bob.get(&path).await.ok(200)["url"]);
    assert!(fetch(&place, led["url"].as_str().unwrap(), &[]).await.bytes == content);
}

async fn what_is_uploaded_is_what_was_announced(bed: Bucketed) {
    let place = bed.place().clone();
    let ada = Person::register(&place, "ada").await;
    let refused = async |id: &str, pointer: &str| {
        let asked = ada.post(&format!("/v1/media/{id}/complete"), json!({})).await;
        assert_eq!(asked.problem(400, "validation_failed")["errors"][0]["pointer"], pointer);
        ada.get(&format!("/v1/media/{id}")).await.problem(404, "not_found");
    };
    let (id, url) = request(&ada, "a.txt", "text/plain", 5).await;
    let complete = format!("/v1/media/{id}/complete");
    ada.post(&complete, json!({})).await.problem(409, "conflict");
    for wrong in [&b"sixsix"[..], b"four"] {
        // A store that does not hold to the length that was signed is found out.
        match put_as(&place, &url, "text/plain", wrong).await {
            200 => refused(&id, "/size").await,
            status => {
                assert_eq!(status, 403);
                ada.post(&complete, json!({})).await.problem(409, "conflict");
            }
        }
    }
    assert_eq!(put_as(&place, &url, "text/plain", b"first").await, 200);
    assert_eq!(put_as(&place, &url, "text/plain", b"right").await, 200);
    let media = ada.post(&complete, json!({})).await.ok(200);
    assert_eq!(media["sha256"], sha256(b"right"));
    // Its holder may still upload, and changes nothing.
    assert_eq!(put_as(&place, &url, "text/plain", b"later").await, 200);
    assert_eq!(ada.post(&complete, json!({})).await.ok(200)["sha256"], media["sha256"]);
    assert_eq!(fetch(&place, media["url"].as_str().unwrap(), &[]).await.bytes, b"right");
    let body = json!({"filename": "x", "content_type": ANY, "size": 5, "sha256": sha256(b"other")});
    let made = ada.post("/v1/media", body).await.ok(201);
    let (id, url) = (made["media_id"].as_str().unwrap(), made["upload"]["url"].as_str().unwrap());
    assert_eq!(put_as(&place, url, ANY, b"right").await, 200);
    refused(id, "/sha256").await;
    assert_eq!(put_as(&place, url, ANY, b"other").await, 200);
    ada.post(&format!("/v1/media/{id}/complete"), json!({})).await.ok(200);
    let page = b"<!doctype html><script>alert(1)</script>".to_vec();
    for (kind, content) in [
        ("image/png", page.clone()),
        ("image/gif", [b"GIF89a/*".to_vec(), page.clone()].concat()),
        ("image/png", png(20, b"Comment\0x")[..60].to_vec()),
        ("text/plain", b"\x7fELF\x02\x01\x01\0".to_vec()),
        ("application/pdf", page),
    ] {
        let (id, url) = request(&ada, "x", kind, content.len()).await;
        assert_eq!(put_as(&place, &url, kind, &content).await, 200);
        refused(&id, "/content_type").await;
    }
}

async fn files_are_cleaned_and_shown_as_they_may_be(bed: Bucketed) {
    let place = bed.place().clone();
    let ada = Person::register(&place, "ada").await;
    for (name, kind, content, shown) in [
        ("a.html", "text/html", &b"<html><script>alert(1)</script>"[..], "attachment"),
        ("a.svg", "image/svg+xml", b"<svg xmlns='x' onload='alert(1)'/>", "attachment"),
        ("a.pdf", "application/pdf", b"%PDF-1.7", "attachment"),
        ("\u{e9} \"q\".bin", ANY, b"\0\x01", "attachment"),
        ("a.txt", "text/plain", b"words", "inline"),
    ] {
        let media = upload(&ada, name, kind, content).await;
        let url = media["url"].as_str().unwrap();
        let got = fetch(&place, url, &[]).await;
        assert_eq!(got.bytes, content, "{name}");
        assert!(got.header("content-disposition").starts_with(shown), "{name}");
        assert!(got.header("content-type").starts_with(kind), "{}", got.header("content-type"));
    }
    let mut image = png(700, b"Comment\0GPS 52.5N 13.4E");
    image.extend_from_slice(b"PK\x03\x04 hidden behind the end");
    let media = upload(&ada, "photo.png", "image/png", &image).await;
    assert_eq!((&media["width"], &media["height"]), (&json!(700), &json!(700)));
    let got = fetch(&place, media["url"].as_str().unwrap(), &[]).await;
    let says = |what: &[u8]| got.bytes.windows(what.len()).any(|window| window == what);
    assert!(!says(b"GPS") && !says(b"PK\x03\x04"));
    assert_eq!(
        (&media["size"], &media["sha256"]),
        (&json!(got.bytes.len()), &json!(sha256(&got.bytes)))
    );
    let small = media["thumbnail_url"].as_str().unwrap();
    assert!(small.starts_with(&bed.store.origin()), "{small}");
    let small = fetch(&place, small, &[]).await;
    assert_eq!((small.status, small.header("content-type")), (200, "image/jpeg"));
    assert!(small.bytes.starts_with(b"\xff\xd8\xff"));
    // A profile picture is a path of this server, so that its URL stays.
    let me = ada.patch("/v1/users/me", json!({"avatar_media_id": media["id"]})).await.ok(200);
    let avatar = fetch(&place, me["avatar_url"].as_str().unwrap(), &[]).await;
    assert_eq!((avatar.status, avatar.header("content-type")), (200, "image/jpeg"));
    assert!(avatar.bytes == small.bytes && avatar.header("cache-control").contains("immutable"));
    assert!(avatar.header("etag").len() > 10, "{}", avatar.header("etag"));
    // Pages of the app may show what lies there.
    let page = fetch(&place, "/search", &[]).await;
    if page.status == 200 {
        let policy = page.header("content-security-policy");
        for what in ["img-src 'self' blob:", "media-src 'self' blob:", "connect-src 'self'"] {
            assert!(policy.contains(&format!("{what} {};", bed.store.origin())), "{policy}");
        }
    }
}

async fn a_file_goes_with_its_last_message_and_with_its_owner(bed: Bucketed) {
    let place = bed.place().clone();
    // The first account is the last admin's, which stays.
    place.found().await;
    let ada = Person::register(&place, "ada").await;
    let bob = Person::register(&place, "bob").await;
    let room = ada.group(&[&bob]).await;
    let media = upload(&ada, "a.txt", "text/plain", b"words").await;
    let url = media["url"].as_str().unwrap();
    let first = id_of(&posts(&ada, &room, "one", &[&media]).await);
    let second = id_of(&posts(&ada, &room, "two", &[&media]).await);
    let kept = upload(&bob, "b.txt", "text/plain", b"of bob").await;
    posts(&bob, &room, "three", &[&kept]).await;
    bed.holds("what was stored, and no upload", &[key_of(&media), key_of(&kept)]).await;
    assert_eq!(ada.delete(&format!("/v1/messages/{first}")).await.status, 204);
    assert_eq!(fetch(&place, url, &[]).await.status, 200);
    assert_eq!(ada.delete(&format!("/v1/messages/{second}")).await.status, 204);
    bed.holds("the file is gone with its last message", &[key_of(&kept)]).await;
    // To who has no right to list a bucket, what is not there is forbidden.
    assert!([403, 404].contains(&fetch(&place, url, &[]).await.status));
    ada.get(&format!("/v1/media/{}", id_of(&media))).await.problem(404, "not_found");
    let image = upload(&ada, "me.png", "image/png", &png(30, b"Comment\0x")).await;
    let small = format!("tidings/thumbnail/{}", id_of(&image));
    bed.holds("the image is there", &[key_of(&kept), key_of(&image), small]).await;
    let delete = ada.ask("DELETE", "/v1/users/me").json(json!({"password": ada.password}));
    delete.send().await.ok(202);
    bed.holds("the account is gone with its files", &[key_of(&kept)]).await;
    assert_eq!(fetch(&place, kept["url"].as_str().unwrap(), &[]).await.bytes, b"of bob");
}

#[tokio::test]
async fn urls_of_the_store_cannot_be_widened() {
    let Some(bed) = Bucketed::start(Kind::Rclone, &[]).await else { return };
    let place = bed.place().clone();
    let ada = Person::register(&place, "ada").await;
    let one = upload(&ada, "one.html", "text/html", b"<p>one</p>").await;
    let two = upload(&ada, "two.txt", "text/plain", b"two").await;
    let url = one["url"].as_str().unwrap();
    assert_eq!(fetch(&place, url, &[]).await.status, 200);
    let signature = url.split_once("X-Amz-Signature=").unwrap().1;
    for bad in [
        url.split_once('?').unwrap().0.to_owned(),
        url.replace(&id_of(&one), &id_of(&two)),
        url.replace("/file/", "/upload/"),
        url.replace("X-Amz-Expires=7200", "X-Amz-Expires=72000"),
        url.replace("=attachment", "=inline"),
        url.replace("text%2Fhtml", "text%2Fplain"),
        url.replace(signature, &"0".repeat(signature.len())),
        format!("{url}&response-expires=0"),
    ] {
        let got = fetch(&place, &bad, &[]).await;
        assert!(
            [400, 403].contains(&got.status) && got.bytes != b"<p>one</p>",
            "{}: {bad}",
            got.status
        );
    }
    // Who may read may not write, and an upload is of the type and the length that were announced.
    assert!([400, 403].contains(&put_as(&place, url, "text/html", b"<p>two</p>").await));
    let (_, url) = request(&ada, "a.txt", "text/plain", 5).await;
    assert_eq!(put_as(&place, &url, "text/html", b"words").await, 403);
    assert_eq!(put_as(&place, &url, "text/plain", b"words and more").await, 403);
    assert_eq!(fetch(&place, &url, &[]).await.status, 403, "it is for uploads");
    assert_eq!(put_as(&place, &url, "text/plain", b"words").await, 200);
    assert_eq!(fetch(&place, one["url"].as_str().unwrap(), &[]).await.bytes, b"<p>one</p>");
}
