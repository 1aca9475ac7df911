//! Files: uploading, attaching, reading, and that they go.

use data_encoding::HEXLOWER;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tests::kit::files::{bytes, client, fetch, png, posts, put, request, upload, whole};
use tests::kit::installation::Place;
use tests::kit::person::{Person, Stranger, id_of, items};
use tests::kit::until;

everywhere!(
    a_file_is_uploaded_attached_and_read_by_those_who_may,
    parts_of_a_file_are_read,
    a_file_is_given_under_the_conditions_that_are_set,
    what_is_uploaded_is_what_was_announced,
    uploads_are_repeated_and_never_changed_once_they_are_completed,
    a_url_is_for_one_thing_only,
    a_file_goes_with_its_last_message,
    a_report_keeps_a_file_until_it_is_handled,
);

fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

async fn a_file_is_uploaded_attached_and_read_by_those_who_may(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let bob = Person::register_at(&place, 1, "bob").await;
    let eve = Person::register(&place, "eve").await;
    let room = ada.group(&[&bob]).await;
    let content = bytes(700_000);
    let media = upload(&ada, "notes.bin", "application/octet-stream", &content).await;
    let id = id_of(&media);
    assert_eq!(media["filename"], "notes.bin");
    assert_eq!(media["size"], 700_000);
    assert_eq!(media["sha256"], sha256(&content));
    let path = format!("/v1/media/{id}");
    assert_eq!(ada.get(&path).await.ok(200)["id"], media["id"]);
    bob.get(&path).await.problem(404, "not_found");
    Stranger::new(&place).get(&path).await.problem(401, "unauthenticated");
    let said = posts(&ada, &room, "", &[&media]).await;
    assert_eq!(said["body"], "");
    assert_eq!(said["attachments"][0]["id"], media["id"]);
    let read = bob.messages(&room).await;
    let shown = &read.last().unwrap()["attachments"][0];
    assert_eq!((&shown["sha256"], &shown["size"]), (&media["sha256"], &media["size"]));
    assert_eq!(bob.get(&path).await.ok(200)["sha256"], media["sha256"]);
    for what in ["", "/content", "/thumbnail"] {
        eve.get(&format!("{path}{what}")).await.problem(404, "not_found");
    }
    let got = fetch(&place, shown["url"].as_str().unwrap(), &[]).await;
    assert_eq!((got.status, got.bytes == content), (200, true));
    assert_eq!(got.header("etag"), format!("\"{}\"", sha256(&content)));
    assert_eq!(got.header("x-content-type-options"), "nosniff");
    let led = bob.ask("GET", &format!("{path}/content")).header("accept", "application/json");
    let led = led.send().await.ok(200);
    assert_eq!(led["url"], bob.get(&path).await.ok(200)["url"]);
    // Out of the room, out of sight.
    bob.delete(&format!("/v1/rooms/{room}/members/me")).await;
    bob.get(&path).await.problem(404, "not_found");
}

async fn parts_of_a_file_are_read(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let content = bytes(600_000);
    let media = upload(&ada, "film.mp4x", "application/octet-stream", &content).await;
    let url = media["url"].as_str().unwrap().to_owned();
    for (range, from, to) in [
        ("bytes=0-0", 0, 1),
        ("bytes=262143-262145", 262_143, 262_146),
        ("bytes=599990-", 599_990, 600_000),
        ("bytes=-7", 599_993, 600_000),
        ("bytes=0-9999999", 0, 600_000),
    ] {
        let got = fetch(&place, &url, &[("range", range)]).await;
        assert_eq!(got.status, 206, "{range}");
        assert!(got.bytes == content[from..to], "{range}");
        assert_eq!(got.header("content-range"), format!("bytes {from}-{}/600000", to - 1));
    }
    let got = fetch(&place, &url, &[("range", "bytes=1-3,300000-300001")]).await;
    assert_eq!(got.status, 206);
    let kind = got.header("content-type").to_owned();
    let boundary = kind.strip_prefix("multipart/byteranges; boundary=").unwrap();
    let text = [
        format!("--{boundary}\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes 1-3/600000\r\n\r\n").as_bytes(),
        &content[1..4],
        format!("\r\n--{boundary}\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes 300000-300001/600000\r\n\r\n").as_bytes(),
        &content[300_000..300_002],
        format!("\r\n--{boundary}--\r\n").as_bytes(),
    ]
    .concat();
    assert_eq!(got.bytes.strip_prefix(b"\r\n"), Some(text.as_slice()));
    let got = fetch(&place, &url, &[("range", "bytes=600000-")]).await;
    assert_eq!((got.status, got.header("content-range")), (416, "bytes */600000"));
    let etag = format!("\"{}\"", sha256(&content));
    let same = fetch(&place, &url, &[("if-none-match", &etag)]).await;
    assert_eq!((same.status, same.bytes.len()), (304, 0));
    let other = fetch(&place, &url, &[("range", "bytes=0-1"), ("if-range", "\"other\"")]).await;
    assert_eq!((other.status, other.bytes.len()), (200, 600_000));
    // Of parts HEAD knows nothing.
    let head = client().head(whole(&place, &url)).header("range", "bytes=0-1");
    let head = head.send().await.unwrap();
    assert_eq!(head.headers()["content-length"], "600000");
    assert_eq!(head.headers()["accept-ranges"], "bytes");
}

async fn a_file_is_given_under_the_conditions_that_are_set(place: Place) {
    const LONG_AGO: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    let ada = Person::register(&place, "ada").await;
    let content = bytes(5_000);
    let media = upload(&ada, "a.bin", "application/octet-stream", &content).await;
    let url = media["url"].as_str().unwrap();
    let first = fetch(&place, url, &[]).await;
    let (etag, date) = (first.header("etag"), first.header("last-modified"));
    assert!(date.ends_with(" GMT"), "{date}");
    let part = ("range", "bytes=1-2");
    for (status, length, headers) in [
        (200, 5_000, [("if-match", etag), ("if-unmodified-since", LONG_AGO)].as_slice()),
        (200, 5_000, &[("if-match", "*")]),
        (412, 0, &[("if-match", "\"other\"")]),
        (412, 0, &[("if-match", &format!("W/{etag}"))]),
        (412, 0, &[("if-match", "\"other\""), ("if-none-match", etag)]),
        (412, 0, &[("if-unmodified-since", LONG_AGO), part]),
        (200, 5_000, &[("if-unmodified-since", date)]),
        (200, 5_000, &[("if-unmodified-since", "yesterday")]),
        (304, 0, &[("if-none-match", &format!("\"other\", W/{etag}"))]),
        (304, 0, &[("if-none-match", etag), part]),
        (200, 5_000, &[("if-none-match", "\"other\""), ("if-modified-since", date)]),
        (304, 0, &[("if-modified-since", date)]),
        (200, 5_000, &[("if-modified-since", LONG_AGO)]),
        (206, 2, &[("if-match", etag), part]),
        (206, 2, &[("if-range", etag), part]),
        (206, 2, &[("if-range", date), part]),
        (200, 5_000, &[("if-range", &format!("W/{etag}")), part]),
        (200, 5_000, &[("if-range", LONG_AGO), part]),
    ] {
        let got = fetch(&place, url, headers).await;
        assert_eq!(got.status, status, "{headers:?}");
        if status == 412 {
            assert_eq!(got.header("content-type"), "application/problem+json");
            let problem: serde_json::Value = serde_json::from_slice(&got.bytes).unwrap();
            assert_eq!(problem["code"], "precondition_failed");
        } else {
            assert_eq!(got.bytes.len(), length, "{headers:?}");
            assert_eq!((got.header("etag"), got.header("last-modified")), (etag, date));
        }
    }
    // Pages of an allowed origin may ask so, and see what they need to.
    let (whole_url, origin) = (whole(&place, url), place.url(0));
    let asked = client().request(reqwest::Method::OPTIONS, &whole_url).header("origin", origin);
    let asked = asked.header("access-control-request-method", "GET").send().await.unwrap();
    let allowed = asked.headers()["access-control-allow-headers"].to_str().unwrap().to_owned();
    assert!(["if-match", "range"].iter().all(|name| allowed.contains(name)), "{allowed}");
    let got = fetch(&place, url, &[("origin", origin)]).await;
    assert!(got.header("access-control-expose-headers").contains("etag"));
    // An upload may be held to that it is the first.
    let (_, url) = request(&ada, "b.txt", "text/plain", 5).await;
    for (status, condition) in [(412, "if-match"), (204, "if-none-match"), (412, "if-none-match")] {
        let put = client().put(whole(&place, &url)).header(condition, "*").body("words");
        assert_eq!(put.send().await.unwrap().status().as_u16(), status, "{condition}");
    }
}

async fn what_is_uploaded_is_what_was_announced(place: Place) {
    let ada = Person::register(&place, "ada").await;
    for wrong in [
        json!({"filename": "../../etc/passwd", "content_type": "text/plain", "size": 1}),
        json!({"filename": "a\\b", "content_type": "text/plain", "size": 1}),
        json!({"filename": "..", "content_type": "text/plain", "size": 1}),
        json!({"filename": "x".repeat(256), "content_type": "text/plain", "size": 1}),
        json!({"filename": "x", "content_type": "text", "size": 1}),
        json!({"filename": "x", "content_type": "text/plain", "size": 0}),
        json!({"filename": "x", "content_type": "text/plain", "size": -1}),
        json!({"filename": "x", "content_type": "text/plain", "size": 1, "sha256": "abc"}),
        json!({"filename": "x", "content_type": "text/plain", "size": 1, "more": 1}),
        json!({"content_type": "text/plain", "size": 1}),
    ] {
        ada.post("/v1/media", wrong).await.problem(400, "validation_failed");
    }
    let large = json!({"filename": "x", "content_type": "text/plain", "size": 100_000_001});
    ada.post("/v1/media", large).await.problem(413, "payload_too_large");
    let (id, url) = request(&ada, "a.txt", "text/plain", 5).await;
    let complete = format!("/v1/media/{id}/complete");
    ada.post(&complete, json!({})).await.problem(409, "conflict");
    assert_eq!(put(&place, &url, b"sixsix").await, 413);
    assert_eq!(put(&place, &url, b"four").await, 400);
    ada.post(&complete, json!({})).await.problem(409, "conflict");
    assert_eq!(put(&place, &url, b"right").await, 204);
    ada.post(&complete, json!({})).await.ok(200);
    // A checksum is held to.
    let body = json!({"filename": "x", "content_type": "text/plain", "size": 5, "sha256": sha256(b"other")});
    let made = ada.post("/v1/media", body).await.ok(201);
    let url = made["upload"]["url"].as_str().unwrap();
    assert_eq!(put(&place, url, b"right").await, 204);
    let complete = format!("/v1/media/{}/complete", made["media_id"].as_str().unwrap());
    let refused = ada.post(&complete, json!({})).await.problem(400, "validation_failed");
    assert_eq!(refused["errors"][0]["pointer"], "/sha256");
    assert_eq!(put(&place, url, b"other").await, 204, "sent again, as it was meant");
    ada.post(&complete, json!({})).await.ok(200);
    // So is the type.
    let page = b"<!doctype html><script>alert(1)</script>".to_vec();
    let polyglot = [b"GIF89a/*".to_vec(), page.clone()].concat();
    let torn = png(20, b"Comment\0x")[..60].to_vec();
    for (kind, content) in [
        ("image/png", page.clone()),
        ("image/gif", polyglot.clone()),
        ("image/png", polyglot),
        ("image/png", torn),
        ("video/mp4", page.clone()),
        ("text/plain", b"\x7fELF\x02\x01\x01\0".to_vec()),
        ("application/pdf", page),
    ] {
        let (id, url) = request(&ada, "x", kind, content.len()).await;
        assert_eq!(put(&place, &url, &content).await, 204);
        let complete = ada.post(&format!("/v1/media/{id}/complete"), json!({})).await;
        let refused = complete.problem(400, "validation_failed");
        assert_eq!(refused["errors"][0]["pointer"], "/content_type", "{kind}");
        ada.get(&format!("/v1/media/{id}")).await.problem(404, "not_found");
    }
}

async fn uploads_are_repeated_and_never_changed_once_they_are_completed(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let bob = Person::register_at(&place, 1, "bob").await;
    let (id, url) = request(&ada, "a.txt", "text/plain", 5).await;
    let complete = format!("/v1/media/{id}/complete");
    assert_eq!(put(&place, &url, b"first").await, 204);
    assert_eq!(put(&place, &url, b"other").await, 204);
    bob.post(&complete, json!({})).await.problem(404, "not_found");
    let media = ada.post(&complete, json!({})).await.ok(200);
    assert_eq!(media["sha256"], sha256(b"other"));
    assert_eq!(ada.post(&complete, json!({})).await.ok(200)["sha256"], media["sha256"]);
    assert_eq!(put(&place, &url, b"third").await, 409);
    let got = fetch(&place, media["url"].as_str().unwrap(), &[]).await;
    assert_eq!(got.bytes, b"other");
    let path = format!("/v1/media/{id}");
    assert_eq!(bob.delete(&path).await.status, 404);
    assert_eq!(ada.delete(&path).await.status, 204);
    assert_eq!(ada.delete(&path).await.status, 204, "a repeat");
    ada.get(&path).await.problem(404, "not_found");
    assert_eq!(fetch(&place, media["url"].as_str().unwrap(), &[]).await.status, 404);
    assert_eq!(put(&place, &url, b"third").await, 404);
    ada.post(&complete, json!({})).await.problem(404, "not_found");
}

async fn a_url_is_for_one_thing_only(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let one = upload(&ada, "one.txt", "text/plain", b"one").await;
    let two = upload(&ada, "two.txt", "text/plain", b"two").await;
    let (_, upload_url) = request(&ada, "three.txt", "text/plain", 5).await;
    let url = one["url"].as_str().unwrap();
    assert_eq!(fetch(&place, url, &[]).await.status, 200);
    let (path, query) = url.split_once('?').unwrap();
    let until = query.strip_prefix("until=").unwrap().split('&').next().unwrap();
    let later = (until.parse::<u64>().unwrap() + 1).to_string();
    for bad in [
        path.to_owned(),
        format!("{path}?until={until}&signature=AAAAAAAAAAAAAAAAAAAAAA"),
        url.replace(until, &later),
        url.replace(&id_of(&one), &id_of(&two)),
        url.replace("/file?", "/thumbnail?"),
        url.replace("/file?", "/upload?"),
        upload_url.replace("/upload?", "/file?"),
        format!("{url}&more=1"),
        format!("{url}&until={later}"),
        url.replace(&id_of(&one), "..%2F..%2Fetc"),
    ] {
        let status = fetch(&place, &bad, &[]).await.status;
        assert!([400, 403, 404, 405].contains(&status), "{status}: {bad}");
    }
    let foreign = upload_url.replace("/upload?", "/avatar?");
    assert_eq!(fetch(&place, &foreign, &[]).await.status, 404, "no profile picture");
}

async fn a_file_goes_with_its_last_message(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let media = upload(&ada, "a.txt", "text/plain", b"words").await;
    let (path, url) = (format!("/v1/media/{}", id_of(&media)), media["url"].as_str().unwrap());
    let first = id_of(&posts(&ada, &room, "one", &[&media]).await);
    let second = id_of(&posts(&ada, &room, "two", &[&media]).await);
    ada.delete(&path).await.problem(409, "conflict");
    // A text may be taken from a message that has a file, and the file stays.
    let edited = ada.patch(&format!("/v1/messages/{first}"), json!({"body": ""})).await.ok(200);
    assert_eq!(edited["attachments"][0]["id"], media["id"]);
    assert_eq!(ada.delete(&format!("/v1/messages/{first}")).await.status, 204);
    assert_eq!(fetch(&place, url, &[]).await.status, 200);
    ada.get(&path).await.ok(200);
    assert_eq!(ada.delete(&format!("/v1/messages/{second}")).await.status, 204);
    assert_eq!(fetch(&place, url, &[]).await.status, 404);
    ada.get(&path).await.problem(404, "not_found");
    let deleted = ada.get(&format!("/v1/messages/{second}")).await.ok(200);
    assert_eq!(deleted["attachments"], json!([]));
    let again = json!({"body": "x", "attachments": [media["id"]]});
    let refused = ada.post(&format!("/v1/rooms/{room}/messages"), again).await;
    assert_eq!(refused.problem(400, "validation_failed")["errors"][0]["pointer"], "/attachments/0");
    // Nothing else of others', and nothing twice.
    let bob = Person::register_at(&place, 1, "bob").await;
    let other = upload(&bob, "b.txt", "text/plain", b"words").await;
    let own = upload(&ada, "c.txt", "text/plain", b"words").await;
    for wrong in [json!([other["id"]]), json!([own["id"], own["id"]])] {
        let body = json!({"body": "x", "attachments": wrong});
        let refused = ada.post(&format!("/v1/rooms/{room}/messages"), body).await;
        refused.problem(400, "validation_failed");
    }
    let blank = json!({"body": "", "attachments": []});
    ada.post(&format!("/v1/rooms/{room}/messages"), blank).await.problem(400, "validation_failed");
}

async fn a_report_keeps_a_file_until_it_is_handled(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let bob = Person::register_at(&place, 1, "bob").await;
    let judge = place.admin().await;
    let room = ada.group(&[&bob]).await;
    let media = upload(&ada, "a.txt", "text/plain", b"words").await;
    let said = id_of(&posts(&ada, &room, "look", &[&media]).await);
    let reason = json!({"reason": "advertising"});
    let report = bob.post(&format!("/v1/messages/{said}/reports"), reason).await.ok(201);
    let report = report["id"].as_str().unwrap().to_owned();
    until("the report is listed", async || {
        let open = items(&judge.get("/v1/admin/reports?status=open").await.ok(200));
        open.into_iter().find(|one| one["id"] == json!(report))
    })
    .await;
    assert_eq!(ada.delete(&format!("/v1/messages/{said}")).await.status, 204);
    bob.get(&format!("/v1/media/{}", id_of(&media))).await.problem(404, "not_found");
    let open = items(&judge.get("/v1/admin/reports?status=open").await.ok(200));
    let open = open.into_iter().find(|one| one["id"] == json!(report)).unwrap();
    let url = open["message"]["attachments"][0]["url"].as_str().unwrap();
    assert_eq!(fetch(&place, url, &[]).await.bytes, b"words");
    let handled = json!({"status": "actioned"});
    judge.patch(&format!("/v1/admin/reports/{report}"), handled).await.ok(200);
    assert_eq!(fetch(&place, url, &[]).await.status, 404);
}
