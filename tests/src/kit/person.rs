//! A user with a client: an account, a session, requests.

use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::kit::http::Reply;
use crate::kit::place::Place;
use crate::kit::socket::Socket;
use crate::kit::{Patience, unique};

/// A user who is logged in.
#[derive(Clone)]
pub struct Person {
    /// The installation.
    pub place: Place,
    /// Which of the place's gateways this user uses.
    pub gateway: usize,
    /// The account's id.
    pub id: String,
    /// The account's unique name.
    pub username: String,
    /// The account's address.
    pub email: String,
    /// The password.
    pub password: String,
    /// The session.
    pub session_id: String,
    /// The access token.
    pub access: String,
    /// The refresh token.
    pub refresh: String,
    http: Client,
}

/// A client that is not logged in.
#[derive(Clone)]
pub struct Stranger {
    /// The installation.
    pub place: Place,
    http: Client,
}

/// A request being put together.
pub struct Ask {
    place: Place,
    http: Client,
    method: Method,
    path: String,
    url: String,
    headers: Vec<(String, String)>,
    body: Option<Value>,
    read: bool,
}

impl Ask {
    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a JSON body.
    #[must_use]
    pub fn json(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// Sends it once.
    pub async fn once(&self) -> Reply {
        let mut request = self.http.request(self.method.clone(), &self.url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(body) = &self.body {
            request = request.json(body);
        }
        let asked = format!("{} {}", self.method, self.path);
        let again = request.try_clone();
        let answer = match (request.send().await, again) {
            // A kept-alive connection may have ended meanwhile with the server; a read is asked anew.
            (Err(_), Some(again)) if self.read => again.send().await,
            (answer, _) => answer,
        };
        let answer = answer.unwrap_or_else(|error| panic!("{asked}: {error:?}"));
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.unwrap_or_default();
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        let reply = Reply { asked, status, headers, text, json };
        self.place.wrote(reply.header("tidings-position"));
        reply
    }

    /// Sends it. A read asks to see what was written before, and is asked again while it cannot.
    pub async fn send(mut self) -> Reply {
        let newest = self.place.newest.lock().unwrap().1.clone();
        let asks_already = self.headers.iter().any(|(name, _)| name == "tidings-min-position");
        if self.read && !newest.is_empty() && !asks_already {
            self = self.header("tidings-min-position", &newest);
            let what = format!("{} sees what was written", self.path);
            let mut patience = Patience::for_(&what);
            loop {
                let reply = self.once().await;
                if reply.json["code"] != "projection_lagging" {
                    return reply;
                }
                patience.pause().await;
            }
        }
        self.once().await
    }
}

fn client() -> Client {
    Client::builder().user_agent("tidings-tests").no_proxy().build().expect("a client")
}

fn ask(place: &Place, gateway: usize, http: &Client, method: Method, path: &str) -> Ask {
    Ask {
        place: place.clone(),
        http: http.clone(),
        url: format!("{}{path}", place.url(gateway)),
        path: path.to_owned(),
        read: method == Method::GET,
        method,
        headers: Vec::new(),
        body: None,
    }
}

impl Stranger {
    /// A client of this installation.
    #[must_use]
    pub fn new(place: &Place) -> Self {
        Self { place: place.clone(), http: client() }
    }

    /// Begins a request without credentials.
    #[must_use]
    pub fn ask(&self, method: &str, path: &str) -> Ask {
        ask(&self.place, 0, &self.http, method.parse().expect("a method"), path)
    }

    /// What operators read on their own port: `/metrics`, or `/readyz` with reasons.
    pub async fn operates(&self, path: &str) -> Reply {
        let url = format!("{}{path}", self.place.operator(0));
        Ask { url, ..self.ask("GET", path) }.once().await
    }

    /// Sends a GET.
    pub async fn get(&self, path: &str) -> Reply {
        self.ask("GET", path).send().await
    }

    /// Sends a POST.
    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.ask("POST", path).json(body).send().await
    }
}

impl Person {
    /// Registers an account with a unique name and logs in.
    pub async fn register(place: &Place, name: &str) -> Self {
        Self::register_at(place, 0, name).await
    }

    /// The same, as a user of another of the place's gateways.
    pub async fn register_at(place: &Place, gateway: usize, name: &str) -> Self {
        let username = unique(name);
        let (email, password) =
            (format!("{username}@example.org"), format!("secret of {username}"));
        let body = json!({"username": username, "email": email, "password": password,
                          "display_name": name});
        let http = client();
        let made = ask(place, gateway, &http, Method::POST, "/v1/users").json(body).send().await;
        made.ok(201);
        Self::login_at(place, gateway, &username, &password).await
    }

    /// Logs in: a session of its own.
    pub async fn login(place: &Place, login: &str, password: &str) -> Self {
        Self::login_at(place, 0, login, password).await
    }

    /// The same at another of the place's gateways.
    pub async fn login_at(place: &Place, gateway: usize, login: &str, password: &str) -> Self {
        let http = client();
        let body = json!({"login": login, "password": password});
        let reply =
            ask(place, gateway, &http, Method::POST, "/v1/sessions").json(body).send().await;
        let tokens = reply.ok(201);
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        Self {
            place: place.clone(),
            gateway,
            id: text(&tokens["user"]["id"]),
            username: text(&tokens["user"]["username"]),
            email: text(&tokens["user"]["email"]),
            password: password.to_owned(),
            session_id: text(&tokens["session_id"]),
            access: text(&tokens["access_token"]),
            refresh: text(&tokens["refresh_token"]),
            http,
        }
    }

    /// Another session of the same account.
    pub async fn again(&self) -> Self {
        Self::login_at(&self.place, self.gateway, &self.username, &self.password).await
    }

    /// The same session at another gateway.
    #[must_use]
    pub fn at(&self, gateway: usize) -> Self {
        Self { gateway, http: client(), ..self.clone() }
    }

    /// The same person with another access token.
    #[must_use]
    pub fn with_token(&self, access: &str) -> Self {
        Self { access: access.to_owned(), ..self.clone() }
    }

    /// `@username`.
    #[must_use]
    pub fn at_name(&self) -> String {
        format!("@{}", self.username)
    }

    /// Begins a request with this person's token.
    #[must_use]
    pub fn ask(&self, method: &str, path: &str) -> Ask {
        let method = method.parse().expect("a method");
        ask(&self.place, self.gateway, &self.http, method, path)
            .header("authorization", &format!("Bearer {}", self.access))
    }

    /// Sends a GET that sees everything that was written before.
    pub async fn get(&self, path: &str) -> Reply {
        self.ask("GET", path).send().await
    }

    /// Sends a POST.
    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.ask("POST", path).json(body).send().await
    }

    /// Sends a PUT with a body.
    pub async fn put(&self, path: &str, body: Value) -> Reply {
        self.ask("PUT", path).json(body).send().await
    }

    /// Sends a PUT without a body.
    pub async fn put_empty(&self, path: &str) -> Reply {
        self.ask("PUT", path).send().await
    }

    /// Sends a PATCH.
    pub async fn patch(&self, path: &str, body: Value) -> Reply {
        self.ask("PATCH", path).json(body).send().await
    }

    /// Sends a DELETE.
    pub async fn delete(&self, path: &str) -> Reply {
        self.ask("DELETE", path).send().await
    }

    /// Creates a group of this user and others; returns its id.
    pub async fn group(&self, others: &[&Person]) -> String {
        let members: Vec<&str> = others.iter().map(|other| other.id.as_str()).collect();
        let body = json!({"kind": "group", "name": unique("group"), "members": members});
        id_of(&self.post("/v1/rooms", body).await.ok(201))
    }

    /// Creates a public channel; returns its id and name.
    pub async fn channel(&self) -> (String, String) {
        let name = unique("channel");
        let room = self.post("/v1/rooms", json!({"kind": "channel", "name": name})).await.ok(201);
        (id_of(&room), name)
    }

    /// Finds or creates the direct room with others; returns its id.
    pub async fn direct(&self, others: &[&Person]) -> String {
        let members: Vec<&str> = others.iter().map(|other| other.id.as_str()).collect();
        let reply = self.post("/v1/direct", json!({"members": members})).await;
        assert!([200, 201].contains(&reply.status), "{}", reply.text);
        id_of(&reply.json)
    }

    /// Posts over REST; returns the message.
    pub async fn says(&self, room: &str, body: &str) -> Value {
        self.post(&format!("/v1/rooms/{room}/messages"), json!({"body": body})).await.ok(201)
    }

    /// A room as this user sees it.
    pub async fn room(&self, room: &str) -> Value {
        self.get(&format!("/v1/rooms/{room}")).await.ok(200)
    }

    /// The newest messages of a room, oldest first.
    pub async fn messages(&self, room: &str) -> Vec<Value> {
        items(&self.get(&format!("/v1/rooms/{room}/messages?limit=200")).await.ok(200))
    }

    /// Opens a socket with the `Authorization` header and waits for its welcome.
    pub async fn connect(&self) -> Socket {
        Socket::open(&self.place, self.gateway, &self.access, None).await
    }

    /// The same, resuming after a position.
    pub async fn resume(&self, position: &str) -> Socket {
        Socket::open(&self.place, self.gateway, &self.access, Some(position)).await
    }
}

/// The accounts a place begins with.
impl Place {
    /// Makes the first account, which is an admin's. To be called once, before any other.
    pub async fn found(&self) -> Person {
        let admin = Person::register(self, "admin").await;
        assert_eq!(admin.get("/v1/users/me").await.ok(200)["role"], "admin");
        *self.admin.lock().unwrap() = Some((admin.username.clone(), admin.password.clone()));
        admin
    }

    /// The admin, logged in anew.
    pub async fn admin(&self) -> Person {
        let known = self.admin.lock().unwrap().clone();
        let (username, password) = known.expect("the place was founded");
        Person::login(self, &username, &password).await
    }
}

/// The `id` of a document.
#[must_use]
pub fn id_of(document: &Value) -> String {
    document["id"].as_str().unwrap_or_else(|| panic!("no id in {document}")).to_owned()
}

/// The items of a page.
#[must_use]
pub fn items(page: &Value) -> Vec<Value> {
    page["items"].as_array().unwrap_or_else(|| panic!("no items in {page}")).clone()
}

/// The bodies of messages, in their order.
#[must_use]
pub fn bodies(messages: &[Value]) -> Vec<&str> {
    messages.iter().map(|message| message["body"].as_str().expect("a body")).collect()
}
