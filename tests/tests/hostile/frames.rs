//! Malformed WebSocket frames. Each closes its own socket with the right code and no other.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use tests::kit::installation::Place;
use tests::kit::person::Person;

use crate::aftermath::UNSPEAKABLE;
use crate::wire::{CLOSE, CONTINUATION, FIN, PING, PONG, RSV1, TEXT, Wire, head, masked};

cases!(
    frames_against_the_protocol,
    frames_that_are_too_large,
    odd_close_frames,
    frames_out_of_turn
);

const SOON: Duration = Duration::from_secs(10);

async fn frames_against_the_protocol(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let mut bystander = ada.connect().await;
    let mut unmasked = masked(FIN | TEXT, b"{}");
    unmasked[1] &= 0x7f;
    let ping = br#"{"type":"ping"}"#;
    let cases = [
        ("not masked", unmasked, 1002),
        ("a reserved bit", masked(FIN | RSV1 | TEXT, ping), 1002),
        ("every reserved bit", masked(0xf0 | TEXT, ping), 1002),
        ("a reserved kind", masked(FIN | 3, ping), 1002),
        ("a reserved control", masked(FIN | 11, b""), 1002),
        ("nothing to continue", masked(FIN, ping), 1002),
        ("nothing to go on with", masked(CONTINUATION, ping), 1002),
        ("a ping in parts", masked(PING, b"x"), 1002),
        ("a ping too long", masked(FIN | PING, &[b'x'; 126]), 1002),
        ("a begin within", [masked(TEXT, b"{"), masked(FIN | TEXT, b"}")].concat(), 1002),
        ("two begins", [masked(TEXT, b"{"), masked(TEXT, b"}")].concat(), 1002),
        ("every bit set, above all of the length", vec![0xff; 200], 4413),
        ("not UTF-8", masked(FIN | TEXT, b"\"\xc3\x28\""), 1007),
        ("a surrogate", masked(FIN | TEXT, b"\"\xed\xa0\x80\""), 1007),
        ("not UTF-8 in parts", [masked(TEXT, b"\"\xc3"), masked(FIN, b"\x28\"")].concat(), 1007),
        ("bytes", masked(FIN | 2, ping), 4400),
        ("no JSON", masked(FIN | TEXT, b"hello"), 4400),
        ("nothing", masked(FIN | TEXT, b""), 4400),
    ];
    // At once: the server waits a moment for each peer's answer to its close.
    join_all(cases.into_iter().map(async |(what, bytes, expected)| {
        let mut wire = Wire::socket_of(&ada).await;
        wire.write(&bytes).await;
        let code = wire.closed(SOON).await;
        assert_eq!(code, Some(expected), "{what}");
        wire.end(SOON).await;
    }))
    .await;
    // A character in two parts, and a ping between them, are fine.
    let mut wire = Wire::socket_of(&ada).await;
    wire.send(TEXT, b"{\"type\":\"ping\",\"id\":\"\xc3").await;
    wire.send(FIN | PING, b"x").await;
    wire.send(FIN, b"\xbc\"}").await;
    assert_eq!(wire.frame(SOON).await, Some((PONG, b"x".to_vec())));
    let (_, pong) = wire.frame(SOON).await.expect("a pong");
    assert!(String::from_utf8_lossy(&pong).contains("\"ü\""));
    bystander.all().await;
}

async fn frames_that_are_too_large(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let (limit, mut bystander) = (64 * 1024, ada.connect().await);
    // As large as may be is refused for what it says, not for its size.
    let padding = "x".repeat(limit - 40);
    let text = format!("{{\"type\":\"ping\",\"id\":1,\"p\":\"{padding}\"}}");
    let mut wire = Wire::socket_of(&ada).await;
    wire.text(&text[..text.len().min(limit)]).await;
    let (opcode, answer) = wire.frame(SOON).await.expect("an answer");
    assert_eq!(opcode, TEXT, "{}", String::from_utf8_lossy(&answer));

    let post =
        json!({"type": "post", "room_id": room, "body": UNSPEAKABLE.repeat(8_000)}).to_string();
    for (what, bytes) in [
        ("one byte more", masked(FIN | TEXT, &vec![b' '; limit + 1])),
        ("a post", masked(FIN | TEXT, post.as_bytes())),
        ("a megabyte", masked(FIN | TEXT, &vec![b'x'; 1 << 20])),
        ("a gigabyte announced", head(FIN | TEXT, 1 << 30)),
        ("all there is announced", head(FIN | TEXT, u64::MAX)),
        ("bytes announced", head(FIN | 2, 1 << 40)),
    ] {
        let mut wire = Wire::socket_of(&ada).await;
        wire.write(&bytes).await;
        let code = wire.closed(SOON).await;
        // A length with the highest bit set is against the protocol as well.
        assert!(
            code == Some(4413) || (code == Some(1002) && what.starts_with("all")),
            "{what}: {code:?}"
        );
    }
    // A client that has not authenticated yet.
    let mut wire = Wire::socket(&place).await;
    wire.send(FIN | TEXT, &vec![b'x'; 1 << 20]).await;
    assert_eq!(wire.closed(SOON).await, Some(4413));
    bystander.all().await;
    assert_eq!(ada.messages(&room).await.len(), 0);
}

async fn odd_close_frames(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let payloads = [
        &b""[..],
        b"\x03",
        b"\x03\xe8",
        b"\x03\xe8bye",
        b"\x00\x00",
        b"\x03\xe7",
        b"\x03\xed",
        b"\x03\xf7",
        b"\xff\xff",
        b"\x03\xe8\xff\xfe",
        b"\x11\x31as you do",
    ];
    join_all(payloads.into_iter().map(async |payload| {
        let mut wire = Wire::socket_of(&ada).await;
        wire.send(FIN | CLOSE, payload).await;
        // More after the end is not read.
        wire.text("hello").await;
        wire.end(SOON).await;
    }))
    .await;
    // Disconnecting without a close frame, in the middle of a frame, or at once.
    for bytes in [head(FIN | TEXT, 1_000), masked(TEXT, b"{\"ty"), Vec::new()] {
        let mut wire = Wire::socket_of(&ada).await;
        wire.write(&bytes).await;
        drop(wire);
    }
    // None of them still holds a slot: twenty more fit.
    let mut seats = Vec::new();
    for _ in 0..20 {
        seats.push(ada.connect().await);
    }
    for socket in &mut seats {
        socket.all().await;
    }
}

async fn frames_out_of_turn(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    for text in [
        json!({"type": "ping", "id": 1}).to_string(),
        json!({"type": "post", "room_id": room, "body": UNSPEAKABLE}).to_string(),
        json!({"type": "resume", "position": "a:1"}).to_string(),
        json!({"type": "hello", "token": 7}).to_string(),
        json!({"type": "welcome"}).to_string(),
        "{}".to_owned(),
    ] {
        let mut wire = Wire::socket(&place).await;
        wire.text(&text).await;
        assert_eq!(wire.closed(SOON).await, Some(4400), "{text}");
    }
    // A second hello must be of the same session; a stranger's token ends the socket.
    let eve = Person::register(&place, "eve").await;
    let mut socket = ada.connect().await;
    socket.send(json!({"type": "hello", "token": eve.access})).await;
    assert_eq!(socket.drain().await, Some(4401));
    let mut socket = ada.connect().await;
    assert_eq!(socket.call(json!({"type": "hello", "token": ada.access})).await["type"], "ok");
    // Frames only the server sends.
    for kind in
        ["welcome", "ok", "error", "event", "resumed", "reset", "pong", "closing", "presence"]
    {
        let answer = socket.call(json!({"type": kind, "room_id": room, "code": 1})).await;
        assert_eq!(answer["error"]["code"], "validation_failed", "{kind}: {answer}");
    }
    assert_eq!(ada.messages(&room).await.len(), 0);
}
