//! The OpenAPI document as one HTML page: no script, nothing fetched from anywhere.

use std::fmt::Write as _;

use serde_json::Value;

use crate::html::{escaped, framed};

/// The page of a document.
pub(super) fn of(document: &Value) -> String {
    let mut body = String::from("<h1>Tidings API</h1>");
    let description = text(document, "/info/description");
    let _ = write!(body, "<p>{}</p>", escaped(description));
    body.push_str("<p><a href=\"/openapi.json\">openapi.json</a> · <a href=\"#types\">types</a> · <a href=\"#problems\">problems</a></p>");
    let mut tag = String::new();
    for (path, methods) in entries(document, "/paths") {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            let its_tag = text(operation, "/tags/0");
            if its_tag != tag {
                its_tag.clone_into(&mut tag);
                let _ = write!(body, "<h2>{}</h2>", escaped(&tag));
            }
            show_operation(&mut body, path, method, operation);
        }
    }
    show_types(&mut body, document);
    show_problems(&mut body, document);
    framed("Tidings API", &body)
}

fn show_operation(body: &mut String, path: &str, method: &str, operation: &Value) {
    let lock = if operation.get("security").is_some() { "" } else { " · open" };
    let _ = write!(
        body,
        "<details><summary><span class=\"m\">{}</span><code>{}</code> {}{lock}</summary>",
        method.to_uppercase(),
        escaped(path),
        escaped(text(operation, "/summary")),
    );
    let parameters = operation.get("parameters").and_then(Value::as_array);
    if let Some(parameters) = parameters {
        body.push_str("<table><tr><th>parameter</th><th>in</th><th></th></tr>");
        for parameter in parameters {
            let (name, place) = (text(parameter, "/name"), text(parameter, "/in"));
            let what = escaped(text(parameter, "/description"));
            let _ = write!(
                body,
                "<tr><td><code>{name}</code></td><td>{place}</td><td>{what}</td></tr>"
            );
        }
        body.push_str("</table>");
    }
    if let Some(schema) = operation.pointer("/requestBody/content/application~1json/schema") {
        let _ = write!(body, "<p>Takes {}</p>", type_name(schema));
    }
    for (status, response) in entries(operation, "/responses") {
        let schema = response.pointer("/content/application~1json/schema");
        if let Some(description) = response.get("description").and_then(Value::as_str) {
            let gives = schema.map(type_name).unwrap_or_default();
            let _ = write!(body, "<p><b>{status}</b> {} {gives}</p>", escaped(description));
        }
    }
    body.push_str("</details>");
}

fn show_types(body: &mut String, document: &Value) {
    body.push_str("<h2 id=\"types\">Types</h2>");
    for (name, schema) in entries(document, "/components/schemas") {
        let about = escaped(text(schema, "/description"));
        let _ = write!(
            body,
            "<details id=\"{0}\"><summary><b>{0}</b> {about}</summary>",
            escaped(name)
        );
        body.push_str("<table>");
        for (field, schema) in entries(schema, "/properties") {
            let (kind, what) = (type_name(schema), escaped(text(schema, "/description")));
            let field = escaped(field);
            let _ = write!(
                body,
                "<tr><td><code>{field}</code></td><td>{kind}</td><td>{what}</td></tr>"
            );
        }
        body.push_str("</table></details>");
    }
}

fn show_problems(body: &mut String, document: &Value) {
    body.push_str("<h2 id=\"problems\">Problems</h2><table>");
    let codes = document.get("x-problem-codes").and_then(Value::as_array);
    for code in codes.into_iter().flatten() {
        let (name, title) = (text(code, "/code"), escaped(text(code, "/title")));
        let status = code.get("status").and_then(Value::as_u64).unwrap_or_default();
        let _ = write!(
            body,
            "<tr><td><a href=\"/problems/{name}\"><code>{name}</code></a></td><td>{status}</td><td>{title}</td></tr>"
        );
    }
    body.push_str("</table>");
}

/// What a schema is called, as a link where it is a type of its own.
fn type_name(schema: &Value) -> String {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        let name = escaped(name.rsplit('/').next().unwrap_or(name));
        return format!("<a href=\"#{name}\">{name}</a>");
    }
    for key in ["anyOf", "oneOf"] {
        if let Some(some) = schema.get(key).and_then(Value::as_array) {
            return some.iter().map(type_name).collect::<Vec<_>>().join(" or ");
        }
    }
    if let Some(items) = schema.get("items") {
        return format!("list of {}", type_name(items));
    }
    match schema.get("type") {
        Some(Value::String(name)) => escaped(name),
        Some(Value::Array(names)) => {
            names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or ")
        }
        _ => schema.get("const").map(|value| escaped(&value.to_string())).unwrap_or_default(),
    }
}

fn entries<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    value.pointer(pointer).and_then(Value::as_object).into_iter().flatten()
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
