//! Messages in parts that do not end, and sockets that resume without end.

use std::time::Duration;

use serde_json::json;
use tests::kit::installation::Place;
use tests::kit::lasting;
use tests::kit::person::Person;

use crate::aftermath::resident_mib;
use crate::wire::{CONTINUATION, TEXT, Wire, masked};

cases!(endless_parts_are_cut, resuming_without_end);

const SOON: Duration = Duration::from_secs(10);

async fn endless_parts_are_cut(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let process = &lasting::one_process_installation().await.process;
    let before = resident_mib(process.pid().as_raw());
    // Large ones, tiny ones, empty ones.
    for part in [&[b'x'; 4_096][..], b"x", b""] {
        let mut wire = Wire::socket_of(&ada).await;
        wire.send(TEXT, part).await;
        let many = masked(CONTINUATION, part).repeat(100);
        let mut written = 0;
        while written < 2_000 && wire.write(&many).await {
            written += 1;
            if wire.frame(Duration::from_millis(1)).await.is_some() {
                break;
            }
        }
        assert!(written < 2_000, "200,000 parts of {} bytes are still read", part.len());
    }
    let mut wire = Wire::socket_of(&ada).await;
    wire.send(TEXT, &[b'x'; 60_000]).await;
    wire.send(CONTINUATION, &[b'x'; 6_000]).await;
    assert_eq!(wire.closed(SOON).await, Some(4413));
    let after = resident_mib(process.pid().as_raw());
    assert!(after < before + 200, "{before} MiB before, {after} after");
}

async fn resuming_without_end(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let mut socket = ada.connect().await;
    let start = socket.position.clone();
    for number in 0..5 {
        socket.post(&room, &format!("unspeakable {number}")).await;
    }
    for number in 0..200 {
        socket.send(json!({"type": "resume", "id": number, "position": start})).await;
    }
    // It may be answered or closed as too slow or too much; it does not hang.
    socket.send(json!({"type": "ping", "id": "last"})).await;
    let mut closed = false;
    loop {
        match socket.next(Duration::from_secs(20)).await {
            Some(frame) if frame["id"] == "last" => break,
            Some(_) => {}
            None => {
                closed = socket.ended;
                break;
            }
        }
    }
    assert!(!closed || socket.closed.is_some(), "it was not closed with a code");
    ada.connect().await.all().await;
}
