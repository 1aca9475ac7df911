//! Users of Tidings over REST, as far as the benchmarks need them.

use serde_json::{Value, json};

use crate::servers::{Outcome, Tidings, unexpected};

/// A user who is logged in.
#[derive(Clone)]
pub(crate) struct Person {
    http: reqwest::Client,
    base: String,
    /// The user's id.
    pub id: String,
    /// The user's access token.
    pub token: String,
}

/// Sends a request and returns the JSON of the answer, or an error with what came instead.
pub(crate) async fn json_of(request: reqwest::RequestBuilder) -> Outcome<Value> {
    let response = request.send().await.map_err(unexpected)?;
    let status = response.status();
    let body = response.bytes().await.map_err(unexpected)?;
    if !status.is_success() {
        return Err(unexpected(format!("{status}: {}", String::from_utf8_lossy(&body))));
    }
    if body.is_empty() {
        Ok(Value::Null)
    } else {
        serde_json::from_slice(&body).map_err(unexpected)
    }
}

fn text(value: &Value, pointer: &str) -> Outcome<String> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.map(str::to_owned).ok_or_else(|| unexpected(format!("no {pointer} in {value}")))
}

/// The username of the `i`th user; a username has at least three characters.
pub(crate) fn name_of(prefix: &str, i: usize) -> String {
    format!("{prefix}-person-{i}")
}

impl Person {
    /// Registers `name` and logs in.
    pub(crate) async fn register(
        server: &Tidings,
        http: &reqwest::Client,
        name: &str,
    ) -> Outcome<Self> {
        let base = server.http.clone();
        let account = json!({"username": name, "email": format!("{name}@example.org"), "password": "correct horse"});
        json_of(http.post(format!("{base}/v1/users")).json(&account)).await?;
        Self::login(server, http, name).await
    }

    /// Logs in.
    pub(crate) async fn login(
        server: &Tidings,
        http: &reqwest::Client,
        name: &str,
    ) -> Outcome<Self> {
        let base = server.http.clone();
        let login = json!({"login": name, "password": "correct horse"});
        let session = json_of(http.post(format!("{base}/v1/sessions")).json(&login)).await?;
        Ok(Self {
            http: http.clone(),
            base,
            id: text(&session, "/user/id")?,
            token: text(&session, "/access_token")?,
        })
    }

    /// Registers many users at once, named by [`name_of`].
    pub(crate) async fn crowd(server: &Tidings, prefix: &str, count: usize) -> Outcome<Vec<Self>> {
        use futures_util::{StreamExt as _, TryStreamExt as _};
        let http = reqwest::Client::new();
        futures_util::stream::iter(0..count)
            .map(|i| {
                let (http, name) = (http.clone(), name_of(prefix, i));
                async move { Self::register(server, &http, &name).await }
            })
            .buffered(16)
            .try_collect()
            .await
    }

    /// A GET of a path under the server.
    pub(crate) async fn get(&self, path: &str) -> Outcome<Value> {
        json_of(self.http.get(format!("{}{path}", self.base)).bearer_auth(&self.token)).await
    }

    /// A POST of JSON.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Outcome<Value> {
        json_of(self.http.post(format!("{}{path}", self.base)).bearer_auth(&self.token).json(body))
            .await
    }

    /// Creates a public channel and adds the other users, 100 at a time; returns the room's id.
    pub(crate) async fn make_room(&self, name: &str, others: &[Self]) -> Outcome<String> {
        let (first, rest) = others.split_at(others.len().min(100));
        let members: Vec<&str> = first.iter().map(|p| p.id.as_str()).collect();
        let room = self
            .post("/v1/rooms", &json!({"kind": "channel", "name": name, "members": members}))
            .await?;
        let id = text(&room, "/id")?;
        for person in rest {
            self.post(&format!("/v1/rooms/{id}/members"), &json!({"user": person.id})).await?;
        }
        Ok(id)
    }
}
