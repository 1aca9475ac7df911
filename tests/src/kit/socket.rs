//! A WebSocket client that keeps every frame until the test asks for it.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::kit::place::Place;
use crate::kit::{PATIENCE, last};

type Stream = WebSocketStream<TcpStream>;

/// An open socket.
pub struct Socket {
    stream: Stream,
    place: Option<Place>,
    waiting: VecDeque<Value>,
    /// The `welcome` frame.
    pub welcome: Value,
    /// The code the server closed with, once it has.
    pub closed: Option<u16>,
    /// How many pings the server has sent.
    pub pings: usize,
    /// Whether the connection is gone.
    pub ended: bool,
    /// The last position seen in an event or a welcome: where a client would resume.
    pub position: String,
    next_id: i64,
}

/// Tries a handshake with these headers; the stream, or the status it was refused with.
///
/// # Errors
/// The HTTP status; 0 when there is no server or the connection broke before there was an answer.
///
/// # Panics
/// When a header cannot be written.
pub async fn handshake(
    place: &Place,
    gateway: usize,
    path: &str,
    headers: &[(&str, &str)],
) -> Result<Stream, u16> {
    let address = place.url(gateway).trim_start_matches("http://").to_owned();
    let mut request = format!("ws://{address}{path}").into_client_request().expect("a request");
    for (name, value) in headers {
        let name = reqwest::header::HeaderName::from_bytes(name.as_bytes()).expect("a name");
        request.headers_mut().insert(name, value.parse().expect("a value"));
    }
    let Ok(stream) = TcpStream::connect(&address).await else { return Err(0) };
    stream.set_nodelay(true).map_err(|_| 0_u16)?;
    match client_async(request, stream).await {
        Ok((stream, _)) => Ok(stream),
        Err(Error::Http(answer)) => Err(answer.status().as_u16()),
        // The connection broke before there was an answer.
        Err(_) => Err(0),
    }
}

impl Socket {
    /// Opens a socket, with a user's access token, that is welcomed. A client that is told to come again in a moment
    /// does: a gateway may not be able to say yet where its user is.
    pub(crate) async fn open(
        place: &Place,
        gateway: usize,
        token: &str,
        resume: Option<&str>,
    ) -> Self {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut socket = Self::greet(place, gateway, token, resume).await;
            if socket.is_admitted().await || Instant::now() >= deadline {
                socket.welcomed().await;
                return socket;
            }
            let told = socket.waiting.iter().find_map(|frame| frame["retry_after_ms"].as_u64());
            last(Duration::from_millis(told.expect("when to come again"))).await;
        }
    }

    /// A socket on which the user has said who they are.
    async fn greet(place: &Place, gateway: usize, token: &str, resume: Option<&str>) -> Self {
        let bearer = format!("Bearer {token}");
        let headers: &[(&str, &str)] =
            if resume.is_some() { &[] } else { &[("authorization", &bearer)] };
        let opened = handshake(place, gateway, "/v1/ws", headers).await;
        let mut socket = Self::over(opened.expect("a socket"));
        socket.place = Some(place.clone());
        if let Some(position) = resume {
            socket.send(json!({"type": "hello", "token": token, "resume": position})).await;
        }
        socket
    }

    /// Waits for the welcome; false when the server closes with 4503 instead.
    async fn is_admitted(&mut self) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while !self.waiting.iter().any(|frame| frame["type"] == "welcome") {
            if !self.read(deadline).await {
                return self.closed != Some(4503);
            }
        }
        true
    }

    /// A socket over a stream whose handshake is done; nothing was sent or read yet.
    #[must_use]
    pub fn over(stream: Stream) -> Self {
        Self {
            stream,
            place: None,
            waiting: VecDeque::new(),
            welcome: Value::Null,
            closed: None,
            pings: 0,
            ended: false,
            position: String::new(),
            next_id: 1,
        }
    }

    /// Waits for the welcome.
    pub async fn welcomed(&mut self) {
        self.welcome = self.expect("welcome", |frame| frame["type"] == "welcome").await;
        if self.position.is_empty() {
            self.position = self.welcome["position"].as_str().expect("a position").to_owned();
        }
    }

    /// Sends a frame.
    pub async fn send(&mut self, frame: Value) {
        self.send_text(&frame.to_string()).await;
    }

    /// Sends a text as it is.
    pub async fn send_text(&mut self, text: &str) {
        // A refusal shows as a close frame, which the reader meets.
        let _ = self.stream.send(Message::text(text)).await;
    }

    /// Sends a binary frame.
    pub async fn send_binary(&mut self, bytes: Vec<u8>) {
        let _ = self.stream.send(Message::binary(bytes)).await;
    }

    /// Sends a frame under a new id and waits for its answer: `ok`, `error` or `pong`.
    pub async fn call(&mut self, mut frame: Value) -> Value {
        let id = self.next_id;
        self.next_id += 1;
        frame["id"] = json!(id);
        self.send(frame).await;
        self.expect("the answer", |frame| {
            frame["id"] == id && ["ok", "error", "pong"].iter().any(|kind| frame["type"] == *kind)
        })
        .await
    }

    /// Posts a message; the `ok` frame.
    pub async fn post(&mut self, room: &str, body: &str) -> Value {
        let answer = self.call(json!({"type": "post", "room_id": room, "body": body})).await;
        assert_eq!(answer["type"], "ok", "{answer}");
        answer
    }

    /// Posts under a client id; the answer, whatever it is.
    pub async fn post_as(&mut self, room: &str, client_id: &str, body: &str) -> Value {
        let frame = json!({"type": "post", "room_id": room, "client_id": client_id, "body": body});
        self.call(frame).await
    }

    /// Waits for the next event of a kind and gives it out.
    pub async fn event(&mut self, kind: &str) -> Value {
        self.expect(kind, |frame| frame["type"] == "event" && frame["event"] == kind).await
    }

    /// The same for one room.
    pub async fn event_in(&mut self, room: &str, kind: &str) -> Value {
        self.expect(kind, |frame| {
            frame["type"] == "event" && frame["event"] == kind && frame["room_id"] == room
        })
        .await
    }

    /// Waits for the first frame that fits; it and no other is taken out.
    ///
    /// # Panics
    /// When none came in time, or the socket closed first.
    pub async fn expect(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        let mut from = 0;
        loop {
            if let Some(place) = self.waiting.iter().skip(from).position(&fits) {
                return self.waiting.remove(from + place).expect("it is there");
            }
            from = self.waiting.len();
            assert!(
                self.read(deadline).await,
                "{what} did not come; closed: {:?}, unread: {:#?}",
                self.closed,
                self.waiting
            );
        }
    }

    /// Everything that came so far and was not taken, once a `ping` sent now has been answered: what the
    /// server had to say before is in it.
    pub async fn all(&mut self) -> Vec<Value> {
        self.send(json!({"type": "ping", "id": "all"})).await;
        self.expect("pong", |frame| frame["type"] == "pong" && frame["id"] == "all").await;
        std::mem::take(&mut self.waiting).into()
    }

    /// The next frame, whatever it is; none when none comes in time or the connection is gone.
    pub async fn next(&mut self, within: Duration) -> Option<Value> {
        if self.waiting.is_empty() {
            self.read(Instant::now() + within).await;
        }
        self.waiting.pop_front()
    }

    /// Throws away what came and was not taken out.
    pub fn all_so_far(&mut self) {
        self.waiting.clear();
    }

    /// Frames that came and were not taken out.
    #[must_use]
    pub fn unread(&self) -> &VecDeque<Value> {
        &self.waiting
    }

    /// Waits until the server has closed; the close code. Frames before it stay readable.
    ///
    /// # Panics
    /// When it does not in time.
    pub async fn wait_closed(&mut self, within: Duration) -> u16 {
        let deadline = Instant::now() + within;
        while self.read(deadline).await {}
        self.closed.unwrap_or_else(|| panic!("not closed within {within:?}: {:?}", self.waiting))
    }

    /// Reads until the socket ends, however it does: the code, or none when the connection just broke.
    pub async fn drain(&mut self) -> Option<u16> {
        let deadline = Instant::now() + PATIENCE;
        while self.read(deadline).await {}
        self.closed
    }

    /// Takes one frame in; false when none comes before the deadline or the socket has ended.
    async fn read(&mut self, deadline: Instant) -> bool {
        loop {
            let Ok(next) = timeout_at(deadline, self.stream.next()).await else { return false };
            match next {
                Some(Ok(Message::Text(text))) => {
                    let frame: Value = serde_json::from_str(&text).expect("frames are JSON");
                    if let Some(position) = frame["position"].as_str()
                        && ["event", "resumed"].contains(&frame["type"].as_str().unwrap_or(""))
                    {
                        position.clone_into(&mut self.position);
                    }
                    if let (Some(place), true) = (&self.place, frame["type"] == "ok") {
                        place.wrote(frame["position"].as_str().unwrap_or_default());
                    }
                    self.waiting.push_back(frame);
                    return true;
                }
                Some(Ok(Message::Close(frame))) => {
                    self.closed = Some(frame.map_or(1005, |frame| frame.code.into()));
                }
                Some(Ok(Message::Ping(_))) => self.pings += 1,
                Some(Ok(_)) => {}
                Some(Err(_)) | None => {
                    self.ended = true;
                    return false;
                }
            }
        }
    }

    /// Closes as a well-behaved client does.
    pub async fn close(mut self) {
        let _ = self.stream.close(None).await;
        let deadline = Instant::now() + Duration::from_secs(5);
        while self.read(deadline).await {}
    }
}
