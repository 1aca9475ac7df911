//! HTTP/1.1 as clients speak it, byte by byte where no library would.

use std::process::Command;

use serde_json::Value;
use tests::kit::installation::Place;
use tests::kit::kept::{Answer, Kept};
use tests::kit::person::Person;
use tests::kit::root;

here!(
    offers_to_leave_http_are_ignored,
    a_socket_is_opened_among_other_offers,
    javas_own_client_posts_without_a_failure,
    http_details_that_clients_rely_on,
    bodies_and_headers_as_clients_and_proxies_make_them,
);

/// What the answer says of the connection: that it stays open.
#[track_caller]
fn is_kept(answer: &Answer, what: &str) {
    assert_eq!(answer.header("connection"), None, "{what}: {}", answer.head);
    assert_eq!(answer.header("upgrade"), None, "{what}: {}", answer.head);
}

fn post(ada: &Person, room: &str, headers: &str, body: &str) -> String {
    format!(
        "POST /v1/rooms/{room}/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n{headers}\r\n{body}",
        ada.access,
        body.len()
    )
}

async fn offers_to_leave_http_are_ignored(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let java = "Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\nUpgrade: h2c\r\n";
    let offers = [
        java,
        "connection: upgrade\r\nupgrade: TLS/1.0\r\n",
        "connection: keep-alive, Upgrade\r\nupgrade: websocket\r\n",
        "Connection: upgrade\r\nUpgrade: websocket, h2c\r\n",
        "connection: upgrade\r\n",
        "upgrade: h2c\r\n",
        "connection: upgrade\r\nconnection: keep-alive\r\nupgrade: h2c\r\nupgrade: foo/2\r\n",
    ];
    let mut kept = Kept::to(place.url(0)).await;
    for (number, offer) in offers.iter().enumerate() {
        let body = format!("{{\"body\": \"{number} upgrade: h2c\"}}");
        let answer = kept.ask(&post(&ada, &room, offer, &body)).await;
        assert_eq!(answer.status, 201, "{offer}: {}", answer.body);
        is_kept(&answer, offer);
        let chunked = post(&ada, &room, offer, "").replace("content-length: 0\r\n", "");
        let chunked = chunked.replace("host: x\r\n", "host: x\r\ntransfer-encoding: chunked\r\n");
        let answer = kept
            .ask(&format!("{chunked}3\r\n{{\"b\r\nf\r\nody\": \"pieces\"}}\r\n0\r\n\r\n"))
            .await;
        assert_eq!(answer.status, 201, "{offer}: {}", answer.body);
        for (method, path, status) in [
            ("GET", "/v1/users/me", 200),
            ("HEAD", "/v1/users/me", 200),
            ("OPTIONS", "/v1/rooms", 204),
            ("DELETE", "/v1/users/me/nothing", 404),
            ("GET", "/v1/ws", 400),
            ("POST", "/v1/ws", 405),
        ] {
            if path == "/v1/ws" && method == "GET" && offer.contains("websocket") {
                continue;
            }
            let bearer = &ada.access;
            let request = format!(
                "{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {bearer}\r\n{offer}\r\n"
            );
            let answer = kept.ask(&request).await;
            assert_eq!(answer.status, status, "{method} {path} {offer}: {}", answer.body);
            is_kept(&answer, offer);
        }
    }
    // The session sees what it wrote, over whichever connection.
    let seen = ada.ask("GET", &format!("/v1/rooms/{room}")).once().await.ok(200);
    assert_eq!(seen["message_count"], offers.len() * 2);
}

async fn a_socket_is_opened_among_other_offers(place: Place) {
    for offer in [
        "connection: upgrade\r\nupgrade: websocket, h2c\r\n",
        "Connection: keep-alive, Upgrade\r\nUpgrade: h2c, WebSocket\r\n",
    ] {
        let mut kept = Kept::to(place.url(0)).await;
        let request = format!(
            "GET /v1/ws HTTP/1.1\r\nhost: x\r\n{offer}sec-websocket-version: 13\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        let answer = kept.ask(&request).await;
        assert_eq!(answer.status, 101, "{}", answer.head);
        assert_eq!(answer.header("sec-websocket-accept"), Some("s3pplmbitxaq9kygzzhzrbk+xoo="));
    }
}

/// 600 posts over few connections, one after the other and several at once.
#[expect(clippy::print_stderr, reason = "who reads the test's output is to know what was left out")]
async fn javas_own_client_posts_without_a_failure(place: Place) {
    if Command::new("java").arg("-version").output().is_err() {
        eprintln!("SKIPPED: there is no java here; only the bytes it sends were tried");
        return;
    }
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let url = format!("{}/v1/rooms/{room}/messages", place.url(0));
    let program = root().join("tests/java/Posts.java");
    for (count, at_once) in [("300", "1"), ("300", "8")] {
        let (url, access, program) = (url.clone(), ada.access.clone(), program.clone());
        let posting = move || {
            let mut java = Command::new("java");
            java.arg(program).args([&url, &access, count, at_once]).output().unwrap()
        };
        let output = tokio::task::spawn_blocking(posting).await.unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{at_once} at once: {said}{error}");
    }
    let seen = ada.ask("GET", &format!("/v1/rooms/{room}")).once().await.ok(200);
    assert_eq!(seen["message_count"], 600);
}

async fn http_details_that_clients_rely_on(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let mut kept = Kept::to(place.url(0)).await;
    let bearer = format!("authorization: Bearer {}\r\n", ada.access);
    // A client that waits for 100 before it sends a body (curl does for large ones).
    let request = post(&ada, &room, "Expect: 100-continue\r\n", "{\"body\": \"patient\"}");
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let answer = kept.ask(&format!("{head}\r\n\r\n")).await;
    assert_eq!(answer.status, 100);
    assert_eq!(kept.ask(body).await.status, 201);
    // HEAD is GET without a body, and OPTIONS says what there is.
    let get = kept.ask(&format!("GET /v1/users/me HTTP/1.1\r\nhost: x\r\n{bearer}\r\n")).await;
    let head = kept.ask(&format!("HEAD /v1/users/me HTTP/1.1\r\nhost: x\r\n{bearer}\r\n")).await;
    assert_eq!((head.status, head.header("content-length")), (200, get.header("content-length")));
    let options = kept.ask("OPTIONS /v1/rooms HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!((options.status, options.header("allow")), (204, Some("post, get, head, options")));
    // Several requests at once are answered in their order.
    let several: String = (0..5)
        .map(|n| {
            post(
                &ada,
                &room,
                "connection: upgrade\r\nupgrade: h2c\r\n",
                &format!("{{\"body\": \"{n}\"}}"),
            )
        })
        .collect();
    kept.write(several.as_bytes()).await;
    for number in 0..5 {
        let answer = kept.answer(false).await;
        let said: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(said["body"], number.to_string());
    }
    // A client that wants the connection closed gets that, with or without an offer.
    let last =
        "GET /livez HTTP/1.1\r\nhost: x\r\nconnection: upgrade, close\r\nupgrade: h2c\r\n\r\n";
    assert_eq!(kept.ask(last).await.header("connection"), Some("close"));
}

async fn bodies_and_headers_as_clients_and_proxies_make_them(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let mut kept = Kept::to(place.url(0)).await;
    let bearer = format!("authorization: Bearer {}\r\n", ada.access);
    let json = "content-type: application/json\r\n";
    let plain = post(&ada, &room, "", "{\"body\": \"x\"}");
    let called = |kind: &str| plain.replace(json, &format!("content-type: {kind}\r\n"));
    let beside = |line: &str| plain.replace(json, &format!("{json}{line}"));
    let asked = [
        (called("application/json; charset=utf8"), 201),
        (called("application/json;odata=verbose; charset=\"UTF-8\";"), 201),
        (called("application/json; charset=utf-16"), 415),
        (beside("content-encoding: identity\r\n"), 201),
        (beside("content-encoding: gzip\r\n"), 415),
        // Of two a proxy in front may have judged the other.
        (beside(json), 400),
        (beside(&bearer), 400),
        (beside("authorization: Bearer x\r\n"), 400),
        (beside("idempotency-key: a\r\nidempotency-key: b\r\n"), 400),
        (plain.clone(), 201),
    ];
    for (request, status) in asked {
        let answer = kept.ask(&request).await;
        assert_eq!(answer.status, status, "{request}: {}", answer.body);
    }
    let seen = ada.ask("GET", &format!("/v1/rooms/{room}")).once().await.ok(200);
    assert_eq!(seen["message_count"], 4);
}
