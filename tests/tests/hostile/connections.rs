//! Connections that send nothing, or send it very slowly.

use std::time::Duration;

use tests::kit::installation::Place;
use tests::kit::person::Person;
use tokio::time::{Instant, timeout};

use crate::scene;
use crate::wire::Wire;

cases!(slow_and_silent_ones_are_ended, half_requests_hold_nothing_up);

/// Heads have 10 s, silent sockets as well; this is when they must be gone.
const HEAD: Duration = Duration::from_secs(16);
/// Bodies have 20 s.
const BODY: Duration = Duration::from_secs(27);

/// Sends a part of a request again and again until the server ends the connection; what it said.
async fn drip(mut wire: Wire, drop: &[u8], within: Duration) -> String {
    let begun = Instant::now();
    let dripping = async {
        loop {
            if !wire.write(drop).await || wire.has_ended(Duration::from_millis(500)).await {
                return;
            }
        }
    };
    timeout(within, dripping).await.expect("a slow connection is ended");
    assert!(begun.elapsed() < within);
    wire.end(Duration::from_secs(1)).await
}

async fn slow_head(place: &Place) {
    let mut wire = Wire::connect(place).await;
    wire.write(b"GET /v1/users/me HTTP/1.1\r\nhost: x\r\n").await;
    let said = drip(wire, b"x: y\r\n", HEAD).await;
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 408"), "{said}");
}

async fn silent(place: &Place) {
    let mut wire = Wire::connect(place).await;
    // Nothing at all: it may be kept for as long as an idle connection, not for ever.
    let within = if scene::long() { Duration::from_secs(90) } else { Duration::ZERO };
    if !within.is_zero() {
        wire.end(within).await;
    }
}

async fn silent_socket(place: &Place) {
    let mut wire = Wire::socket(place).await;
    assert_eq!(wire.closed(HEAD).await, Some(4408));
}

/// Pings are no hello.
async fn pinging_stranger(place: &Place) {
    let mut wire = Wire::socket(place).await;
    let deadline = Instant::now() + HEAD;
    while Instant::now() < deadline {
        wire.send(0x89, b"x").await;
        if wire.has_ended(Duration::from_millis(500)).await {
            return;
        }
    }
    panic!("a stranger who pings is still there after {HEAD:?}");
}

/// A socket that never answers the server's pings, nor its close.
async fn deaf_socket(person: &Person) {
    if !scene::long() {
        return;
    }
    let mut wire = Wire::socket_of(person).await;
    // Three heartbeats of 25 s, the first after up to 25 s, and a moment.
    wire.end(Duration::from_secs(115)).await;
}

async fn slow_body(person: &Person) {
    if !scene::long() {
        return;
    }
    let mut wire = Wire::connect(&person.place).await;
    let head = format!(
        "POST /v1/rooms HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: 10000\r\n\r\n{{",
        person.access
    );
    wire.write(head.as_bytes()).await;
    let said = drip(wire, b" ", BODY).await;
    assert!(said.starts_with("HTTP/1.1 4"), "{said}");
}

async fn slow_and_silent_ones_are_ended(place: Place) {
    let ada = Person::register(&place, "ada").await;
    tokio::join!(
        slow_head(&place),
        silent(&place),
        silent_socket(&place),
        pinging_stranger(&place),
        deaf_socket(&ada),
        slow_body(&ada),
    );
    ada.get("/v1/users/me").await.ok(200);
}

/// Hundreds of half requests and silent sockets do not keep others from chatting.
async fn half_requests_hold_nothing_up(place: Place) {
    let ada = Person::register(&place, "ada").await;
    let room = ada.group(&[]).await;
    let mut held = Vec::new();
    for number in 0..300 {
        let mut wire = Wire::connect(&place).await;
        let request: &[u8] = match number % 3 {
            0 => b"POST /v1/sessions HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\ncontent-type: application/json\r\n\r\n{",
            1 => b"GET /v1/users/me HTTP/1.1\r\nhost: ",
            _ => b"",
        };
        wire.write(request).await;
        held.push(wire);
    }
    let mut socket = ada.connect().await;
    for number in 0..20 {
        let begun = Instant::now();
        socket.post(&room, &format!("unspeakable {number}")).await;
        ada.get("/v1/users/me").await.ok(200);
        assert!(begun.elapsed() < Duration::from_secs(3), "it took {:?}", begun.elapsed());
    }
    drop(held);
}
