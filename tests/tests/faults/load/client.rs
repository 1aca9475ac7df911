//! A client on a socket: listens, posts if it is a writer, and when its socket ends reconnects to any gateway
//! with the last position it saw. What was on its way then is sent again under the same client id.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tests::kit::installation::Place;
use tests::kit::person::Person;
use tests::kit::socket::{Socket, handshake};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::drip::Drip;
use super::rest::post_of;
use super::{LAST_WORD, Manner, Shared};
use crate::history::{Doing, Trace, sequence};
use crate::schedule::Dice;

/// A server that does not answer for this long is left.
const PATIENCE: Duration = Duration::from_secs(12);
/// How long a gateway may take to accept a socket.
const ENTRANCE: Duration = Duration::from_secs(5);

/// A post without a final answer.
struct Pending {
    doing: Doing,
    frame: Value,
    sent: Instant,
}

pub(super) struct Client {
    shared: Shared,
    person: Person,
    name: String,
    manner: Manner,
    dice: Dice,
    trace: Arc<Mutex<Trace>>,
    socket: Socket,
    posted: usize,
    pending: Option<Pending>,
    /// How long the server asked to stay away.
    stay_away: Duration,
    cuts: watch::Receiver<usize>,
    slow: watch::Receiver<bool>,
}

impl Client {
    /// Connects; from now on everything is heard.
    pub(super) async fn open(
        shared: &Shared,
        person: Person,
        name: String,
        manner: Manner,
        dice: Dice,
    ) -> Self {
        let mut person = person;
        if manner == Manner::Drips {
            let slow = shared.slow.subscribe();
            let urls = vec![Drip::before(person.place.url(person.gateway), slow).await];
            let operators = person.place.operators.lock().unwrap().clone();
            person.place = Place::new(urls, operators);
        }
        let trace = shared.history.client(&name, &person.id);
        let socket = person.connect().await;
        trace.lock().unwrap().opened(&socket.position);
        Self {
            shared: shared.clone(),
            person,
            name,
            manner,
            dice,
            cuts: shared.cuts.subscribe(),
            slow: shared.slow.subscribe(),
            trace,
            socket,
            posted: 0,
            pending: None,
            stay_away: Duration::ZERO,
        }
    }

    pub(super) async fn run(mut self) {
        loop {
            if self.manner == Manner::Writes && self.pending.is_none() && !self.shared.stopped() {
                self.post().await;
            }
            if self.manner == Manner::Stops {
                let _ = self.slow.wait_for(|slow| !slow).await;
            }
            let wait = Duration::from_millis(if self.pending.is_some() { 100 } else { 1000 });
            let next = tokio::select! {
                next = self.socket.next(wait) => next,
                // What has come and was not looked at is lost with the socket: the position says so.
                Ok(()) = self.cuts.changed() => {
                    self.come_back().await;
                    continue;
                }
            };
            match next {
                Some(frame) => {
                    if self.take(&frame).await {
                        return;
                    }
                }
                None if self.socket.ended => self.come_back().await,
                None => self.look_at_pending().await,
            }
        }
    }

    async fn post(&mut self) {
        sleep(self.shared.habits.pause).await;
        let room = self.dice.pick(&self.shared.crew.rooms).clone();
        let client_id = format!("{}-{}", self.name, self.posted);
        self.posted += 1;
        let frame = json!({"type": "post", "id": client_id, "room_id": room,
                           "client_id": client_id, "body": self.shared.body(&client_id)});
        let doing = self.shared.history.begin(&self.person.id, post_of(&room, &client_id));
        self.socket.send(frame.clone()).await;
        self.pending = Some(Pending { doing, frame, sent: Instant::now() });
    }

    /// Handles a frame; returns whether it was the last word.
    async fn take(&mut self, frame: &Value) -> bool {
        self.trace.lock().unwrap().frame(frame);
        self.time(frame);
        match frame["type"].as_str().unwrap_or_default() {
            "ok" | "error" => self.answered(frame).await,
            "closing" => {
                let wait = frame["retry_after_ms"].as_u64().unwrap_or_default();
                self.stay_away = Duration::from_millis(wait);
            }
            "event" if frame["data"]["client_id"] == LAST_WORD => {
                let position = frame["position"].as_str().and_then(sequence);
                self.trace.lock().unwrap().finished(position.expect("a position"));
                if let Some(pending) = self.pending.take() {
                    pending.doing.given_up();
                }
                return true;
            }
            "event" if frame["event"] == "message.posted" => self.read(frame).await,
            _ => {}
        }
        false
    }

    /// Now and then marks what was told as read. A user's clients do so without knowing of one another, and
    /// one that is behind must not take a marker back.
    async fn read(&mut self, frame: &Value) {
        let reads = matches!(self.manner, Manner::Listens | Manner::Writes);
        if reads && self.dice.once_in(self.shared.habits.reads) {
            let read = json!({"type": "read", "room_id": frame["room_id"],
                              "message_id": frame["data"]["id"]});
            self.socket.send(read).await;
        }
    }

    /// Records how long a message took that says when it was posted.
    fn time(&self, frame: &Value) {
        let reads = matches!(self.manner, Manner::Listens | Manner::Writes);
        if reads
            && frame["event"] == "message.posted"
            && let Some((made, _)) =
                frame["data"]["body"].as_str().and_then(|it| it.split_once(':'))
            && let Ok(made) = made.parse().map(Duration::from_micros)
        {
            let took = self.shared.history.now().saturating_sub(made);
            self.shared.delays.lock().unwrap().push(took);
        }
    }

    async fn answered(&mut self, frame: &Value) {
        let answers = |pending: &mut Pending| pending.frame["id"] == frame["id"];
        let Some(mut pending) = self.pending.take_if(answers) else { return };
        if frame["type"] == "ok" {
            let position = frame["position"].as_str().and_then(sequence);
            return pending.doing.ok(position.expect("a post has a position"));
        }
        if frame["error"]["retryable"] != true {
            return pending.doing.refused();
        }
        pending.doing.doubt();
        self.shared.breathe(&mut self.dice).await;
        self.socket.send(pending.frame.clone()).await;
        self.pending = Some(Pending { sent: Instant::now(), ..pending });
    }

    /// A post without an answer for long: this gateway is left, and the post made again at another.
    async fn look_at_pending(&mut self) {
        if self.pending.as_ref().is_some_and(|pending| pending.sent.elapsed() > PATIENCE) {
            self.come_back().await;
        }
    }

    /// Reconnects to any gateway that accepts it.
    async fn come_back(&mut self) {
        self.trace.lock().unwrap().ended(self.socket.closed);
        let position = self.socket.position.clone();
        let jitter = usize::try_from(self.shared.habits.jitter.as_millis()).unwrap();
        let jitter = Duration::from_millis(self.dice.below(jitter + 1) as u64);
        sleep(std::mem::take(&mut self.stay_away).max(jitter)).await;
        loop {
            let gateway = self.dice.below(self.person.place.urls.len());
            let opening = self.opened(gateway, &position);
            if let Ok(Some(socket)) = timeout(ENTRANCE, opening).await {
                self.socket = socket;
                break;
            }
            self.shared.repeats.fetch_add(1, Ordering::SeqCst);
            self.shared.breathe(&mut self.dice).await;
        }
        self.trace.lock().unwrap().opened(&position);
        if let Some(pending) = &mut self.pending {
            pending.doing.doubt();
            pending.sent = Instant::now();
            self.socket.send(pending.frame.clone()).await;
        }
    }

    async fn opened(&self, gateway: usize, position: &str) -> Option<Socket> {
        let stream = handshake(&self.person.place, gateway, "/v1/ws", &[]).await.ok()?;
        let mut socket = Socket::over(stream);
        position.clone_into(&mut socket.position);
        let hello = json!({"type": "hello", "token": self.person.access, "resume": position});
        socket.send(hello).await;
        let first = socket.next(ENTRANCE).await?;
        (first["type"] == "welcome").then_some(socket)
    }
}
