//! The examples of the OpenAPI document, sent as they stand to a real server: each body is accepted as soon as the names and
//! ids in it are those of things that are there.

use serde_json::{Map, Value, json};
use tests::kit::installation::Place;
use tests::kit::person::{Person, Stranger};
use tests::kit::unique;

here!(every_body_is_accepted, a_body_can_be_left_out_where_it_is_not_required);

/// Operations whose example cannot be accepted, and why.
const REASONS: &[(&str, &str)] = &[
    ("post_v1_sessions_refresh", "a refresh token is used up by its use"),
    ("post_v1_sessions_oidc", "the code comes from a provider"),
    ("post_v1_verifications_challenge_id_confirm", "the code is in a mail"),
    ("post_v1_password_resets_challenge_id_confirm", "the code is in a mail"),
    ("post_v1_users_me_totp_confirm", "the code is shown by an app"),
    ("post_v1_rooms_room_id_invites", "the caller's address is not verified"),
    ("delete_v1_users_me_identities_identity_id", "no account is linked to a provider"),
];

/// Operations whose body may be left out, though not by everyone, and who may.
const BY_SOME: &[(&str, &str)] = &[
    ("delete_v1_users_me", "accounts without a password"),
    ("post_v1_users_me_exports", "accounts without a password"),
    ("post_v1_users_me_totp", "accounts without a password"),
    ("delete_v1_users_me_totp", "accounts without a password"),
];

/// What stands for the things in an example.
struct Scene {
    ada: Person,
    admin: Person,
    grace: Person,
    room: String,
    root: String,
    answer: String,
    report: String,
}

impl Scene {
    async fn set(place: &Place) -> Self {
        let admin = place.admin().await;
        let ada = Person::register(place, "ada").await;
        let (grace, guest) =
            (Person::register(place, "grace").await, Person::register(place, "guest").await);
        let room = ada.group(&[&guest]).await;
        let root =
            guest.says(&room, "How do engines work?").await["id"].as_str().unwrap().to_owned();
        let answer = json!({"body": "With cards.", "thread_root_id": root});
        let answer = guest.post(&format!("/v1/rooms/{room}/messages"), answer).await.ok(201);
        let report = json!({"reason": "Advertising"});
        let report = ada.post(&format!("/v1/messages/{root}/reports"), report).await.ok(201);
        let id = |value: &Value| value["id"].as_str().unwrap().to_owned();
        Self { answer: id(&answer), report: id(&report), ada, admin, grace, room, root }
    }

    /// A value of an example, with what is there in place of what it names.
    fn real(&self, name: &str, value: Value) -> Value {
        match value {
            Value::Object(fields) => {
                let fields = fields.into_iter().map(|(name, value)| {
                    let value = self.real(&name, value);
                    (name, value)
                });
                fields.collect::<Map<_, _>>().into()
            }
            Value::Array(items) => {
                items.into_iter().map(|item| self.real(name, item)).collect::<Vec<_>>().into()
            }
            Value::String(text) => self.real_text(name, text).into(),
            other => other,
        }
    }

    fn real_text(&self, name: &str, text: String) -> String {
        match name {
            "username" => unique("someone"),
            "email" => format!("{}@example.org", unique("someone")),
            "login" => self.ada.username.clone(),
            "password" | "current_password" => self.ada.password.clone(),
            _ if text == "@grace" => self.grace.at_name(),
            _ if text.starts_with("usr_") => self.grace.id.clone(),
            _ if text.starts_with("room_") => self.room.clone(),
            // Threads are read up to an answer, rooms up to any message.
            _ if text.starts_with("msg_") => self.answer.clone(),
            _ => text,
        }
    }

    /// The path, and whose call it is.
    async fn call(&self, template: &str, operation: &str, method: &str) -> (String, Person) {
        let path = template
            .replace("{room_id}", &self.room)
            .replace("{report_id}", &self.report)
            .replace("{user_id}", &self.grace.id)
            .replace("{challenge_id}", "chl_06f1jxm9d5v7s8k2a3b4c5d6e8");
        let caller = if template.starts_with("/v1/admin/") { &self.admin } else { &self.ada };
        // Only a text of one's own can be changed.
        let own = operation == "patch_v1_messages_message_id";
        let message = match own {
            true => self.ada.says(&self.room, "A typo").await["id"].as_str().unwrap().to_owned(),
            false => self.root.clone(),
        };
        // A member can be changed once they are one.
        if method == "patch" && template.ends_with("/members/{user_id}") {
            let member = json!({"user": self.grace.id});
            self.ada.post(&format!("/v1/rooms/{}/members", self.room), member).await.ok(201);
        }
        // A hold ends after it was placed.
        if method == "delete" && template.starts_with("/v1/admin/holds/") {
            self.admin.put(&path, json!({"reason": "A court asks for it"})).await.ok(204);
        }
        (path.replace("{message_id}", &message), caller.again().await)
    }
}

async fn every_body_is_accepted(place: Place) {
    let document = Stranger::new(&place).get("/openapi.json").await.ok(200);
    let mut wrong = Vec::new();
    let mut sent = 0;
    for (template, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let Some(content) = operation.pointer("/requestBody/content/application~1json") else {
                continue;
            };
            let id = operation["operationId"].as_str().unwrap();
            let scene = Scene::set(&place).await;
            let (path, caller) = scene.call(template, id, method).await;
            let body = scene.real("", content["example"].clone());
            let answer = caller.ask(&method.to_uppercase(), &path).json(body.clone()).once().await;
            sent += 1;
            let excused = REASONS.iter().any(|(known, _)| *known == id);
            let fits = match excused {
                true => (400..500).contains(&answer.status),
                false => (200..300).contains(&answer.status),
            };
            if !fits {
                wrong.push(format!("{id} {body}: {} {}", answer.status, answer.text));
            }
        }
    }
    assert!(sent > 20, "{sent}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn a_body_can_be_left_out_where_it_is_not_required(place: Place) {
    let document = Stranger::new(&place).get("/openapi.json").await.ok(200);
    let mut wrong = Vec::new();
    let mut optional = Vec::new();
    for (template, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let Some(required) = operation["requestBody"]["required"].as_bool() else { continue };
            let id = operation["operationId"].as_str().unwrap();
            let scene = Scene::set(&place).await;
            let (path, caller) = scene.call(template, id, method).await;
            let answer = caller.ask(&method.to_uppercase(), &path).once().await;
            let refused = answer.json["code"] == "validation_failed";
            let by_some = BY_SOME.iter().any(|(known, _)| *known == id);
            if refused != (required || by_some) {
                wrong.push(format!("{id}: {required}, {} {}", answer.status, answer.text));
            }
            if !required {
                optional.push(id.to_owned());
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let unknown: Vec<_> =
        BY_SOME.iter().filter(|(id, _)| !optional.iter().any(|o| o == id)).collect();
    assert!(unknown.is_empty() && optional.len() > BY_SOME.len(), "{unknown:?} {optional:?}");
}
