//! People who write and listen while things break, and the checker of what they saw.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use tests::kit::person::Person;
use tests::kit::socket::{Socket, handshake};
use tests::kit::{Patience, until};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// A request that gets no answer is given up after this time and sent again under the same id.
const PATIENCE: Duration = Duration::from_secs(8);

/// People who keep writing into a room until told to stop; every message is tried until it is acknowledged.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicUsize>,
    writers: Vec<JoinHandle<Vec<String>>>,
}

impl Load {
    pub(crate) fn begin(writers: &[Person], room: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let acknowledged = Arc::new(AtomicUsize::new(0));
        let writers = writers.iter().enumerate().map(|(number, writer)| {
            let (stop, count) = (Arc::clone(&stop), Arc::clone(&acknowledged));
            let (writer, room) = (writer.clone(), room.to_owned());
            tokio::spawn(write(writer, room, number, stop, count))
        });
        Self {
            stop: Arc::clone(&stop),
            acknowledged: Arc::clone(&acknowledged),
            writers: writers.collect(),
        }
    }

    /// Waits until so many more messages are acknowledged.
    pub(crate) async fn goes_on(&self, more: usize) {
        let wanted = self.acknowledged.load(Ordering::SeqCst) + more;
        until("the load goes on", async || {
            (self.acknowledged.load(Ordering::SeqCst) >= wanted).then_some(())
        })
        .await;
    }

    /// Stops; the client ids of all that was acknowledged.
    pub(crate) async fn end(self) -> Vec<String> {
        self.stop.store(true, Ordering::SeqCst);
        let mut all = Vec::new();
        for writer in self.writers {
            all.extend(writer.await.unwrap());
        }
        all
    }
}

async fn write(
    writer: Person,
    room: String,
    number: usize,
    stop: Arc<AtomicBool>,
    count: Arc<AtomicUsize>,
) -> Vec<String> {
    let mut acknowledged = Vec::new();
    let path = format!("{}/v1/rooms/{room}/messages", writer.place.url(writer.gateway));
    let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
    while !stop.load(Ordering::SeqCst) {
        let client_id = format!("w{number}-{}", acknowledged.len());
        let body = json!({"body": format!("message {client_id}"), "client_id": client_id});
        loop {
            let sent = client.post(&path).bearer_auth(&writer.access).json(&body).send().await;
            match sent.map(|answer| answer.status().as_u16()) {
                Ok(200 | 201) => break,
                // Unknown or not done: the same id makes trying again safe.
                Ok(503 | 500 | 502) | Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                Ok(status) => panic!("a message was refused with {status}"),
            }
        }
        acknowledged.push(client_id);
        count.fetch_add(1, Ordering::SeqCst);
    }
    acknowledged
}

/// Somebody who listens, and comes back and resumes whenever his socket ends, at the next gateway.
pub(crate) struct Listener {
    stop: Arc<AtomicBool>,
    task: JoinHandle<(Vec<String>, usize)>,
}

impl Listener {
    pub(crate) async fn begin(person: &Person, room: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let socket = person.connect().await;
        let task = tokio::spawn(listen(person.clone(), room.to_owned(), socket, Arc::clone(&stop)));
        Self { stop, task }
    }

    /// Once everything was heard up to a last message: the client ids in the order heard, and how often
    /// the socket had to be opened anew.
    pub(crate) async fn end(self) -> (Vec<String>, usize) {
        self.stop.store(true, Ordering::SeqCst);
        timeout(Duration::from_secs(60), self.task)
            .await
            .expect("the listener hears the end")
            .unwrap()
    }
}

/// Body and client id of the last message.
const END: &str = "the-end";

async fn listen(
    person: Person,
    room: String,
    mut socket: Socket,
    stop: Arc<AtomicBool>,
) -> (Vec<String>, usize) {
    let (mut heard, mut resumed) = (Vec::new(), 0);
    loop {
        while let Some(frame) = socket.next(Duration::from_secs(1)).await {
            assert_ne!(frame["type"], "reset", "{frame}");
            if frame["event"] == "message.posted" && frame["room_id"] == room {
                let message = &frame["data"];
                if message["body"] == END {
                    return (heard, resumed);
                }
                heard.push(message["client_id"].as_str().unwrap().to_owned());
            }
        }
        if socket.ended {
            resumed += 1;
            let position = socket.position.clone();
            socket = reopened(&person, resumed, &position).await;
        }
        assert!(!stop.load(Ordering::SeqCst) || resumed < 1000);
    }
}

/// Opens a socket at any gateway that is there and asks to resume.
async fn reopened(person: &Person, number: usize, position: &str) -> Socket {
    let mut number = number;
    let mut patience = Patience::for_("a gateway is there");
    loop {
        number += 1;
        if let Some(socket) = opened(person, number, position).await {
            return socket;
        }
        patience.pause().await;
    }
}

async fn opened(person: &Person, gateway: usize, position: &str) -> Option<Socket> {
    let mut socket = Socket::over(handshake(&person.place, gateway, "/v1/ws", &[]).await.ok()?);
    position.clone_into(&mut socket.position);
    socket.send(json!({"type": "hello", "token": person.access, "resume": position})).await;
    let first = socket.next(Duration::from_secs(8)).await?;
    (first["type"] == "welcome").then_some(socket)
}

/// The checker all faults share.
pub(crate) fn check(stored: &[String], acknowledged: &[String], heard: &[Vec<String>]) {
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for id in stored {
        *times.entry(id).or_default() += 1;
    }
    for id in acknowledged {
        assert_eq!(times.get(id.as_str()), Some(&1), "{id} was acknowledged: once in the log");
    }
    let doubled: Vec<_> = times.iter().filter(|(_, times)| **times > 1).collect();
    assert!(doubled.is_empty(), "stored twice: {doubled:?}");
    for (number, heard) in heard.iter().enumerate() {
        let first_wrong = heard.iter().zip(stored).position(|(heard, stored)| heard != stored);
        assert_eq!(first_wrong, None, "listener {number} heard another order");
        assert_eq!(heard.len(), stored.len(), "listener {number} heard everything");
    }
}

pub(crate) fn without_end(mut stored: Vec<String>) -> Vec<String> {
    assert_eq!(stored.pop().as_deref(), Some(END));
    stored
}

/// Says the last message, however long it takes, and waits for the listeners.
pub(crate) async fn settle(
    ada: &Person,
    room: &str,
    listeners: Vec<Listener>,
) -> (Vec<Vec<String>>, usize) {
    let path = format!("/v1/rooms/{room}/messages");
    until("the last message is said", async || {
        let body = json!({"body": END, "client_id": END});
        let reply = ada.post(&path, body).await;
        [200, 201].contains(&reply.status).then_some(())
    })
    .await;
    let (mut heard, mut resumed) = (Vec::new(), 0);
    for listener in listeners {
        let (ids, times) = listener.end().await;
        heard.push(ids);
        resumed += times;
    }
    (heard, resumed)
}
