//! Requests that are made until their answer is final, at whichever gateway answers.

use std::time::Duration;

use reqwest::Client;
use serde_json::Value;
use tests::kit::installation::Place;
use tests::kit::last;
use tokio::time::Instant;

/// A request that gets no answer is given up after this time, and made again.
const PATIENCE: Duration = Duration::from_secs(12);
/// The longest that a request is made again and again.
const STUCK: Duration = Duration::from_secs(90);

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) body: Option<Value>,
    /// Its idempotency key.
    pub(super) key: Option<String>,
    /// The position that the answer must show.
    pub(super) since: String,
}

impl Request {
    pub(super) fn get(path: &str, since: &str) -> Self {
        Self {
            method: "GET",
            path: path.to_owned(),
            body: None,
            key: None,
            since: since.to_owned(),
        }
    }
}

/// A final answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) json: Value,
}

impl Answer {
    pub(super) fn is_good(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// The way into an installation.
#[derive(Clone)]
pub(super) struct Door {
    pub(super) place: Place,
    http: Client,
}

impl Door {
    pub(super) fn to(place: &Place) -> Self {
        let http = Client::builder().no_proxy().timeout(PATIENCE).build().expect("a client");
        Self { place: place.clone(), http }
    }

    /// The newest position of any write that was answered.
    pub(super) fn newest(&self) -> (u64, String) {
        self.place.newest.lock().unwrap().clone()
    }

    /// Asks until the answer is final.
    ///
    /// # Panics
    /// When it is none in time, or one that a client must never see.
    pub(super) async fn ask(&self, token: &str, gateway: usize, request: &Request) -> Answer {
        let deadline = Instant::now() + STUCK;
        let mut gateway = gateway;
        loop {
            let answer = self.once(token, gateway, request).await;
            match answer {
                Some(Answer { status: 503, .. }) | None => gateway += 1,
                Some(answer) => {
                    let shown = format!("{request:?}: {} {}", answer.status, answer.json);
                    assert!(answer.status < 500, "{shown}");
                    return answer;
                }
            }
            assert!(Instant::now() < deadline, "no answer to {request:?}: {answer:?}");
            last(Duration::from_millis(50)).await;
        }
    }

    async fn once(&self, token: &str, gateway: usize, request: &Request) -> Option<Answer> {
        let url = format!("{}{}", self.place.url(gateway), request.path);
        let method = request.method.parse().expect("a method");
        let mut call = self.http.request(method, url).bearer_auth(token);
        if let Some(body) = &request.body {
            call = call.json(body);
        }
        if let Some(key) = &request.key {
            call = call.header("idempotency-key", key);
        }
        if !request.since.is_empty() {
            call = call.header("tidings-min-position", &request.since);
        }
        let answer = call.send().await.ok()?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.ok()?;
        let position = headers.get("tidings-position").and_then(|value| value.to_str().ok());
        self.place.wrote(position.unwrap_or_default());
        Some(Answer { status, json: serde_json::from_str(&text).unwrap_or_default() })
    }

    /// All items of a list; none when the caller may not read it.
    pub(super) async fn all(
        &self,
        token: &str,
        gateway: usize,
        path: &str,
        since: &str,
    ) -> Option<Vec<Value>> {
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = Request::get(&format!("{path}?limit=200{cursor}"), since);
            let page = self.ask(token, gateway, &page).await;
            if [401, 403, 404].contains(&page.status) {
                return None;
            }
            assert_eq!(page.status, 200, "{path}: {}", page.json);
            items.extend(page.json["items"].as_array().expect("items").iter().cloned());
            match page.json["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Some(items),
            }
        }
    }

    /// The whole history of a room, oldest first; none when the caller may not read it.
    pub(super) async fn history(
        &self,
        token: &str,
        gateway: usize,
        room: &str,
        since: &str,
    ) -> Option<Vec<Value>> {
        let mut pages: Vec<Vec<Value>> = Vec::new();
        let mut before = String::new();
        loop {
            let path = format!("/v1/rooms/{room}/messages?limit=200{before}");
            let page = self.ask(token, gateway, &Request::get(&path, since)).await;
            if [401, 403, 404].contains(&page.status) {
                return None;
            }
            assert_eq!(page.status, 200, "{path}: {}", page.json);
            let items = page.json["items"].as_array().expect("items").clone();
            let Some(oldest) = items.first() else { break };
            before = format!("&before={}", oldest["id"].as_str().expect("an id"));
            pages.push(items);
        }
        Some(pages.into_iter().rev().flatten().collect())
    }
}
