//! The AsyncAPI 3 document: what travels over the socket, the events of the log as they are republished, and the
//! commands of services.
//!
//! Made from the types of the frames, the table of names that sockets are told of, the table of event types and that of
//! commands: the same that read and write them.

mod commands;
mod envelopes;
mod parts;

use schemars::JsonSchema;
use schemas::EventData;
use schemas::frames::{ClientFrame, CloseCode, ServerFrame};
use serde_json::{Map, Value, json};

use crate::live::frames::{FrameName, data_of};
use parts::Parts;

const ABOUT: &str = "Chat over one WebSocket: clients send frames, each is answered by `ok` or `error` if it has an \
    `id`, and the server tells what happens as `event` frames. A client keeps the highest `position` it has seen and \
    resumes after it. Servers may add fields and events; clients ignore those they do not know. The channels on \
    NATS are for operators and not for clients: `log` has every event of the log, as it is republished; `command.*` take \
    a gateway's commands to the services that carry them out. The same server over REST is described at `/openapi.json`.";

/// The document.
#[must_use]
pub(crate) fn document() -> Value {
    let mut parts = Parts::new();
    let client = parts.client_frames();
    let server = parts.server_frames();
    let log = parts.log_events();
    let commands = commands::commands(&mut parts);
    let mut operations = with_log(operations(&client, &server), &log);
    operations.extend(commands.operations);
    let mut channels = channels(&client, &server, &log);
    channels.extend(commands.channels);
    let (schemas, messages) = parts.finish();
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Tidings",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "gateway": {
                "host": "{host}", "pathname": "/", "protocol": "ws",
                "description": "A gateway, as it listens. Behind TLS the protocol is wss.",
                "variables": {"host": {"default": "localhost:8080"}},
            },
            "nats": {
                "host": "{nats}", "protocol": "nats", "description": "The NATS server that holds the log.",
                "variables": {"nats": {"default": "localhost:4222"}},
            },
        },
        "channels": channels,
        "operations": operations,
        "components": {
            "schemas": schemas,
            "messages": messages,
            "parameters": {"namespace": {"default": "tidings", "description": "Which installation."}},
            "operationBindings": commands.bindings,
        },
    })
}

/// Where frames and events go.
fn channels(client: &[String], server: &[String], log: &[String]) -> Map<String, Value> {
    let socket = json!({
        "address": "/v1/ws", "title": "The socket", "servers": [{"$ref": "#/servers/gateway"}],
        "description": "Authenticated by `hello`, by the header `Authorization`, or by a ticket.",
        "messages": references("#/components/messages", client.iter().chain(server)),
        "bindings": {"ws": {"method": "GET", "query": {"type": "object", "properties": {
            "ticket": {"type": "string", "description": "From POST /v1/ws-tickets; 30 seconds, once."}}},
            "bindingVersion": "0.1.0"}},
        "x-close-codes": CloseCode::ALL.iter().map(|code| json!({
            "code": code.code(), "reason": code.reason(), "verdict": code.verdict(),
        })).collect::<Vec<_>>(),
    });
    let log = json!({
        "address": "{namespace}.live.{lane}", "title": "The events of the log",
        "description": "CloudEvents 1.0, republished by the NATS server after each is stored.",
        "servers": [{"$ref": "#/servers/nats"}],
        "parameters": {
            "namespace": {"$ref": "#/components/parameters/namespace"},
            "lane": {"description": "The lane of the entity, such as `timeline.<room id>`."},
        },
        "messages": references("#/components/messages", log),
    });
    Map::from_iter([("socket".to_owned(), socket), ("log".to_owned(), log)])
}

impl Parts {
    /// The frames of an enum, each by its `type`.
    fn frames<T: JsonSchema>(&mut self) -> Vec<(String, Value)> {
        let schema = T::json_schema(&mut self.generator);
        let whole = self.value(schema);
        let frames = whole.get("oneOf").and_then(Value::as_array).cloned().unwrap_or_default();
        let named = |frame: Value| {
            let name = frame.pointer("/properties/type/const").and_then(Value::as_str)?.to_owned();
            Some((name, frame))
        };
        frames.into_iter().filter_map(named).collect()
    }

    fn client_frames(&mut self) -> Vec<String> {
        let frames = self.frames::<ClientFrame>();
        let add =
            |(name, frame): (String, Value)| self.add(format!("client.{name}"), &name, frame, None);
        frames.into_iter().map(add).collect()
    }

    /// Every frame of a server; that of events once for each name an event can have.
    fn server_frames(&mut self) -> Vec<String> {
        let mut names = Vec::new();
        for (name, frame) in self.frames::<ServerFrame>() {
            if name != "event" {
                names.push(self.add(format!("server.{name}"), &name, frame, None));
                continue;
            }
            for event in FrameName::ALL {
                let Some(data) = data_of(*event, &mut self.generator) else { continue };
                let data = self.value(data);
                let payload = self.told(&frame, event.as_str(), data);
                names.push(self.add(
                    format!("event.{}", event.as_str()),
                    event.as_str(),
                    payload,
                    None,
                ));
            }
        }
        names
    }

    fn log_events(&mut self) -> Vec<String> {
        let mut names = Vec::new();
        for (kind, schema) in EventData::described(&mut self.generator) {
            let data = self.value(schema);
            let payload = self.stored(kind, data);
            names.push(self.add(format!("log.{kind}"), kind, payload, None));
        }
        names
    }
}

fn references<'a>(home: &str, names: impl IntoIterator<Item = &'a String>) -> Map<String, Value> {
    names
        .into_iter()
        .map(|name| (name.clone(), json!({"$ref": format!("{home}/{name}")})))
        .collect()
}

/// What can be done over the socket: each frame of a client, with its answers, and each frame of a server.
fn operations(client: &[String], server: &[String]) -> Map<String, Value> {
    let of_socket = |name: &str| json!({"$ref": format!("#/channels/socket/messages/{name}")});
    let channel = json!({"$ref": "#/channels/socket"});
    let mut operations = Map::new();
    for name in client {
        let answers: &[&str] = match name.as_str() {
            "client.hello" => &["server.welcome", "server.error"],
            "client.ping" => &["server.pong"],
            "client.resume" => &["server.resumed", "server.reset", "server.error"],
            "client.watch_presence" => &["server.presence", "server.ok", "server.error"],
            _ => &["server.ok", "server.error"],
        };
        let answers: Vec<Value> = answers.iter().map(|name| of_socket(name)).collect();
        let operation = json!({"action": "receive", "channel": channel, "messages": [of_socket(name)],
            "reply": {"channel": channel, "messages": answers}});
        operations.insert(name.clone(), operation);
    }
    for name in server {
        let operation =
            json!({"action": "send", "channel": channel, "messages": [of_socket(name)]});
        operations.insert(name.clone(), operation);
    }
    operations
}

fn with_log(mut operations: Map<String, Value>, log: &[String]) -> Map<String, Value> {
    let messages: Vec<Value> =
        log.iter().map(|name| json!({"$ref": format!("#/channels/log/messages/{name}")})).collect();
    let operation =
        json!({"action": "send", "channel": {"$ref": "#/channels/log"}, "messages": messages});
    operations.insert("log.republished".into(), operation);
    operations
}

#[cfg(test)]
mod tests {
    use schemars::SchemaGenerator;

    use super::*;

    #[test]
    fn every_frame_of_the_tables_is_described() {
        let document = document();
        let messages = document["components"]["messages"].as_object().unwrap();
        for name in FrameName::ALL {
            let is_event = data_of(*name, &mut SchemaGenerator::default()).is_some();
            let key = format!("event.{}", name.as_str());
            assert_eq!(messages.contains_key(&key), is_event, "{key}");
        }
        for kind in EventData::types() {
            assert!(messages.contains_key(&format!("log.{kind}")), "{kind}");
        }
        for name in ["client.hello", "client.post", "server.welcome", "server.ok", "server.reload"]
        {
            assert!(messages.contains_key(name), "{name}");
        }
        let operations = document["operations"].as_object().unwrap();
        assert_eq!(operations["client.post"]["action"], "receive");
        assert_eq!(operations["event.message.posted"]["action"], "send");
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document();
        let text = document.to_string();
        for part in text.split("\"$ref\":\"#").skip(1) {
            let pointer = part.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
    }

    /// Names that generators of code can use: two schemas of one name would be told apart by numbers.
    #[test]
    fn every_schema_has_a_name_of_its_own() {
        let document = document();
        for name in document["components"]["schemas"].as_object().unwrap().keys() {
            assert!(!name.ends_with(|last: char| last.is_ascii_digit()), "{name}");
        }
    }

    #[test]
    fn examples_of_frames_are_read_as_frames() {
        let document = document();
        for (name, message) in document["components"]["messages"].as_object().unwrap() {
            let sent = &message["examples"][0]["payload"];
            if name.starts_with("client.") {
                serde_json::from_value::<ClientFrame>(sent.clone()).unwrap();
                assert!(crate::socket::is_frame(&sent.to_string()), "{name}: {sent}");
            }
            if let Some(kind) = name.strip_prefix("log.") {
                assert_eq!(sent["type"], kind);
            }
        }
    }
}
