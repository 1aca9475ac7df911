//! The commands of services as NATS carries them: a channel for each subject, a request, and the answer to it.

use bus::{SERVICE_ERROR, SERVICE_ERROR_CODE};
use schemas::Namespace;
use schemas::commands::{Described, described};
use serde_json::{Map, Value, json};

use super::parts::Parts;

/// The channel of all answers: requests name the subjects, which are new ones each time.
const ANSWERS: &str = "answers";

/// What the document says of commands, besides their messages.
pub(super) struct Commands {
    /// How the requests to each service are shared among its copies.
    pub(super) bindings: Map<String, Value>,
    pub(super) channels: Map<String, Value>,
    pub(super) operations: Map<String, Value>,
}

/// Adds the messages of every command; what else is to be said of it.
pub(super) fn commands(parts: &mut Parts) -> Commands {
    let (mut bindings, mut channels, mut operations) = (Map::new(), Map::new(), Map::new());
    let asked_with = parts.component("CommandHeaders", request_headers);
    let answered_with = parts.component("AnswerHeaders", answer_headers);
    let mut answers = Map::new();
    for Described { service, name, about, command, reply } in described(&mut parts.generator) {
        let id = format!("command.{service}.{name}");
        let answer = format!("answer.{service}.{name}");
        let command = parts.value(command);
        let (asked, given) = (parts.request(&about, command), parts.value(reply));
        let title = format!("{service}.{name}");
        parts.add(id.clone(), &title, asked, Some(asked_with.clone()));
        parts.add(answer.clone(), &title, given, Some(answered_with.clone()));
        answers.insert(answer.clone(), json!({"$ref": format!("#/components/messages/{answer}")}));
        bindings
            .entry(service)
            .or_insert_with(|| json!({"nats": {"queue": service, "bindingVersion": "0.1.0"}}));
        channels.insert(id.clone(), channel(service, name, &about));
        operations.insert(id.clone(), operation(service, &id));
    }
    channels.insert(ANSWERS.to_owned(), answers_channel(&answers));
    Commands { bindings, channels, operations }
}

/// The subject of a command, of whichever namespace.
fn address(service: &str, name: &str) -> String {
    let example = Namespace::parse("tidings").map(|namespace| namespace.command(service, name));
    let subject = example.unwrap_or_default();
    let rest = subject.split_once('.').map_or("", |(_, rest)| rest);
    format!("{{namespace}}.{rest}")
}

fn channel(service: &str, name: &str, about: &str) -> Value {
    let id = format!("command.{service}.{name}");
    json!({
        "address": address(service, name), "title": format!("{service}: {name}"), "description": about,
        "servers": [{"$ref": "#/servers/nats"}],
        "parameters": {"namespace": {"$ref": "#/components/parameters/namespace"}},
        "messages": {&id: {"$ref": format!("#/components/messages/{id}")}},
    })
}

fn answers_channel(messages: &Map<String, Value>) -> Value {
    json!({
        "address": null, "title": "The answers to commands",
        "description": "Each goes to the subject that the request names for it.",
        "servers": [{"$ref": "#/servers/nats"}],
        "messages": messages,
    })
}

/// A service takes requests, each as one of all that run, and answers them.
fn operation(service: &str, id: &str) -> Value {
    let answer = id.replacen("command", "answer", 1);
    json!({
        "action": "receive",
        "channel": {"$ref": format!("#/channels/{id}")},
        "messages": [{"$ref": format!("#/channels/{id}/messages/{id}")}],
        "reply": {
            "channel": {"$ref": format!("#/channels/{ANSWERS}")},
            "messages": [{"$ref": format!("#/channels/{ANSWERS}/messages/{answer}")}],
        },
        "bindings": {"$ref": format!("#/components/operationBindings/{service}")},
    })
}

fn request_headers() -> Value {
    json!({"type": "object", "properties": {
        "traceparent": {"type": "string", "description": "The W3C trace the request belongs to."}}})
}

fn answer_headers() -> Value {
    json!({"type": "object", "properties": {
        SERVICE_ERROR: {"type": "string", "description": "There is no payload: the service took the request and \
            could not deal with it, for this reason."},
        SERVICE_ERROR_CODE: {"type": "string", "description": "400: the request cannot be read. 500: the service \
            failed; the command may have been carried out."}}})
}

#[cfg(test)]
mod tests {
    use schemas::commands::ALL;

    use super::super::document;
    use super::*;

    #[test]
    fn every_command_is_described_with_its_subject_and_its_answer() {
        let document = document();
        let channels = document["channels"].as_object().unwrap();
        let operations = document["operations"].as_object().unwrap();
        let namespace = Namespace::parse("tidings").unwrap();
        for (service, name) in ALL {
            let id = format!("command.{service}.{name}");
            let address = channels[&id]["address"].as_str().unwrap();
            let subject = address.replace("{namespace}", "tidings");
            assert_eq!(subject, namespace.command(service, name));
            assert!(!channels[&id]["description"].as_str().unwrap().is_empty(), "{id}");
            let reply = &operations[&id]["reply"]["messages"][0]["$ref"];
            assert_eq!(reply, &format!("#/channels/answers/messages/answer.{service}.{name}"));
        }
        let commands = operations.keys().filter(|id| id.starts_with("command.")).count();
        assert_eq!(commands, ALL.len());
        assert_eq!(channels["answers"]["messages"].as_object().unwrap().len(), ALL.len());
    }

    #[test]
    fn a_request_and_its_answer_are_described_as_they_travel() {
        let document = document();
        let messages = &document["components"]["messages"];
        let asked = &messages["command.auth.login"];
        assert_eq!(asked["description"], "Starts a session.");
        assert_eq!(asked["payload"]["allOf"][0]["$ref"], "#/components/schemas/CommandRequest");
        let common = &document["components"]["schemas"]["CommandRequest"];
        assert_eq!(common["required"], json!(["context", "command"]));
        let sent = &asked["examples"][0]["payload"];
        let sent: schemas::commands::Request<schemas::commands::Login> =
            serde_json::from_value(sent.clone()).unwrap();
        assert_eq!(sent.command.login, "ada");
        let given = &messages["answer.auth.login"]["examples"][0]["payload"];
        let given: schemas::commands::Reply<schemas::views::SessionTokens> =
            serde_json::from_value(given.clone()).unwrap();
        assert!(matches!(given, schemas::commands::Reply::Accepted(_)));
        let nothing = &messages["answer.chat.delete_message"]["examples"][0]["payload"];
        assert_eq!(nothing, &json!({"accepted": {"result": null}}));
    }
}
