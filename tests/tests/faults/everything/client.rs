//! A client on a socket: what it hears goes into its picture, what it is told to load it loads. When its socket ends it
//! comes back to any gateway with the last position it has, unless it is to stay away.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tests::kit::last;
use tests::kit::person::Person;
use tests::kit::socket::{Socket, handshake};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout};

use super::door::{Door, Request};
use super::picture::{Loaded, Picture, Want};

/// How long a gateway may take to accept a socket.
const ENTRANCE: Duration = Duration::from_secs(5);
/// How long a client tries to come back.
const STUCK: Duration = Duration::from_secs(90);
/// Events that what is under way at a moment may still add to the log.
const UNDER_WAY: u64 = 64;

/// What a client is to do.
pub(super) enum Order {
    /// Send a frame; its answer, or none when the socket ended first.
    Send { frame: Value, answer: oneshot::Sender<Option<Value>> },
    /// Lose the socket, and come back.
    Cut { gateway: usize },
    /// Lose the socket, and stay away.
    Leave,
    /// Come back.
    Return { gateway: usize },
}

/// A client, as others see it.
pub(super) struct Handle {
    /// Whose client it is.
    pub(super) who: usize,
    pub(super) name: String,
    pub(super) picture: Arc<Mutex<Picture>>,
    orders: mpsc::UnboundedSender<Order>,
}

impl Handle {
    /// Tells the client to do something.
    pub(super) fn order(&self, order: Order) {
        self.orders.send(order).expect("the client runs");
    }

    /// Sends a frame; its answer, or none when there is no socket to send it on.
    pub(super) async fn sends(&self, frame: Value) -> Option<Value> {
        let (answer, answered) = oneshot::channel();
        self.order(Order::Send { frame, answer });
        timeout(STUCK, answered).await.expect("an answer in time").ok().flatten()
    }
}

struct Client {
    door: Door,
    /// Its user, whose session may be another one after a while.
    person: Arc<Mutex<Person>>,
    gateway: usize,
    picture: Arc<Mutex<Picture>>,
    socket: Option<Socket>,
    waiting: HashMap<u64, oneshot::Sender<Option<Value>>>,
    next_id: u64,
}

/// Connects a client and lets it run.
pub(super) async fn open(
    door: &Door,
    (who, name): (usize, String),
    person: &Arc<Mutex<Person>>,
    gateway: usize,
) -> Handle {
    let known = person.lock().unwrap().clone();
    let picture = Arc::new(Mutex::new(Picture::of(&known.id)));
    let (orders, taken) = mpsc::unbounded_channel();
    let mut client = Client {
        door: door.clone(),
        person: Arc::clone(person),
        gateway,
        picture: Arc::clone(&picture),
        socket: None,
        waiting: HashMap::new(),
        next_id: 1,
    };
    let socket = known.at(gateway).connect().await;
    picture.lock().unwrap().apply(&socket.welcome);
    client.socket = Some(socket);
    client.begin().await;
    tokio::spawn(client.run(taken));
    Handle { who, name, picture, orders }
}

impl Client {
    fn token(&self) -> String {
        self.person.lock().unwrap().access.clone()
    }

    /// Loads what a client shows first.
    async fn begin(&mut self) {
        let (token, gateway) = (self.token(), self.gateway);
        let since = self.picture.lock().unwrap().position().to_owned();
        let me = Request::get("/v1/users/me", &since);
        let account = self.door.ask(&token, gateway, &me).await;
        let inbox = self.door.all(&token, gateway, "/v1/notifications", &since).await;
        let inbox = inbox.expect("an inbox");
        self.picture.lock().unwrap().begin(&account.json, &inbox);
        let rooms = self.door.all(&token, gateway, "/v1/rooms", &since).await.expect("rooms");
        for room in rooms {
            let room = room["id"].as_str().expect("an id").to_owned();
            self.load(Want::Room { room, position: since.clone() }).await;
        }
    }

    async fn run(mut self, mut orders: mpsc::UnboundedReceiver<Order>) {
        loop {
            let Some(socket) = &mut self.socket else {
                match orders.recv().await {
                    Some(order) => self.obey(order).await,
                    None => return,
                }
                continue;
            };
            tokio::select! {
                order = orders.recv() => match order {
                    Some(order) => self.obey(order).await,
                    None => return,
                },
                frame = socket.next(Duration::from_secs(1)) => match frame {
                    Some(frame) => self.take(&frame).await,
                    None if self.socket.as_ref().is_some_and(|socket| socket.ended) => {
                        self.lose();
                        self.come_back().await;
                    }
                    None => {}
                },
            }
        }
    }

    async fn obey(&mut self, order: Order) {
        match order {
            Order::Send { mut frame, answer } => {
                let Some(socket) = &mut self.socket else {
                    let _ = answer.send(None);
                    return;
                };
                frame["id"] = json!(self.next_id);
                self.waiting.insert(self.next_id, answer);
                self.next_id += 1;
                socket.send(frame).await;
            }
            Order::Cut { gateway } => {
                self.lose();
                self.gateway = gateway;
                self.come_back().await;
            }
            Order::Leave => self.lose(),
            Order::Return { gateway } => {
                if self.socket.is_none() {
                    self.gateway = gateway;
                    self.come_back().await;
                }
            }
        }
    }

    /// The socket is gone, with everything that came and was not looked at.
    fn lose(&mut self) {
        self.socket = None;
        for (_, answer) in self.waiting.drain() {
            let _ = answer.send(None);
        }
    }

    async fn take(&mut self, frame: &Value) {
        if let Some(answer) = frame["id"].as_u64().and_then(|id| self.waiting.remove(&id)) {
            let _ = answer.send(Some(frame.clone()));
        }
        let wants = self.picture.lock().unwrap().apply(frame);
        for want in wants {
            self.load(want).await;
        }
    }

    async fn load(&self, want: Want) {
        let (token, gateway) = (self.token(), self.gateway);
        match want {
            Want::User { user, position } => {
                let asked = Request::get(&format!("/v1/users/{user}"), &position);
                let user = self.door.ask(&token, gateway, &asked).await;
                if user.is_good() {
                    self.picture.lock().unwrap().load_user(&user.json);
                }
            }
            Want::Room { room, position } => {
                let loaded = self.loaded(&token, &room, &position).await;
                let settled = self.door.newest().0 + UNDER_WAY;
                self.picture.lock().unwrap().load_room(&room, loaded, settled);
            }
        }
    }

    async fn loaded(&self, token: &str, room: &str, since: &str) -> Option<Loaded> {
        let gateway = self.gateway;
        let path = format!("/v1/rooms/{room}");
        let doc = self.door.ask(token, gateway, &Request::get(&path, since)).await;
        if !doc.is_good() || doc.json["membership"].is_null() {
            return None;
        }
        let members = self.door.all(token, gateway, &format!("{path}/members"), since).await?;
        let messages = self.door.history(token, gateway, room, since).await?;
        Some(Loaded { doc: doc.json, members, messages })
    }

    /// Comes back to any gateway that accepts it; stays away where the session is no good any more.
    async fn come_back(&mut self) {
        let deadline = Instant::now() + STUCK;
        loop {
            let entrance = timeout(ENTRANCE, self.entered()).await;
            match entrance {
                Ok(Entrance::Welcomed(socket, welcome)) => {
                    self.picture.lock().unwrap().apply(&welcome);
                    self.socket = Some(*socket);
                    return;
                }
                Ok(Entrance::Ended) => return,
                Ok(Entrance::Refused) | Err(_) => {}
            }
            assert!(Instant::now() < deadline, "no gateway accepts a client");
            self.gateway += 1;
            last(Duration::from_millis(100)).await;
        }
    }

    async fn entered(&self) -> Entrance {
        let place = &self.door.place;
        let Ok(stream) = handshake(place, self.gateway, "/v1/ws", &[]).await else {
            return Entrance::Refused;
        };
        let mut socket = Socket::over(stream);
        let position = self.picture.lock().unwrap().position().to_owned();
        socket.send(json!({"type": "hello", "token": self.token(), "resume": position})).await;
        while let Some(frame) = socket.next(ENTRANCE).await {
            if frame["type"] == "welcome" {
                return Entrance::Welcomed(Box::new(socket), frame);
            }
        }
        match socket.closed {
            Some(4401) => Entrance::Ended,
            _ => Entrance::Refused,
        }
    }
}

/// What became of an attempt to come in.
enum Entrance {
    Welcomed(Box<Socket>, Value),
    /// The session is over.
    Ended,
    Refused,
}
