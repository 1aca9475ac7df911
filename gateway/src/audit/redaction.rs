//! What is not shown of an event: the words of users, and whatever is called like a secret.

use serde_json::Value;

/// Fields that are left out, wherever they stand.
const HIDDEN: [&str; 8] =
    ["body", "title", "settings", "code", "codes", "secret", "password", "token"];

/// Leaves out what is not shown.
pub(super) fn redact(data: &mut Value) {
    match data {
        Value::Object(fields) => {
            fields.retain(|name, _| !HIDDEN.contains(&name.as_str()));
            fields.values_mut().for_each(redact);
        }
        Value::Array(items) => items.iter_mut().for_each(redact),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Names of fields in all events that hold words of users or may hold secrets, and are shown on purpose or not.
    fn names(value: &Value, into: &mut std::collections::BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    into.insert(name.clone());
                    names(value, into);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| names(item, into)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    #[test]
    fn nothing_hidden_is_left_of_any_event() {
        let mut before = std::collections::BTreeSet::new();
        let mut after = std::collections::BTreeSet::new();
        for event in testbed::every_event() {
            let bytes = logged(event);
            let whole: Value = serde_json::from_slice(&bytes).unwrap();
            let mut data = whole["data"].clone();
            names(&data, &mut before);
            redact(&mut data);
            names(&data, &mut after);
        }
        let gone: Vec<&String> =
            before.difference(&after).filter(|name| *name != "theme" && *name != "dark").collect();
        assert_eq!(gone, ["body", "settings", "title"]);
        assert!(HIDDEN.iter().all(|name| !after.contains(*name)));
    }

    fn logged(data: schemas::EventData) -> Vec<u8> {
        let event = schemas::Event {
            id: schemas::EventId::from_uuid(uuid::Uuid::from_u128(1)),
            time: schemas::Timestamp::default(),
            actor: schemas::Actor::System,
            causation: None,
            traceparent: None,
            data,
        };
        event.encode().unwrap()
    }

    #[test]
    fn fields_are_left_out_at_any_depth() {
        let mut data = json!({"a": [{"title": "x", "b": {"body": 1, "c": 2}}], "code": "123456"});
        redact(&mut data);
        assert_eq!(data, json!({"a": [{"b": {"c": 2}}]}));
    }
}
