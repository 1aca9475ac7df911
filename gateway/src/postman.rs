//! A Postman collection (v2.1) of the OpenAPI document, which can be run from its beginning to its end.
//!
//! Requests begin with an account of their own and a login that keeps its token; what they make gives the variables that
//! later requests name. Every answer is checked: no status of the server's own failure, and none that the document
//! does not list.

use serde_json::{Map, Value, json};

/// Stands for where the server is reached, until it is known by whom it is asked for.
pub(crate) const SITE: &str = "https://tidings.invalid";

/// Before each request: the name of an account that no other run has taken.
const BEFORE: &str = "const at = pm.collectionVariables;
if (!at.get('username')) {
    const name = () => 'guest' + pm.variables.replaceIn('{{$randomUUID}}').slice(0, 8);
    at.set('username', name());
    at.set('email', at.get('username') + '@example.org');
    at.set('other_username', name());
    at.set('other_email', at.get('other_username') + '@example.org');
}
";

/// The token and ids that a request brings for those after it.
const LOG_IN: &str = "if (pm.response.code === 201) {
    const body = pm.response.json();
    pm.collectionVariables.set('access_token', body.access_token);
    pm.collectionVariables.set('refresh_token', body.refresh_token);
}";

/// The requests a run begins with: operation, the script that keeps what they bring.
const FIRST: &[(&str, &str)] = &[
    ("post_v1_users", ""),
    ("post_v1_sessions", LOG_IN),
    (
        "post_v1_rooms",
        "if (pm.response.code === 201) pm.collectionVariables.set('room_id', pm.response.json().id);",
    ),
    (
        "post_v1_rooms_room_id_messages",
        "if (pm.response.code === 201) pm.collectionVariables.set('message_id', pm.response.json().id);",
    ),
];

/// After the other account is registered, whom requests about a user are about.
const OTHER: &str =
    "if (pm.response.code === 201) pm.collectionVariables.set('user_id', pm.response.json().id);";

/// Requests after which nothing is as it was: they come last, in this order.
const LAST: &[&str] = &[
    "delete_v1_admin_messages_message_id",
    "delete_v1_messages_message_id",
    "delete_v1_rooms_room_id_members_me",
    "delete_v1_rooms_room_id",
    "delete_v1_admin_rooms_room_id",
    "delete_v1_admin_users_user_id",
    "post_v1_users_me_password",
    "post_v1_sessions_refresh",
    "delete_v1_sessions_session_id",
    "delete_v1_users_me",
    "delete_v1_sessions_current",
    "delete_v1_sessions",
];

/// What variables hold before anything has been asked for.
const VARIABLES: &[(&str, &str)] = &[
    ("base_url", SITE),
    ("username", ""),
    ("email", ""),
    ("other_username", ""),
    ("other_email", ""),
    ("password", "correct horse battery"),
    ("access_token", ""),
    ("refresh_token", ""),
];

/// The collection of a document.
#[must_use]
pub(crate) fn collection(openapi: &Value) -> Value {
    let mut folders: Vec<(String, Vec<Value>)> = vec![("First steps".to_owned(), Vec::new())];
    let mut last: Vec<(usize, Value)> = Vec::new();
    let mut variables: Vec<(String, String)> = Vec::new();
    for (path, method, operation) in operations(openapi) {
        let id = operation.get("operationId").and_then(Value::as_str).unwrap_or_default();
        // An HTTP client cannot open a socket.
        if id == "get_v1_ws" {
            continue;
        }
        let request = item(path, method, operation, openapi);
        for (name, example) in path_variables(operation) {
            if !variables.iter().any(|(known, _)| *known == name) {
                variables.push((name, example));
            }
        }
        if let Some(place) = LAST.iter().position(|last| *last == id) {
            last.push((place, request));
        } else if FIRST.iter().any(|(first, _)| *first == id) {
            folders[0].1.push(request.clone());
            if id == "post_v1_users" {
                folders[0].1.push(other_account(&request));
            }
        } else {
            let tag = operation.pointer("/tags/0").and_then(Value::as_str).unwrap_or_default();
            match folders.iter_mut().find(|(name, _)| name == tag) {
                Some((_, items)) => items.push(request),
                None => folders.push((tag.to_owned(), vec![request])),
            }
        }
    }
    let place = |request: &Value| FIRST.iter().position(|(id, _)| named(request, id));
    folders[0].1.sort_by_key(place);
    last.sort_by_key(|(place, _)| *place);
    folders.push(("Farewells".to_owned(), last.into_iter().map(|(_, request)| request).collect()));
    whole(folders, variables)
}

fn whole(folders: Vec<(String, Vec<Value>)>, paths: Vec<(String, String)>) -> Value {
    let fixed = VARIABLES.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let variables: Vec<Value> =
        fixed.chain(paths).map(|(key, value)| json!({"key": key, "value": value})).collect();
    let folders: Vec<Value> =
        folders.into_iter().map(|(name, items)| json!({"name": name, "item": items})).collect();
    json!({
        "info": {
            "name": "Tidings",
            "description": "Set `base_url`, then run \"First steps\": it registers an account, logs in and keeps the \
                token, and makes a room with a message for the other requests.",
            "version": env!("CARGO_PKG_VERSION"),
            "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json",
        },
        "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{access_token}}", "type": "string"}]},
        "variable": variables,
        "event": [script("prerequest", BEFORE)],
        "item": folders,
    })
}

fn operations(openapi: &Value) -> impl Iterator<Item = (&String, &String, &Value)> {
    let paths = openapi.get("paths").and_then(Value::as_object).into_iter().flatten();
    paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().into_iter().flatten();
        methods.map(move |(method, operation)| (path, method, operation))
    })
}

fn path_variables(operation: &Value) -> Vec<(String, String)> {
    let parameters = operation.get("parameters").and_then(Value::as_array).into_iter().flatten();
    let parameters = parameters.filter(|one| one.get("in").is_some_and(|place| place == "path"));
    let text = |one: &Value, key: &str| one.get(key).and_then(Value::as_str).map(str::to_owned);
    parameters.filter_map(|one| Some((text(one, "name")?, text(one, "example")?))).collect()
}

fn item(path: &str, method: &str, operation: &Value, openapi: &Value) -> Value {
    let text = |key: &str| operation.get(key).and_then(Value::as_str).unwrap_or_default();
    let id = text("operationId");
    let segments: Vec<String> = path
        .split('/')
        .skip(1)
        // Two things are called so; only that of invitations is a variable.
        .map(|segment| match segment {
            "{code}" if path.starts_with("/problems") => "not_found".to_owned(),
            segment => segment.replace('{', "{{").replace('}', "}}"),
        })
        .collect();
    let raw = format!("{{{{base_url}}}}/{}", segments.join("/"));
    let mut request = Map::new();
    request.insert("method".into(), method.to_uppercase().into());
    request.insert("description".into(), text("summary").into());
    request.insert("url".into(), json!({"raw": raw, "host": ["{{base_url}}"], "path": segments}));
    if operation.get("security").is_none() {
        request.insert("auth".into(), json!({"type": "noauth"}));
    }
    if let Some(body) = operation.pointer("/requestBody/content/application~1json/example") {
        let raw = serde_json::to_string_pretty(&with_variables("", body.clone(), path))
            .unwrap_or_default();
        request
            .insert("header".into(), json!([{"key": "Content-Type", "value": "application/json"}]));
        let language = json!({"raw": {"language": "json"}});
        request.insert("body".into(), json!({"mode": "raw", "raw": raw, "options": language}));
    }
    let kept = FIRST.iter().find(|(first, _)| *first == id).map(|(_, script)| *script);
    let test = format!("{}\n{}", check(operation, openapi), kept.unwrap_or_default());
    // A redirect is an answer of its own, and the document lists it.
    let behaviour = json!({"followRedirects": false});
    json!({"name": text("summary"), "id": id, "request": request, "event": [script("test", &test)],
        "protocolProfileBehavior": behaviour})
}

/// Whether a request is that of an operation.
fn named(request: &Value, operation: &str) -> bool {
    let id = request.get("id").and_then(Value::as_str).unwrap_or_default();
    id == operation || id.strip_prefix(operation).is_some_and(|rest| rest == "_other")
}

/// The registration once more, of another account.
fn other_account(registration: &Value) -> Value {
    let text = registration.to_string();
    let text =
        text.replace("{{username}}", "{{other_username}}").replace("{{email}}", "{{other_email}}");
    let mut request: Value = serde_json::from_str(&text).unwrap_or_default();
    if let Some(fields) = request.as_object_mut() {
        fields.insert("id".into(), "post_v1_users_other".into());
        fields.insert("name".into(), "Register another account, for requests about a user.".into());
    }
    if let Some(Value::Array(lines)) = request.pointer_mut("/event/0/script/exec") {
        lines.push(OTHER.into());
    }
    request
}

/// The body of a request as this run sends it: its own accounts, its own ids.
fn with_variables(name: &str, value: Value, path: &str) -> Value {
    let made = path == "/v1/admin/users";
    match (name, value) {
        (_, Value::Object(fields)) => {
            let own = fields.into_iter().map(|(name, value)| {
                let value = with_variables(&name, value, path);
                (name, value)
            });
            own.collect::<Map<String, Value>>().into()
        }
        (_, Value::Array(items)) => items
            .into_iter()
            .map(|item| with_variables(name, item, path))
            .collect::<Vec<_>>()
            .into(),
        ("username", _) if made => "made-{{other_username}}".into(),
        ("email", _) if made => "made-{{other_email}}".into(),
        ("username" | "login", _) => "{{username}}".into(),
        ("email", _) if path != "/v1/users/me/email" => "{{email}}".into(),
        ("password" | "current_password", _) => "{{password}}".into(),
        ("refresh_token", _) => "{{refresh_token}}".into(),
        (_, Value::String(text)) if text == "@grace" => "@{{other_username}}".into(),
        (_, Value::String(text)) => match text.split_once('_').map_or("", |(kind, _)| kind) {
            "usr" => "{{user_id}}".into(),
            "room" => "{{room_id}}".into(),
            "msg" => "{{message_id}}".into(),
            _ => text.into(),
        },
        (_, value) => value,
    }
}

/// The script that judges an answer.
fn check(operation: &Value, openapi: &Value) -> String {
    let responses = operation.get("responses").and_then(Value::as_object);
    let statuses =
        responses.into_iter().flatten().filter_map(|(status, _)| status.parse::<u16>().ok());
    let statuses: Vec<String> = statuses.map(|status| status.to_string()).collect();
    let codes = openapi.get("x-problem-codes").and_then(Value::as_array).into_iter().flatten();
    let gone = codes.filter_map(|code| code.get("status")?.as_u64()).any(|status| status == 410);
    let also = if gone { ", 410" } else { "" };
    format!(
        "pm.test('a status of the document', () => pm.expect([{}{also}]).to.include(pm.response.code));\n\
         pm.test('no failure of the server', () => pm.expect(pm.response.code).to.be.below(500));",
        statuses.join(", ")
    )
}

fn script(listen: &str, lines: &str) -> Value {
    let lines: Vec<&str> = lines.lines().collect();
    json!({"listen": listen, "script": {"type": "text/javascript", "exec": lines}})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(collection: &Value) -> Vec<&Value> {
        let folders = collection["item"].as_array().unwrap().iter();
        folders.flat_map(|folder| folder["item"].as_array().unwrap()).collect()
    }

    #[test]
    fn every_operation_is_asked_once_and_every_variable_is_set() {
        let openapi = crate::openapi_document();
        let collection = collection(&openapi);
        let asked = items(&collection).len();
        assert_eq!(asked, operations(&openapi).count(), "all but the socket; registration twice");
        let text = collection.to_string();
        let known: Vec<&str> = collection["variable"]
            .as_array()
            .unwrap()
            .iter()
            .map(|variable| variable["key"].as_str().unwrap())
            .collect();
        for part in text.split("{{").skip(1) {
            let name = part.split("}}").next().unwrap();
            assert!(name.starts_with('$') || known.contains(&name), "{name}");
        }
    }

    #[test]
    fn it_begins_with_an_account_a_login_and_a_room() {
        let collection = collection(&crate::openapi_document());
        let first = collection["item"][0]["item"].as_array().unwrap();
        let ids: Vec<&str> = first.iter().map(|item| item["id"].as_str().unwrap()).collect();
        assert_eq!(ids[..3], ["post_v1_users", "post_v1_users_other", "post_v1_sessions"]);
        assert_eq!(ids.len(), FIRST.len() + 1);
        let login = first[2].to_string();
        assert!(login.contains("{{username}}") && login.contains("access_token"), "{login}");
    }

    #[test]
    fn the_special_operations_are_those_of_the_document() {
        let openapi = crate::openapi_document();
        let ids: Vec<&str> =
            operations(&openapi).map(|(_, _, one)| one["operationId"].as_str().unwrap()).collect();
        for id in FIRST.iter().map(|(id, _)| *id).chain(["delete_v1_sessions", "get_v1_ws"]) {
            assert!(ids.contains(&id), "{id}");
        }
    }
}
