//! Whatever is wrong with a request is answered by a problem that says what.

use reqwest::Method;
use serde_json::json;

use crate::kit::{Kit, problem};

#[tokio::test]
async fn what_is_not_there_and_what_cannot_be_there_answer_alike() {
    let kit = Kit::start().await;
    let mut bodies = Vec::new();
    for path in [
        "/v1/rooms/room_00000000000000000000000000",
        "/v1/rooms/*",
        "/v1/rooms/%3E",
        "/v1/rooms/a.b",
        "/v1/rooms/%0d%0aX-Injected:1",
        "/v1/rooms/usr_00000000000000000000000000",
        "/v1/rooms/$JS.API.STREAM.DELETE.EVENTS_test",
        &format!("/v1/rooms/{}", "a".repeat(10_000)),
    ] {
        let (status, code, mut body) = problem(kit.get(path, 1).await).await;
        assert_eq!((status, code.as_str()), (404, "not_found"), "{path}");
        body["trace_id"] = json!("");
        bodies.push(body);
    }
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "{bodies:?}");
    let (status, code, _) = problem(kit.get("/v1/nothing", 1).await).await;
    assert_eq!((status, code.as_str()), (404, "not_found"));
}

#[tokio::test]
async fn another_method_is_refused_with_those_there_are() {
    let kit = Kit::start().await;
    let response = kit.request(Method::PUT, "/v1/rooms").send().await.unwrap();
    let allow = response.headers()["allow"].to_str().unwrap().to_owned();
    assert_eq!(allow, "POST, GET, HEAD, OPTIONS");
    assert_eq!(problem(response).await.1, "method_not_allowed");
    let head = kit.request(Method::HEAD, "/").send().await.unwrap();
    assert_eq!(head.status(), 200);
    assert!(head.bytes().await.unwrap().is_empty());
}

#[tokio::test]
async fn bodies_are_json_of_a_bounded_size() {
    let kit = Kit::start().await;
    let send = async |kind: &str, body: String| {
        let request = kit.request(Method::POST, "/v1/rooms").bearer_auth(kit.token(1));
        let response = request.header("content-type", kind).body(body).send().await.unwrap();
        let (status, code, _) = problem(response).await;
        (status, code)
    };
    let json = "application/json";
    assert_eq!(send("text/plain", "{}".into()).await, (415, "unsupported_media_type".into()));
    let form = "application/x-www-form-urlencoded";
    assert_eq!(send(form, "a=b".into()).await.0, 415);
    for bad in ["{", "[]", "1e400", r#"{"kind":"group","kind":"group","name":"x"}"#, "\u{0}"] {
        assert_eq!(send(json, bad.into()).await, (400, "validation_failed".into()), "{bad}");
    }
    assert_eq!(send(json, "[".repeat(10_000)).await.0, 400);
    let large = format!(r#"{{"kind":"group","name":"{}"}}"#, "x".repeat(300_000));
    assert_eq!(send(json, large).await, (413, "payload_too_large".into()));
}

#[tokio::test]
async fn every_field_at_fault_is_named() {
    let kit = Kit::start().await;
    let body = json!({"kind": "club", "members": ["@x y", 7], "id": "room_1", "created_by": null});
    let (status, _, body) = problem(kit.post("/v1/rooms", 1, &body).await).await;
    assert_eq!(status, 400);
    let errors = body["errors"].as_array().unwrap();
    let mut pointers: Vec<&str> =
        errors.iter().filter_map(|error| error["pointer"].as_str()).collect();
    pointers.sort_unstable();
    assert_eq!(pointers, ["/created_by", "/id", "/kind", "/members/0", "/members/1", "/name"]);
}

#[tokio::test]
async fn queries_are_as_strict_as_bodies_and_hold_no_tokens() {
    let kit = Kit::start().await;
    for bad in [
        "/v1/rooms?limit=0",
        "/v1/rooms?limit=1000000000",
        "/v1/rooms?cursor=AAAA",
        "/v1/rooms?cursor=%00",
        "/v1/rooms?nonsense=1",
        "/v1/rooms?visibility=private",
        "/v1/rooms?visibility=public&limit=1&limit=2",
        "/v1/users",
        "/v1/users?username=a&query=b",
        "/v1/users/me?x",
        "/v1/notifications?unread=maybe",
    ] {
        let (status, code, _) = problem(kit.get(bad, 1).await).await;
        assert_eq!((status, code.as_str()), (400, "validation_failed"), "{bad}");
    }
    for name in ["token", "access_token", "ACCESS_TOKEN"] {
        let path = format!("/v1/rooms?{name}={}", kit.token(1));
        let (status, _, body) = problem(kit.get(&path, 1).await).await;
        assert_eq!(status, 400);
        assert!(!body.to_string().contains(&kit.token(1)));
    }
}

#[tokio::test]
async fn a_read_waits_for_its_position_or_says_that_it_cannot() {
    let kit = Kit::start().await;
    let read = async |position: &str| {
        let request = kit.request(Method::GET, "/v1/rooms").bearer_auth(kit.token(1));
        request.header("tidings-min-position", position).send().await.unwrap()
    };
    let epoch = kit.log.epoch();
    assert_eq!(read(&epoch.at(0).to_string()).await.status(), 200);
    for bad in ["", "7", "other:0", "e:-1", "x"] {
        assert_eq!(problem(read(bad).await).await.1, "validation_failed", "{bad}");
    }
    let late = read(&epoch.at(1_000).to_string()).await;
    assert_eq!(late.headers()["retry-after"], "1");
    assert_eq!(problem(late).await.1, "projection_lagging");
}

#[tokio::test]
async fn pages_of_foreign_origins_are_granted_nothing() {
    let kit = Kit::start().await;
    let ask = async |origin: String| {
        let request = kit.request(Method::OPTIONS, "/v1/rooms").header("origin", origin);
        request.send().await.unwrap()
    };
    let own = ask(kit.url.clone()).await;
    assert_eq!(own.status(), 204);
    assert_eq!(own.headers()["access-control-allow-origin"], kit.url.as_str());
    assert!(own.headers()["access-control-allow-methods"].to_str().unwrap().contains("POST"));
    let foreign = ask("https://evil.example".to_owned()).await;
    assert!(!foreign.headers().contains_key("access-control-allow-origin"));
}
