//! Files at an origin of their own: they are read there and nowhere else, and nothing else is there.

use reqwest::Method;
use serde_json::{Value, json};
use tests::kit::files::{Got, client, png, put, request, whole};
use tests::kit::installation::{Installation, Place};
use tests::kit::person::Person;

const APP: &str = "http://chat.test";
const FILES: &str = "http://files.test";

/// Asks as a client that was sent to this host does.
async fn asked(
    place: &Place,
    method: Method,
    path: &str,
    host: &str,
    headers: &[(&str, &str)],
) -> Got {
    let mut request = client().request(method, whole(place, path)).header("host", host);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    Got { status, headers, bytes: answer.bytes().await.unwrap().to_vec() }
}

/// The path of a URL at an origin.
#[track_caller]
fn below(origin: &str, url: &Value) -> String {
    let url = url.as_str().unwrap();
    url.strip_prefix(origin).unwrap_or_else(|| panic!("{url} is not at {origin}")).to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_are_read_at_their_origin_and_nothing_else_is() {
    let flags = ["--public-url", APP, "--media-origin", FILES];
    let installation = Installation::relaxed(&flags);
    let place = installation.place.clone();
    let ada = place.found().await;
    let bob = Person::register(&place, "bob").await;
    let room = ada.group(&[&bob]).await;
    let image = png(700, b"Comment\0x");
    let (id, url) = request(&ada, "a.png", "image/png", image.len()).await;
    let upload = below(APP, &json!(url));
    assert_eq!(put(&place, &upload, &image).await, 204);
    let media = ada.post(&format!("/v1/media/{id}/complete"), json!({})).await.ok(200);
    let said = json!({"body": "", "attachments": [id]});
    ada.post(&format!("/v1/rooms/{room}/messages"), said).await.ok(201);

    let seen = &bob.messages(&room).await[0]["attachments"][0];
    assert_eq!((&seen["url"], &seen["thumbnail_url"]), (&media["url"], &media["thumbnail_url"]));
    let led =
        bob.ask("GET", &format!("/v1/media/{id}/content")).header("accept", "application/json");
    assert_eq!(led.send().await.ok(200)["url"], media["url"]);
    for url in [&media["url"], &media["thumbnail_url"]] {
        let path = below(FILES, url);
        let got = asked(&place, Method::GET, &path, "files.test", &[("range", "bytes=1-3")]).await;
        assert_eq!((got.status, got.bytes.len()), (206, 3), "{path}");
        assert!(got.header("content-security-policy").contains("sandbox"), "{path}");
        // Pages of the app may read it, and no others.
        let read = [("origin", APP)];
        let got = asked(&place, Method::GET, &path, "files.test", &read).await;
        assert_eq!((got.status, got.header("access-control-allow-origin")), (200, APP));
        let evil = [("origin", "http://evil.test")];
        let got = asked(&place, Method::GET, &path, "files.test", &evil).await;
        assert_eq!((got.status, got.header("access-control-allow-origin")), (200, ""));
        let other = path.replace("signature=", "signature=x");
        assert_eq!(asked(&place, Method::GET, &other, "files.test", &[]).await.status, 403);
        for host in ["chat.test", "files.test.evil", "files.test:81"] {
            let got = asked(&place, Method::GET, &path, host, &[]).await;
            assert_eq!(got.status, 404, "{host}: {path}");
        }
    }

    let token = format!("Bearer {}", ada.access);
    let own = [("authorization", token.as_str())];
    for (method, path) in [
        (Method::GET, "/"),
        (Method::GET, "/v1/users/me"),
        (Method::POST, "/v1/sessions"),
        (Method::GET, "/v1/ws"),
        (Method::GET, "/openapi.json"),
        (Method::PUT, upload.as_str()),
        (Method::OPTIONS, "/v1/rooms"),
    ] {
        let got = asked(&place, method.clone(), path, "files.test", &own).await;
        assert_eq!(got.status, 404, "{method} {path}");
    }
    assert_eq!(asked(&place, Method::GET, "/v1/users/me", "chat.test", &own).await.status, 200);
    let page = asked(&place, Method::GET, "/", "chat.test", &[]).await;
    let policy = page.header("content-security-policy");
    assert!(page.status == 404 || policy.contains(&format!("img-src 'self' blob: {FILES};")));
}
