//! Examples for the descriptions of this API, made from the schemas: what a type or a field of some name looks like.
//!
//! The bodies of requests are such that a server takes them as soon as the ids in them are those of things it has; the
//! black-box tests send every one.

use serde_json::{Map, Value, json};

/// How deep an example goes; views refer to one another, and some to themselves.
const DEPTH: usize = 8;

/// Bodies of requests of which no field, or another than those required, makes a useful example: by the name of the
/// schema.
const BODIES: &[(&str, &str)] = &[
    (
        "NewRoom",
        r#"{"kind":"channel","name":"Engines","topic":"How they work","visibility":"public"}"#,
    ),
    ("RoomChanges", r#"{"topic":"How engines work, and why"}"#),
    ("MemberChanges", r#"{"role":"admin"}"#),
    ("OwnSettings", r#"{"notify":"mentions","pinned":true}"#),
    ("NewInvite", r#"{"expires_in":86400,"max_uses":10}"#),
    ("NewBan", r#"{"reason":"Advertising in every room"}"#),
    ("NewMessage", r#"{"client_id":"c-7f3a","body":"Has anyone seen the plans?"}"#),
    ("ProfileChanges", r#"{"display_name":"Ada Lovelace","bio":"I write programs."}"#),
    ("UserChanges", r#"{"role":"moderator"}"#),
    (
        "NewNotification",
        r#"{"user_ids":["usr_06f1jxm9d5v7s8k2a3b4c5d6e8"],"title":"Maintenance","body":"The server restarts at noon."}"#,
    ),
    ("ReportChange", r#"{"status":"dismissed","note":"A joke among friends"}"#),
    ("Credentials", r#"{"login":"ada","password":"correct horse battery"}"#),
    ("RefreshToken", r#"{"refresh_token":"trt_example"}"#),
    ("NewFactor", r#"{"password":"correct horse battery"}"#),
    ("AccountDeletion", r#"{"password":"correct horse battery"}"#),
    ("ExportRequest", r#"{"password":"correct horse battery"}"#),
    ("FactorRemoval", r#"{"password":"correct horse battery","code":"123456"}"#),
    ("AddressChange", r#"{"email":"countess@example.org","password":"correct horse battery"}"#),
    (
        "CallContext",
        r#"{"caller":{"user_id":"usr_06f1jxm9d5v7s8k2a3b4c5d6e8","session_id":"ses_06f1jxm9d5v7s8k2a3b4c5d6e8","role":"user"},"deadline_ms":5000}"#,
    ),
    (
        "PasswordChange",
        r#"{"current_password":"correct horse battery","new_password":"a much longer horse"}"#,
    ),
];

/// Values of types, by the name of their schema.
const TYPES: &[(&str, &str)] = &[
    ("UserId", "usr_06f1jxm9d5v7s8k2a3b4c5d6e8"),
    ("SessionId", "ses_06f1jxm9d5v7s8k2a3b4c5d6e8"),
    ("RoomId", "room_06f1jxm9d5v7s8k2a3b4c5d6e8"),
    ("MessageId", "msg_06f1jxm9d5v7s8k2a3b4c5d6e8"),
    ("NotificationId", "ntf_06f1jxm9d5v7s8k2a3b4c5d6e8"),
    ("ChallengeId", "chl_06f1jxm9d5v7s8k2a3b4c5d6e8"),
    ("EventType", "message.posted.v1"),
    ("SubjectId", "room_06f1jxm9d5v7s8k2a3b4c5d6e8"),
    ("Actor", "usr_06f1jxm9d5v7s8k2a3b4c5d6e8"),
    ("EventId", "evt_06f1jxm9d5v7s8k2a3b4c5d6e8"),
    ("InviteId", "inv_06f1jxm9d5v7s8k2a3b4c5d6e8"),
    ("ExportId", "exp_06f1jxm9d5v7s8k2a3b4c5d6e8"),
    ("MediaId", "media_06f1jxm9d5v7s8k2a3b4c5d6e8"),
    ("ReportId", "rep_06f1jxm9d5v7s8k2a3b4c5d6e8"),
    ("ReactionId", "rea_06f1jxm9d5v7s8k2a3b4c5d6e8"),
    ("Position", "k3x9:4711"),
    ("Timestamp", "2026-11-21T10:00:00.000Z"),
    ("Email", "ada@example.org"),
    ("UserRef", "@grace"),
    ("Reason", "Advertising in every room"),
    ("Notice", "The server restarts at noon."),
    ("Title", "Maintenance"),
    ("Emoji", "👍"),
    ("Digest", "9f86d081884c7d659a2feaa0c55ad015"),
    ("CodeChallenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
];

/// Texts of fields, by their names, where their type says nothing.
const TEXTS: &[(&str, &str)] = &[
    ("username", "ada"),
    ("email", "ada@example.org"),
    ("display_name", "Ada Lovelace"),
    ("bio", "I write programs."),
    ("login", "ada"),
    ("password", "correct horse battery"),
    ("current_password", "correct horse battery"),
    ("new_password", "a much longer horse"),
    ("code", "123456"),
    ("access_token", "eyJhbGciOiJFZERTQSJ9.e30.c2lnbmF0dXJl"),
    ("refresh_token", "trt_example"),
    ("token", "eyJhbGciOiJFZERTQSJ9.e30.c2lnbmF0dXJl"),
    ("token_type", "Bearer"),
    ("ticket", "tkt_example"),
    ("secret", "JBSWY3DPEHPK3PXP"),
    ("otpauth_url", "otpauth://totp/Tidings:ada?secret=JBSWY3DPEHPK3PXP&issuer=Tidings"),
    ("recovery_codes", "3f7k-9x2m"),
    ("name", "Engines"),
    ("topic", "How they work"),
    ("client_id", "c-7f3a"),
    ("body", "Has anyone seen the plans?"),
    ("title", "Maintenance"),
    ("emoji", "👍"),
    ("reason", "Advertising in every room"),
    ("text", "At lunch"),
    ("ip", "192.0.2.7"),
    ("user_agent", "Mozilla/5.0"),
    ("url", "https://chat.example.org/i/7GmQ2xkN"),
    ("filename", "plans.png"),
    ("content_type", "image/png"),
    ("resume", "k3x9:4711"),
    ("position", "k3x9:4711"),
    ("room_id", "room_06f1jxm9d5v7s8k2a3b4c5d6e8"),
    ("message_id", "msg_06f1jxm9d5v7s8k2a3b4c5d6e8"),
    ("thread_root_id", "msg_06f1jxm9d5v7s8k2a3b4c5d6e8"),
    ("user_id", "usr_06f1jxm9d5v7s8k2a3b4c5d6e8"),
    ("user_ids", "usr_06f1jxm9d5v7s8k2a3b4c5d6e8"),
    ("session_id", "ses_06f1jxm9d5v7s8k2a3b4c5d6e8"),
    ("notification_id", "ntf_06f1jxm9d5v7s8k2a3b4c5d6e8"),
    ("challenge_id", "chl_06f1jxm9d5v7s8k2a3b4c5d6e8"),
    ("dead_letter_id", "17"),
    ("report_id", "rep_06f1jxm9d5v7s8k2a3b4c5d6e8"),
    ("media_id", "media_06f1jxm9d5v7s8k2a3b4c5d6e8"),
    ("sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("media_id", "media_06f1jxm9d5v7s8k2a3b4c5d6e8"),
    ("export_id", "exp_06f1jxm9d5v7s8k2a3b4c5d6e8"),
    ("erasure_id", "ers_06f1jxm9d5v7s8k2a3b4c5d6e8"),
    ("provider_id", "company"),
    ("provider", "company"),
    ("identity_id", "9f86d081884c7d659a2feaa0c55ad015"),
    ("dead_letter_id", "7"),
    ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
    ("sha256", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
    ("next_cursor", "eyJhZnRlciI6NDcxMX0"),
    ("source", "/tidings"),
    ("actor", "usr_06f1jxm9d5v7s8k2a3b4c5d6e8"),
    ("digest", "1c291ca3"),
    ("trace_id", "0af7651916cd43dd8448eb211c80319c"),
];

/// Lists that are empty in an example, as they usually are.
const EMPTY: &[&str] = &["attachments", "mentions", "errors"];

/// A value that fits the schema of a field called `name`; `definitions` are those its references lead to.
pub(crate) fn example(schema: &Value, name: &str, definitions: &Map<String, Value>) -> Value {
    Examples { definitions }.of(schema, name, DEPTH)
}

/// The value of a parameter of a path.
pub(crate) fn parameter(path: &str, name: &str) -> &'static str {
    match (path, name) {
        (path, "code") if path.starts_with("/problems") => "not_found",
        (path, "name") if path.starts_with("/schemas") => "message",
        (_, "code") => "7GmQ2xkN",
        _ => text(name),
    }
}

fn text(name: &str) -> &'static str {
    TEXTS.iter().find(|(field, _)| *field == name).map_or("text", |(_, text)| text)
}

struct Examples<'a> {
    definitions: &'a Map<String, Value>,
}

impl Examples<'_> {
    fn of(&self, schema: &Value, name: &str, depth: usize) -> Value {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            return self.referred(reference, name, depth);
        }
        if let Some(one) = schema.get("const") {
            return one.clone();
        }
        if let Some(first) = schema.pointer("/enum/0") {
            return first.clone();
        }
        let choices = ["oneOf", "anyOf"].iter().find_map(|key| schema.get(*key)?.as_array());
        if let Some(first) = choices.and_then(|choices| choices.iter().find(|one| !is_null(one))) {
            return self.of(first, name, depth);
        }
        match schema.get("allOf").and_then(Value::as_array) {
            Some(parts) => self.all_of(parts, schema, name, depth),
            None => self.typed(schema, name, depth),
        }
    }

    /// What fits every part of a schema, and what stands beside them.
    fn all_of(&self, parts: &[Value], schema: &Value, name: &str, depth: usize) -> Value {
        let mut made = parts.iter().map(|part| self.of(part, name, depth));
        let first = made.next().unwrap_or_default();
        let own = self.object(schema, depth);
        made.chain([own]).fold(first, |mut whole, part| {
            if let (Some(fields), Value::Object(more)) = (whole.as_object_mut(), part) {
                fields.extend(more);
            }
            whole
        })
    }

    fn referred(&self, reference: &str, name: &str, depth: usize) -> Value {
        let kind = reference.rsplit('/').next().unwrap_or_default();
        if let Some((_, body)) = BODIES.iter().find(|(known, _)| *known == kind) {
            return serde_json::from_str(body).unwrap_or_default();
        }
        if let Some((_, text)) = TYPES.iter().find(|(known, _)| *known == kind) {
            return (*text).into();
        }
        match self.definitions.get(kind) {
            Some(definition) if depth > 0 => self.of(definition, name, depth - 1),
            _ => Value::Null,
        }
    }

    fn typed(&self, schema: &Value, name: &str, depth: usize) -> Value {
        let kind = match schema.get("type") {
            Some(Value::Array(some)) => some.iter().find(|one| *one != "null"),
            other => other,
        };
        match kind.and_then(Value::as_str) {
            Some("object") => self.object(schema, depth),
            Some("array") if EMPTY.contains(&name) || depth == 0 => json!([]),
            Some("array") => schema
                .get("items")
                .map_or(json!([]), |item| json!([self.of(item, name, depth - 1)])),
            Some("null") => Value::Null,
            Some("boolean") => true.into(),
            Some("integer" | "number") => {
                let least = schema.get("minimum").and_then(Value::as_u64).unwrap_or(0);
                least.max(1).into()
            }
            Some("string") if schema.get("format").is_some_and(|format| format == "date-time") => {
                "2026-11-21T10:00:00.000Z".into()
            }
            Some("string") => text(name).into(),
            _ => json!({}),
        }
    }

    fn object(&self, schema: &Value, depth: usize) -> Value {
        let required = schema.get("required").and_then(Value::as_array);
        let required = |name: &str| required.is_some_and(|all| all.iter().any(|one| one == name));
        let fields = schema.get("properties").and_then(Value::as_object);
        let fields = fields.into_iter().flatten().filter(|(name, _)| required(name));
        fields.map(|(name, schema)| (name.clone(), self.of(schema, name, depth))).collect()
    }
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").is_some_and(|kind| kind == "null")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_ids() {
        let id = |kind: &str| TYPES.iter().find(|(known, _)| *known == kind).unwrap().1;
        schemas::UserId::parse(id("UserId")).unwrap();
        schemas::RoomId::parse(id("RoomId")).unwrap();
        schemas::MessageId::parse(id("MessageId")).unwrap();
        schemas::MediaId::parse(id("MediaId")).unwrap();
        schemas::Position::parse(id("Position")).unwrap();
        schemas::Timestamp::parse(id("Timestamp")).unwrap();
    }

    #[test]
    fn what_is_required_is_there_and_nothing_else() {
        let schema = json!({"type": "object", "required": ["username", "kind"], "properties": {
            "username": {"type": "string"}, "more": {"type": "string"}, "kind": {"$ref": "#/$defs/Kind"}}});
        let kinds = json!({"Kind": {"oneOf": [{"const": "a"}, {"const": "b"}]}});
        let made = example(&schema, "", kinds.as_object().unwrap());
        assert_eq!(made, json!({"username": "ada", "kind": "a"}));
    }

    #[test]
    fn what_extends_another_has_the_fields_of_both() {
        let schema = json!({"allOf": [{"$ref": "#/$defs/Envelope"}], "required": ["kind"],
            "properties": {"kind": {"const": "a"}}});
        let envelope = json!({"type": "object", "required": ["username", "kind"], "properties": {
            "username": {"type": "string"}, "kind": {"type": "string"}}});
        let made = example(&schema, "", json!({"Envelope": envelope}).as_object().unwrap());
        assert_eq!(made, json!({"username": "ada", "kind": "a"}));
    }
}
