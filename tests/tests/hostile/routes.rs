//! Every route, as `/openapi.json` lists it, and requests that would be fine.

use serde_json::{Map, Value, json};
use tests::kit::files;
use tests::kit::installation::Place;
use tests::kit::person::{Person, Stranger, id_of, items};
use tests::kit::{unique, until};

use crate::aftermath::UNSPEAKABLE;

/// One operation of the document.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    /// The method, in upper case.
    pub(crate) method: String,
    /// With names in braces.
    pub(crate) path: String,
    /// Whether it wants an access token.
    pub(crate) secured: bool,
    /// The schema of its body.
    body: Option<Value>,
    /// Every place in its body.
    pub(crate) places: Vec<BodyPlace>,
    /// The names of its query parameters.
    pub(crate) query: Vec<String>,
}

/// A place in a body.
#[derive(Debug, Clone)]
pub(crate) struct BodyPlace {
    /// Where it is.
    pub(crate) pointer: String,
    /// Whether the document says that it may be null.
    pub(crate) may_be_null: bool,
}

impl BodyPlace {
    /// Everything in what a schema describes.
    fn within(schema: &Value, document: &Value, at: &str, found: &mut Vec<Self>) {
        for schema in alternatives(schema, document) {
            let mut inner = vec![("0", schema.get("items"))];
            let fields = schema["properties"].as_object().into_iter().flatten();
            inner.extend(fields.map(|(name, field)| (name.as_str(), Some(field))));
            for (name, schema) in inner {
                let Some(schema) = schema else { continue };
                let pointer = format!("{at}/{name}");
                let kinds = alternatives(schema, document);
                let may_be_null =
                    kinds.iter().any(|kind| kind["type"].to_string().contains("\"null\""));
                found.push(Self { pointer: pointer.clone(), may_be_null });
                Self::within(schema, document, &pointer, found);
            }
        }
    }

    /// A body with null here, and otherwise as it is.
    pub(crate) fn emptied_in(&self, mut body: Value) -> Value {
        let mut place = &mut body;
        for step in self.pointer.split('/').skip(1) {
            place = match step {
                "0" => {
                    *place = json!([null]);
                    &mut place[0]
                }
                name => {
                    if !place.is_object() {
                        *place = json!({});
                    }
                    &mut place[name]
                }
            };
        }
        *place = Value::Null;
        body
    }
}

/// The schemas of which one applies, without references.
fn alternatives<'a>(schema: &'a Value, document: &'a Value) -> Vec<&'a Value> {
    if let Some(name) = schema["$ref"].as_str().and_then(|name| name.strip_prefix('#')) {
        return alternatives(document.pointer(name).unwrap(), document);
    }
    match schema["anyOf"].as_array().or_else(|| schema["oneOf"].as_array()) {
        Some(some) => some.iter().flat_map(|one| alternatives(one, document)).collect(),
        None => vec![schema],
    }
}

/// Everything the document lists.
pub(crate) async fn operations(place: &Place) -> Vec<Operation> {
    let document = Stranger::new(place).get("/openapi.json").await.ok(200);
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let name = schema["$ref"].as_str().and_then(|name| name.rsplit('/').next());
            let named = name.map(|name| document["components"]["schemas"][name].clone());
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let mut places = Vec::new();
            BodyPlace::within(schema, &document, "", &mut places);
            all.push(Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                secured: operation["security"].is_array(),
                body: named.or_else(|| schema.is_object().then(|| schema.clone())),
                places,
                query: parameters
                    .filter(|one| one["in"] == "query")
                    .filter_map(|one| Some(one["name"].as_str()?.to_owned()))
                    .collect(),
            });
        }
    }
    assert!(all.len() > 40, "the document lists the routes");
    all
}

impl Operation {
    /// Whether only admins may call it.
    pub(crate) fn is_admins(&self) -> bool {
        self.path.starts_with("/v1/admin")
    }

    /// Whether it opens a WebSocket.
    pub(crate) fn is_socket(&self) -> bool {
        self.path == "/v1/ws"
    }

    /// The names in its path.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.path.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect()
    }

    /// Its path with one text for every name.
    pub(crate) fn with_every_name(&self, text: &str) -> String {
        self.names()
            .iter()
            .fold(self.path.clone(), |path, name| path.replace(&format!("{{{name}}}"), text))
    }

    /// Its path with a user's things filled in.
    pub(crate) fn among(&self, things: &Things) -> String {
        self.names().iter().fold(self.path.clone(), |path, name| {
            path.replace(&format!("{{{name}}}"), things.of(name))
        })
    }

    /// A body that fits its schema; none when it takes none.
    pub(crate) fn sample(&self, things: &Things) -> Option<Value> {
        let schema = self.body.as_ref()?;
        let properties = schema["properties"].as_object()?;
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        // Where nothing is required, one field is given: a change of nothing may be refused. A message needs a text
        // unless it has files.
        let chosen: Vec<&str> = match properties.contains_key("body") {
            true if required.is_empty() => vec!["body"],
            _ if required.is_empty() => properties.keys().map(String::as_str).take(1).collect(),
            _ => required,
        };
        let fields = chosen.into_iter().map(|name| (name.to_owned(), self.value(name, things)));
        Some(Value::Object(fields.collect::<Map<String, Value>>()))
    }

    fn value(&self, name: &str, things: &Things) -> Value {
        match name {
            "username" => json!(unique("walk")),
            "email" => json!(format!("{}@example.org", unique("walk"))),
            "password" | "new_password" | "current_password" => json!("secret of the walk"),
            "login" => json!("absent"),
            "refresh_token" => json!("none"),
            "role" if self.is_admins() => json!("user"),
            "role" => json!("member"),
            "content_type" => json!("text/plain"),
            "size" => json!(5),
            "muted_until" | "display_name" | "avatar_media_id" | "bio" => Value::Null,
            "kind" if self.path.contains("/verifications") => json!("email"),
            "kind" => json!("group"),
            "code" => json!("123456"),
            "members" | "users" => json!([things.user]),
            "user" => json!(things.user),
            "message_id" => json!(things.message),
            "notify" => json!("all"),
            "expires_in" | "max_uses" => json!(60),
            "until" => Value::Null,
            "archived" | "suspended" | "muted" => json!(false),
            _ => json!(UNSPEAKABLE),
        }
    }
}

/// A user's things that routes are about.
pub(crate) struct Things {
    /// A private room of the user.
    pub(crate) room: String,
    /// The user's message in it.
    pub(crate) message: String,
    /// Another member of it.
    pub(crate) user: String,
    /// The user's session.
    pub(crate) session: String,
    /// An entry of the user's inbox.
    pub(crate) notification: String,
    /// A file of the user that is in no message.
    pub(crate) media: String,
}

impl Things {
    /// Creates them.
    pub(crate) async fn between(owner: &Person, member: &Person) -> Self {
        let room = owner.group(&[member]).await;
        let message = id_of(&owner.says(&room, UNSPEAKABLE).await);
        let notification = until("a notification", async || {
            let inbox = owner.get("/v1/notifications").await.ok(200);
            items(&inbox).first().map(id_of)
        });
        let file = files::upload(owner, UNSPEAKABLE, "text/plain", b"hello").await;
        Self {
            room,
            message,
            media: id_of(&file),
            user: member.id.clone(),
            session: owner.session_id.clone(),
            notification: notification.await,
        }
    }

    fn of(&self, name: &str) -> &str {
        match name {
            "room_id" => &self.room,
            "message_id" => &self.message,
            "user_id" => &self.user,
            "session_id" => &self.session,
            "notification_id" => &self.notification,
            "media_id" => &self.media,
            "emoji" => "%F0%9F%91%8D",
            "provider_id" => "works",
            "report_id" => "rep_00000000000000000000000000",
            "token" => "none",
            "challenge_id" => "chl_00000000000000000000000000",
            "erasure_id" => "ers_00000000000000000000000000",
            "export_id" => "exp_00000000000000000000000000",
            "identity_id" => "00000000000000000000000000000000",
            "dead_letter_id" => "999999999",
            "code" => "not_found",
            "name" => "problem",
            other => panic!("the walk has no {other}: add it to Things"),
        }
    }
}
