//! The OpenAPI 3.1 document, made from the URL table and the types' own schemas.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use schemas::{Code, Problem};
use serde_json::{Map, Value, json};

use crate::examples;
use crate::http::{Access, Meter, Route, Table};

/// The OpenAPI document of a table.
#[must_use]
pub(crate) fn document(table: &Table) -> Value {
    let settings =
        SchemaSettings::draft2020_12().with(|s| s.definitions_path = "/components/schemas".into());
    let mut generator = settings.into_generator();
    let problem = generator.subschema_for::<Problem>();
    let mut paths: Map<String, Value> = Map::new();
    for route in table.iter().filter(|route| !route.unlisted) {
        let operation = operation(route, &mut generator);
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(route.method.as_str().to_lowercase(), operation);
        }
    }
    let mut definitions = Value::Object(generator.take_definitions(true));
    plain(&mut definitions);
    let mut paths = Value::Object(paths);
    if let Some(definitions) = definitions.as_object() {
        exemplify(&mut paths, definitions);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Tidings",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Event-sourced chat. Every write answers with `Tidings-Position`. A read that sends it back as \
                `Tidings-Min-Position` sees the write. Without that header, a session that reads through the gateway \
                it wrote through waits up to one second for its own last write, then reads what is there. Each \
                user has allowances, shared by all of their sessions, sockets and gateways: REST requests, frames \
                together with REST writes, and bytes stored. `RateLimit-Policy` and `RateLimit` state them and \
                what is left; 429 with `Retry-After` says that one is used up. Errors are RFC 9457 problems with \
                a stable `code`.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": definitions,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
            "responses": {"Problem": {
                "description": "The request failed. `code` is one of `x-problem-codes`, each with its status.",
                "content": {"application/problem+json": {"schema": problem}},
            }},
        },
        "x-problem-codes": Code::ALL.iter().map(|code| json!({
            "code": code, "status": code.status(), "retryable": code.retryable(), "title": code.title(),
        })).collect::<Vec<_>>(),
    })
}

fn operation(route: &Route, generator: &mut SchemaGenerator) -> Value {
    let mut operation = Map::new();
    operation.insert("summary".into(), route.summary.into());
    operation.insert("operationId".into(), operation_id(route).into());
    operation.insert("tags".into(), json!([route.tag]));
    if route.access != Access::Open {
        operation.insert("security".into(), json!([{"bearer": []}]));
    }
    let parameters = parameters(route, generator);
    if !parameters.is_empty() {
        operation.insert("parameters".into(), parameters.into());
    }
    if let Some(body) = route.description.body {
        let schema = body(generator);
        let required = route.needs_body || has_required_fields(schema.as_value(), generator);
        let content = json!({"application/json": {"schema": schema}});
        operation.insert("requestBody".into(), json!({"required": required, "content": content}));
    }
    operation.insert("responses".into(), responses(route, generator).into());
    operation.into()
}

/// Whether a body of this schema says something in every request; otherwise it may be left out.
fn has_required_fields(schema: &Value, generator: &SchemaGenerator) -> bool {
    let name = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
    let named = name.and_then(|name| generator.definitions().get(name));
    let required = named.unwrap_or(schema).get("required").and_then(Value::as_array);
    required.is_some_and(|fields| !fields.is_empty())
}

fn parameters(route: &Route, generator: &mut SchemaGenerator) -> Vec<Value> {
    let path = route.description.path.iter();
    let mut parameters: Vec<Value> = path
        .map(|name| {
            json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"},
                "example": examples::parameter(route.path, name)})
        })
        .collect();
    if let Some(query) = route.description.query {
        let mut schema = query(generator).to_value();
        plain(&mut schema);
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, schema) in properties.into_iter().flatten() {
            let mut schema = without_null(schema);
            let fields = schema.as_object_mut();
            let description = fields.and_then(|fields| fields.remove("description"));
            let description = description.unwrap_or_default();
            parameters.push(json!({"name": name, "in": "query", "required": false,
                "description": description, "schema": schema}));
        }
    }
    let header = |name: &str, description: &str| {
        json!({"name": name, "in": "header", "required": false, "description": description,
            "schema": {"type": "string"}})
    };
    if route.method == actix_web::http::Method::POST {
        let what = "Names the request. A repeat with the same key returns the first answer and does nothing twice.";
        parameters.push(header("Idempotency-Key", what));
    }
    if route.reads() && route.access != Access::Open {
        parameters.push(header("Tidings-Min-Position", "The `Tidings-Position` of a write that this read must see. The read waits up to two seconds, then answers 503 \
            `projection_lagging`. Without this header it waits for the session's own last write."));
    }
    parameters
}

fn responses(route: &Route, generator: &mut SchemaGenerator) -> Map<String, Value> {
    let mut responses = Map::new();
    for (status, schema) in &route.description.answers {
        let mut response = json!({"description": description(*status)});
        if let (Some(schema), Some(response)) = (schema, response.as_object_mut()) {
            let content = json!({"application/json": {"schema": schema(generator)}});
            response.insert("content".into(), content);
        }
        if let (false, Some(response)) = (route.reads(), response.as_object_mut()) {
            let position = json!({"Tidings-Position": {"schema": {"type": "string"},
                "description": "The position in the log from which the effect can be read."}});
            response.insert("headers".into(), position);
        }
        responses.insert(status.to_string(), response);
    }
    for status in problem_statuses(route) {
        let problem = json!({"$ref": "#/components/responses/Problem"});
        responses.insert(status.to_string(), problem);
    }
    responses.insert("default".into(), json!({"$ref": "#/components/responses/Problem"}));
    responses
}

fn problem_statuses(route: &Route) -> Vec<u16> {
    let mut statuses = vec![400];
    if route.access != Access::Open {
        statuses.extend([401, 403]);
    } else if route.confidential {
        // The credentials or the refresh token may be wrong.
        statuses.push(401);
    }
    if !route.description.path.is_empty() {
        statuses.push(404);
    }
    if !route.reads() {
        statuses.extend([409, 413, 415]);
    }
    if route.method == actix_web::http::Method::POST {
        statuses.push(422);
    }
    if route.meter != Meter::Free {
        statuses.extend([429, 503]);
    }
    statuses.retain(|status| Code::ALL.iter().any(|code| code.status() == *status));
    statuses
}

const fn description(status: u16) -> &'static str {
    match status {
        101 => "Switching protocols: the connection is a WebSocket",
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No content",
        302 => "Go on at `Location`",
        _ => "See the problem",
    }
}

/// `get_v1_rooms_room_id_members`: stable as long as method and path are.
fn operation_id(route: &Route) -> String {
    let words = route.path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty());
    let mut id = route.method.as_str().to_lowercase();
    for word in words {
        id.push('_');
        id.push_str(word);
    }
    id
}

/// A query parameter is there or not; it is never null.
fn without_null(schema: &Value) -> Value {
    let mut schema = schema.clone();
    let Some(fields) = schema.as_object_mut() else { return schema };
    if let Some(Value::Array(types)) = fields.get("type") {
        let types: Vec<Value> = types.iter().filter(|one| *one != "null").cloned().collect();
        if let [one] = types.as_slice() {
            fields.insert("type".into(), one.clone());
        }
    }
    if let Some(Value::Array(some)) = fields.remove("anyOf") {
        let null = json!({"type": "null"});
        for one in some.into_iter().filter(|one| *one != null) {
            fields.extend(one.as_object().cloned().unwrap_or_default());
        }
    }
    schema
}

/// Puts an example beside every schema of a body and an answer.
fn exemplify(value: &mut Value, definitions: &Map<String, Value>) {
    let Some(fields) = value.as_object_mut() else { return };
    if let Some(content) = fields.get_mut("application/json").and_then(Value::as_object_mut) {
        if let Some(schema) = content.get("schema") {
            let example = examples::example(schema, "", definitions);
            content.insert("example".into(), example);
        }
        return;
    }
    fields.values_mut().for_each(|value| exemplify(value, definitions));
}

/// Documents in components have no use for a dialect of their own.
fn plain(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.remove("$schema");
            fields.values_mut().for_each(plain);
        }
        Value::Array(items) => items.iter_mut().for_each(plain),
        _ => {}
    }
}
