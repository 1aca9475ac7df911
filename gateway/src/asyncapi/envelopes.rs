//! What messages of one kind have in common: a component each, which the messages extend by what is their own.

use schemars::JsonSchema;
use schemas::commands::CallContext;
use schemas::values::SubjectId;
use schemas::{EventId, Timestamp, TraceParent};
use serde_json::{Map, Value, json};

use super::parts::Parts;

/// The envelope of events over the socket.
const FRAME: &str = "EventFrame";
/// The envelope of events of the log.
const EVENT: &str = "LogEvent";
/// What every request of a command is.
const REQUEST: &str = "CommandRequest";

/// A component, and fields that only one kind of message has; all are required.
fn extended(component: &str, about: &str, fields: &[(&str, Value)]) -> Value {
    let required: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    let properties: Map<String, Value> =
        fields.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    json!({
        "type": "object", "description": about, "allOf": [reference(component)],
        "required": required, "properties": properties,
    })
}

fn reference(component: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{component}")})
}

fn description(schema: &Value) -> &str {
    schema.get("description").and_then(Value::as_str).unwrap_or_default()
}

fn only(value: &str) -> Value {
    json!({"type": "string", "const": value})
}

impl Parts {
    /// The frame of events, of one name.
    pub(super) fn told(&mut self, frame: &Value, event: &str, data: Value) -> Value {
        let about = match self.about(&data) {
            about if about.is_empty() => description(frame).to_owned(),
            about => about,
        };
        self.component(FRAME, || frame.clone());
        extended(FRAME, &about, &[("event", only(event)), ("data", data)])
    }

    /// An event of the log, of one type.
    pub(super) fn stored(&mut self, kind: &str, data: Value) -> Value {
        let about = self.about(&data);
        let id = self.reference::<EventId>();
        let subject = self.reference::<SubjectId>();
        let time = self.reference::<Timestamp>();
        let trace = self.reference::<TraceParent>();
        self.component(EVENT, || envelope(&id, &subject, &time, &trace));
        extended(EVENT, &about, &[("type", only(kind)), ("data", data)])
    }

    /// A command as it travels.
    pub(super) fn request(&mut self, about: &str, command: Value) -> Value {
        let context = self.reference::<CallContext>();
        self.component(REQUEST, || {
            json!({
                "type": "object", "description": "A command as it travels.",
                "required": ["context", "command"],
                "properties": {"context": context, "command": {"description": "What is asked for."}},
            })
        });
        extended(REQUEST, about, &[("command", command)])
    }

    fn reference<T: JsonSchema>(&mut self) -> Value {
        let schema = self.generator.subschema_for::<T>();
        self.value(schema)
    }
}

/// What every event of the log says besides its data.
fn envelope(id: &Value, subject: &Value, time: &Value, trace: &Value) -> Value {
    let text = |about: &str| json!({"type": "string", "description": about});
    json!({
        "type": "object",
        "description": "An event as it lies in the log: CloudEvents 1.0 in JSON.",
        "required": ["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "actor", "digest", "data"],
        "properties": {
            "specversion": only("1.0"),
            "id": id,
            "source": text("Where it comes from: `/tidings`."),
            "type": text("What happened, and the version in which it is told."),
            "subject": subject,
            "time": time,
            "datacontenttype": only("application/json"),
            "actor": text("The user who caused it, or `system`."),
            "causation": text("The id of the event that led to this one."),
            "traceparent": trace,
            "digest": text("CRC-32 of the data and of what identifies the event, in hexadecimal."),
            "data": {"description": "What is to be said of it."},
        },
    })
}
