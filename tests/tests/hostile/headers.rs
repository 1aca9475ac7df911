//! What could reach a header of a NATS message: line ends and length.

use serde_json::json;
use tests::kit::http::raw;
use tests::kit::installation::Place;
use tests::kit::lasting;
use tests::kit::person::Person;

use crate::aftermath::{UNSPEAKABLE, events_of};

cases!(client_ids, request_headers, smuggled_requests);

async fn client_ids(place: Place) {
    let installation = lasting::one_process_installation().await;
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let path = format!("/v1/rooms/{room}/messages");
    let mut socket = ada.connect().await;
    let before = events_of(installation, &ada).await;
    for bad in [
        String::new(),
        "with space".to_owned(),
        "cr\rlf".to_owned(),
        "a\r\nNats-Rollup: all".to_owned(),
        "a\nNats-TTL: 1".to_owned(),
        "a\r\n\r\nbody".to_owned(),
        "nul\0".to_owned(),
        "tab\t".to_owned(),
        "ü".to_owned(),
        "\u{2028}".to_owned(),
        "x".repeat(129),
        "x".repeat(64 * 1024),
    ] {
        let body = json!({"body": UNSPEAKABLE, "client_id": bad});
        ada.post(&path, body).await.problem(400, "validation_failed");
        if bad.len() < 60_000 {
            let answer = socket.post_as(&room, &bad, UNSPEAKABLE).await;
            assert_eq!(answer["error"]["code"], "validation_failed", "{answer}");
        }
    }
    assert_eq!(events_of(installation, &ada).await, before, "nothing was stored");
    // The widest there may be works.
    let widest = format!("!#$%&'()*+,-./:;<=>?@[]^_`{{|}}~{}", "w".repeat(110));
    let posted = socket.post_as(&room, &widest[..128], UNSPEAKABLE).await;
    assert_eq!(posted["result"]["client_id"], widest[..128], "{posted}");
}

async fn request_headers(place: Place) {
    let installation = lasting::one_process_installation().await;
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let before = events_of(installation, &ada).await;
    let long = "x".repeat(64 * 1024);
    let body = json!({"body": UNSPEAKABLE}).to_string();
    let send = async |line: &str| {
        let request = format!(
            "POST /v1/rooms/{room}/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n{line}\r\n\
             connection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            ada.access,
            body.len()
        );
        raw(place.url(0), request.as_bytes()).await
    };
    for name in [
        "idempotency-key",
        "traceparent",
        "tracestate",
        "user-agent",
        "tidings-min-position",
        "x-request-id",
    ] {
        // This is too large for the head of a request, whatever it says.
        let (status, text) = send(&format!("{name}: {long}")).await;
        assert!([400, 413, 431].contains(&status), "{name}: {text:.300}");
        for line_end in ["a\r\n b", "a\r b", "a\0b", "a\r\n\tNats-Rollup: all"] {
            let (status, text) = send(&format!("{name}: {line_end}")).await;
            assert_eq!(status, 400, "{name}: {line_end:?}: {text:.300}");
        }
    }
    for bad in ["", " ", "a b", "\u{fc}", &"k".repeat(129)] {
        let (status, text) = send(&format!("idempotency-key: {bad}")).await;
        assert_eq!(status, 400, "{bad}: {text}");
    }
    assert_eq!(events_of(installation, &ada).await, before, "nothing was stored");
    traces_of_nothing(&ada).await;
    // Headers with a meaning in NATS have none here.
    for line in
        ["nats-rollup: all", "nats-ttl: 1s", "nats-msg-id: x", "nats-expected-last-sequence: 0"]
    {
        let (status, text) = send(line).await;
        assert_eq!(status, 201, "{line}: {text}");
    }
    assert_eq!(events_of(installation, &ada).await, before + 4);
    assert_eq!(ada.messages(&room).await.len(), 4);
}

/// A header that names no trace begins a new one; it is no error.
async fn traces_of_nothing(ada: &Person) {
    for bad in [
        "x",
        "00-00000000000000000000000000000000-0000000000000000-01",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0AF7651916CD43DD8448EB211C80319C-B7AD6B7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        "00-*-b7ad6b7169203331-01",
        &"0".repeat(5_000),
    ] {
        let reply = ada.ask("GET", "/v1/users/me").header("traceparent", bad).once().await;
        let trace = reply.header("tidings-trace").to_owned();
        assert_eq!(trace.len(), 32, "{bad:.80}");
        assert!(trace.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase()), "{trace}");
        assert_ne!(trace, "0".repeat(32));
        reply.ok(200);
    }
}

async fn smuggled_requests(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let within = "GET /v1/admin/users HTTP/1.1\r\nhost: x\r\n\r\n";
    for head in [
        "content-length: 5\r\ncontent-length: 6\r\n",
        "content-length: +5\r\n",
        "content-length: -1\r\n",
        "content-length: 5, 5\r\n",
        "content-length: 99999999999999999999\r\n",
        "content-length: 0x5\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding: \x0bchunked\r\n",
        "transfer-encoding: xchunked\r\n",
        "transfer-encoding : chunked\r\n",
        "\x01: x\r\n",
        "no colon\r\n",
    ] {
        let request = format!(
            "POST /v1/direct HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
             connection: close\r\n{head}\r\n0\r\n\r\n{within}",
            ada.access
        );
        let mut wire = crate::wire::Wire::connect(&place).await;
        wire.write(request.as_bytes()).await;
        let text = wire.end(std::time::Duration::from_secs(20)).await;
        assert!(
            text.starts_with("HTTP/1.1 4") || text.starts_with("HTTP/1.1 501"),
            "{head:?}: {text}"
        );
        assert_eq!(
            text.matches("HTTP/1.1 ").count(),
            1,
            "one request, one answer; {head:?}: {text}"
        );
    }
    for request in [
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET /\0 HTTP/1.1\r\n\r\n",
        "GET http://evil.example/v1/users/me HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnonsense\r\n\r\n",
    ] {
        let mut wire = crate::wire::Wire::connect(&place).await;
        wire.write(request.as_bytes()).await;
        let said = wire.end(std::time::Duration::from_secs(20)).await;
        assert!(!said.contains("HTTP/1.1 2"), "{request:?}: {said}");
    }
}
