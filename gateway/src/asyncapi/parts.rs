//! What the document is made of: schemas that refer to one another, and messages with an example each.

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::examples::example;

/// The schemas and messages of the document, as far as they are made.
pub(super) struct Parts {
    pub(super) generator: SchemaGenerator,
    /// Schemas that are no type's alone, by the names of their components.
    components: Map<String, Value>,
    messages: Vec<Message>,
}

/// A message of the document, before it has an example.
struct Message {
    name: String,
    title: String,
    /// The schemas of what stands in it, and of its headers if it has any.
    payload: Value,
    headers: Option<Value>,
}

impl Parts {
    pub(super) fn new() -> Self {
        let settings =
            SchemaSettings::draft07().with(|s| s.definitions_path = "/components/schemas".into());
        let generator = settings.into_generator();
        Self { generator, components: Map::new(), messages: Vec::new() }
    }

    /// A schema without the dialect, which holds for the whole document.
    pub(super) fn value(&mut self, mut schema: Schema) -> Value {
        for transform in self.generator.transforms_mut() {
            transform.transform(&mut schema);
        }
        schema.remove("$schema");
        schema.to_value()
    }

    /// What a referenced schema says of itself.
    pub(super) fn about(&self, reference: &Value) -> String {
        described(self.generator.definitions(), reference)
    }

    /// A reference to a component, which is made when it is first asked for.
    pub(super) fn component(&mut self, name: &str, make: impl FnOnce() -> Value) -> Value {
        self.components.entry(name).or_insert_with(make);
        json!({"$ref": format!("#/components/schemas/{name}")})
    }

    /// Adds a message; its name.
    pub(super) fn add(
        &mut self,
        name: String,
        title: &str,
        payload: Value,
        headers: Option<Value>,
    ) -> String {
        let title = title.to_owned();
        self.messages.push(Message { name: name.clone(), title, payload, headers });
        name
    }

    /// The schemas, and the messages with an example each.
    pub(super) fn finish(mut self) -> (Map<String, Value>, Map<String, Value>) {
        let mut schemas = self.generator.take_definitions(true);
        schemas.append(&mut self.components);
        for schema in schemas.values_mut().filter_map(Value::as_object_mut) {
            schema.remove("$schema");
        }
        let message = |Message { name, title, payload, headers }: Message| {
            let made = with_id(example(&payload, "", &schemas), &payload);
            let own = payload.get("description").and_then(Value::as_str);
            let summary = own.map_or_else(|| described(&schemas, &payload), str::to_owned);
            let mut message = json!({
                "name": title, "title": title, "description": summary,
                "payload": payload, "examples": [{"name": "example", "payload": made}],
            });
            if let (Some(headers), Some(fields)) = (headers, message.as_object_mut()) {
                fields.insert("headers".into(), headers);
            }
            (name, message)
        };
        let messages = self.messages.into_iter().map(message).collect();
        (schemas, messages)
    }
}

/// What a schema says of itself that a reference leads to.
fn described(definitions: &Map<String, Value>, reference: &Value) -> String {
    let path = reference.get("$ref").and_then(Value::as_str).unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    let about = definitions.get(name).and_then(|one| one.get("description"));
    about.and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// An example with what is not required and yet usual: an id, and the token of a `hello`.
fn with_id(mut example: Value, payload: &Value) -> Value {
    let has = |field: &str| payload.pointer(&format!("/properties/{field}")).is_some();
    if let Some(fields) = example.as_object_mut() {
        if has("id") {
            fields.insert("id".into(), 7.into());
        }
        if has("token") {
            fields.insert("token".into(), "eyJhbGciOiJFZERTQSJ9.e30.c2lnbmF0dXJl".into());
        }
    }
    example
}
