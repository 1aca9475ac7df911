//! What this server says of itself to programs, rendered once at the start.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::http::Table;
use crate::state::Description;
use crate::{asyncapi, openapi, postman};

/// Every description of a table and of the socket.
#[must_use]
pub(crate) fn rendered(table: &Table) -> Description {
    let openapi = openapi::document(table);
    let published = schemas::published();
    let entries: Vec<Value> = published
        .iter()
        .map(|(name, schema)| {
            let about = schema.get("description").and_then(Value::as_str).unwrap_or_default();
            json!({"name": name, "url": format!("/schemas/{name}.json"), "description": about})
        })
        .collect();
    let schemas: BTreeMap<String, Bytes> = published
        .into_iter()
        .map(|(name, schema)| (name, text(&schema.to_value()).into()))
        .collect();
    Description {
        asyncapi: text(&asyncapi::document()).into(),
        postman: text(&postman::collection(&openapi)),
        openapi: text(&openapi).into(),
        schema_index: text(&json!({"items": entries, "next_cursor": null})).into(),
        schemas,
    }
}

/// A document as it is served and committed.
fn text(document: &Value) -> String {
    let mut text = serde_json::to_string_pretty(document).unwrap_or_default();
    text.push('\n');
    text
}
