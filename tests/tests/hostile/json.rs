//! JSON that two parsers could read in two ways, or that is too much for any parser.

use serde_json::json;
use tests::kit::http::raw;
use tests::kit::installation::Place;
use tests::kit::person::Person;

use crate::aftermath::UNSPEAKABLE;
use crate::wire::{FIN, TEXT, Wire};

cases!(in_bodies, in_frames, half_an_emoji_in_a_frame);

/// JSON that must not be taken.
fn unacceptable() -> Vec<Vec<u8>> {
    let nested = |open: &str, close: &str| {
        format!("{{\"body\":{}1{}}}", open.repeat(10_000), close.repeat(10_000)).into_bytes()
    };
    let mut all: Vec<Vec<u8>> = [
        &b"{\"body\":1e400}"[..],
        b"{\"body\":-1e400}",
        b"{\"body\":\"\\ud800\"}",
        b"{\"body\":\"\\udc00\\ud800\"}",
        b"{\"b\\ud83d\":\"x\"}",
    ]
    .map(<[u8]>::to_vec)
    .into();
    all.extend([nested("[", "]"), nested("{\"a\":", "}")]);
    all
}

/// Texts that are not JSON.
fn bad() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = [
        &b"{"[..],
        b"",
        b"{\"body\":\"x\"",
        b"{\"body\":\"x\"}}",
        b"{\"body\":\"x\"} {\"body\":\"y\"}",
        b"{'body':'x'}",
        b"{body:\"x\"}",
        b"{\"body\":\"x\",}",
        b"{\"body\":NaN}",
        b"{\"body\":Infinity}",
        b"{\"body\":0x10}",
        b"{\"body\":01}",
        b"{\"body\":\"\\u12\"}",
        b"{\"body\":\"\\x41\"}",
        b"{\"body\":\"new\nline\"}",
        b"{\"body\":\"\x00\"}",
        b"/* x */{\"body\":\"x\"}",
        b"\xef\xbb\xbf{\"body\":\"x\"}",
        b"<body>x</body>",
    ]
    .map(<[u8]>::to_vec)
    .into();
    all.extend([b"[".repeat(200_000), b"{\"a\":".repeat(40_000)]);
    all
}

async fn in_bodies(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let send = async |body: &[u8]| {
        let head = format!(
            "POST /v1/rooms/{room}/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
             connection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            ada.access,
            body.len()
        );
        raw(place.url(0), &[head.as_bytes(), body].concat()).await
    };
    let twice = [
        &br#"{"body":"x","body":"y"}"#[..],
        br#"{"body":"x","b\u006fdy":"y"}"#,
        br#"{"body":"x","format":"plain","format":"plain"}"#,
        b"\xff\xfe{\"body\":\"x\"}",
        b"{\"body\":\"\xc3\x28\"}",
        b"{\"body\":\"\xed\xa0\x80\"}",
        b"{\"body\":\"\xc0\xaf\"}",
    ];
    let all = [bad(), unacceptable()].concat();
    for body in all.iter().map(Vec::as_slice).chain(twice) {
        let (status, text) = send(body).await;
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        assert_eq!(status, 400, "{shown}: {text}");
        assert!(text.contains("validation_failed"), "{shown}: {text}");
    }
    assert_eq!(ada.messages(&room).await.len(), 0);
    // Settings are the one place for any JSON: deep, large and strange numbers have an end too.
    for settings in [
        json!({"x": "y".repeat(100_000)}),
        json!({"n": 1e308}),
        json!({"n": u64::MAX}),
        json!({"n": i64::MIN}),
    ] {
        let reply = ada.patch("/v1/users/me", json!({"settings": settings})).await;
        assert!([200, 400, 413].contains(&reply.status), "{}", reply.text);
    }
}

async fn in_frames(place: Place) {
    let ada = Person::register(&place, "ada").await;
    for text in bad() {
        let mut wire = Wire::socket_of(&ada).await;
        if std::str::from_utf8(&text).is_err() {
            continue;
        }
        wire.send(FIN | TEXT, &text).await;
        let expected = if text.len() > 64 * 1024 { 4413 } else { 4400 };
        let shown = String::from_utf8_lossy(&text[..text.len().min(60)]).into_owned();
        assert_eq!(
            wire.closed(std::time::Duration::from_secs(10)).await,
            Some(expected),
            "{shown}"
        );
    }
    // JSON that is no frame is answered, and the socket stays open.
    let room = ada.group(&[]).await;
    let mut socket = ada.connect().await;
    let twice = format!(
        r#"{{"type":"post","room_id":"{room}","body":"{UNSPEAKABLE}","body":"y","id":"b"}}"#
    );
    for text in [
        twice.clone(),
        twice.replace("\"body\":\"y\",", "\"room_id\":\"x\","),
        twice.replace("\"body\":\"y\",", "\"type\":\"delete\","),
        "[]".to_owned(),
        "{}".to_owned(),
        "null".to_owned(),
        "7".to_owned(),
        "\"hello\"".to_owned(),
        r#"{"type":["post"]}"#.to_owned(),
        r#"{"type":{"post":1}}"#.to_owned(),
        r#"{"type":"ping","id":{}}"#.to_owned(),
        r#"{"type":"ping","id":[1]}"#.to_owned(),
        r#"{"type":"ping","id":true}"#.to_owned(),
        format!(r#"{{"type":"ping","id":"{}"}}"#, "x".repeat(5_000)),
        format!(r#"{{"{}":1}}"#, "x".repeat(60_000)),
        format!("[{}]", vec!["1"; 30_000].join(",")),
    ]
    .into_iter()
    .chain(unacceptable().into_iter().map(|text| String::from_utf8(text).expect("ASCII")))
    {
        socket.send_text(&text).await;
        let answer = socket.expect("a refusal", |frame| frame["type"] == "error").await;
        assert_eq!(answer["error"]["code"], "validation_failed", "{text:.60}: {answer}");
        assert!(answer.to_string().len() < 4_000, "what was sent is not sent back whole");
    }
    socket.all().await;
    assert_eq!(ada.messages(&room).await.len(), 0);
}

/// A text that a client has cut between the two halves of an emoji: `JSON.stringify` writes the half as an escape. A
/// client that is closed for it would come back and send it again, for ever.
async fn half_an_emoji_in_a_frame(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let mut socket = ada.connect().await;
    for (which, text) in [
        (
            "the body",
            format!(r#"{{"type":"post","id":"cut","room_id":"{room}","body":"hi \ud83d"}}"#),
        ),
        (
            "its other half",
            format!(r#"{{"type":"post","room_id":"{room}","body":"\udc4d","id":"cut"}}"#),
        ),
        (
            "the client id",
            format!(
                r#"{{"id":"cut","type":"post","room_id":"{room}","client_id":"\ud83d","body":"x"}}"#
            ),
        ),
        ("the type", r#"{"type":"\ud83d","id":"cut"}"#.to_owned()),
    ] {
        socket.send_text(&text).await;
        let answer = socket.expect("a refusal", |frame| frame["type"] == "error").await;
        assert_eq!(answer["id"], "cut", "{which}: {answer}");
        assert_eq!(answer["error"]["code"], "validation_failed", "{which}: {answer}");
        assert_eq!(answer["error"]["status"], 400, "{which}: {answer}");
    }
    // The socket goes on as if nothing had been.
    socket.send(json!({"type": "post", "id": "whole", "room_id": room, "body": "hi"})).await;
    socket.expect("the answer", |frame| frame["type"] == "ok" && frame["id"] == "whole").await;
    assert_eq!(ada.messages(&room).await.len(), 1);
}
