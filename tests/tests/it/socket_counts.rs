//! How many sockets a user may hold: 20 over all gateways, as those tell each other.

use std::time::Duration;

use tests::kit::person::Person;
use tests::kit::separate::{Separate, Setup};
use tests::kit::socket::{Socket, handshake};
use tests::kit::until;

/// The close code of a socket too many.
const TOO_MANY: u16 = 4409;
const SOON: Duration = Duration::from_secs(10);

/// Opens a socket at a gateway; the code by which it was closed at once if it was.
async fn opened(person: &Person, gateway: usize) -> Result<Socket, u16> {
    let bearer = format!("Bearer {}", person.access);
    let headers = [("authorization", bearer.as_str())];
    let mut socket =
        Socket::over(handshake(&person.place, gateway, "/v1/ws", &headers).await.unwrap());
    match socket.next(SOON).await {
        Some(frame) if frame["type"] == "welcome" => Ok(socket),
        _ => Err(socket.wait_closed(SOON).await),
    }
}

async fn open_all(person: &Person, gateway: usize, count: usize) -> Vec<Socket> {
    let mut sockets = Vec::new();
    for number in 0..count {
        let socket = opened(person, gateway).await;
        sockets.push(socket.unwrap_or_else(|code| panic!("{number} at {gateway}: {code}")));
    }
    sockets
}

/// Waits until a gateway has heard that a user has as many sockets as they may. One that is let in before it has goes
/// again.
async fn refused(person: &Person, gateway: usize) {
    until("a gateway refuses one too many", async || match opened(person, gateway).await {
        Ok(socket) => {
            socket.close().await;
            None
        }
        Err(code) => {
            assert_eq!(code, TOO_MANY);
            Some(())
        }
    })
    .await;
}

/// Waits until a gateway has heard that a user may have one more.
async fn let_in(person: &Person, gateway: usize) -> Socket {
    until("a place is free", async || opened(person, gateway).await.ok()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sockets_are_counted_over_gateways() {
    let mut separate = Separate::start_with(Setup { proxied: Vec::new(), ..Setup::on("sqlite") });
    let place = separate.place.clone();
    let (ada, bob) = (Person::register(&place, "ada").await, Person::register(&place, "bob").await);
    let mut first = open_all(&ada, 0, 12).await;
    let mut second = open_all(&ada, 1, 8).await;
    for gateway in [0, 1] {
        refused(&ada, gateway).await;
        // From then on it refuses all of them, on every session.
        let again = ada.again().await;
        for person in [&ada, &again, &ada] {
            assert_eq!(opened(person, gateway).await.err(), Some(TOO_MANY));
        }
        // Another user has places of their own.
        opened(&bob, gateway).await.unwrap();
    }
    // Those that are there are left alone, and a place that becomes free at one can be taken at the other.
    for socket in first.iter_mut().chain(&mut second) {
        socket.all().await;
    }
    second.pop().unwrap().close().await;
    first.push(let_in(&ada, 0).await);
    refused(&ada, 1).await;

    // The sockets of a gateway that died are forgotten.
    tokio::task::block_in_place(|| separate.kill("gateway-1"));
    drop(second);
    while first.len() < 20 {
        first.push(let_in(&ada, 0).await);
    }
    assert_eq!(opened(&ada, 0).await.err(), Some(TOO_MANY));
    // It hears what there is when it is back.
    tokio::task::block_in_place(|| separate.run("gateway-1"));
    refused(&ada, 1).await;
    for socket in first.drain(..) {
        socket.close().await;
    }
    open_all_again(&ada).await;
}

/// None is left: twenty can be opened anew, at either.
async fn open_all_again(person: &Person) {
    let mut sockets = Vec::new();
    while sockets.len() < 20 {
        sockets.push(let_in(person, sockets.len() % 2).await);
    }
}
