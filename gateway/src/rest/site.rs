//! What is not about chat: health, keys, and pages for people who read about the API.
//!
//! Health is bare here: why a process is not well, and its metrics, are for operators, on their own port.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use schemas::{Code, RefusalReason, Rejection};
use serde_json::json;

use super::web;
use crate::http::{Call, Path, Reply, SchemaName, Shown};
use crate::{html, postman, problem};

const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";
/// Where the descriptions are.
const DESCRIPTIONS: &str = r#"<ul>
<li><a href="/openapi.json">REST as OpenAPI 3.1</a>, for code generators</li>
<li><a href="/asyncapi.json">The socket as AsyncAPI 3</a></li>
<li><a href="/postman.json">A Postman collection</a></li>
<li><a href="/schemas">JSON Schemas</a> of events, views and frames</li>
</ul>"#;
/// Keys change rarely; a client that verifies tokens itself may keep them for a minute.
const KEYS_KEPT: HeaderValue = HeaderValue::from_static("public, max-age=60");

pub(crate) async fn livez(call: Call) -> Shown {
    bare(call.state.health.live().is_ok())
}

pub(crate) async fn readyz(call: Call) -> Shown {
    bare(call.state.health.ready().is_ok())
}

fn bare(well: bool) -> Shown {
    let (status, word) = if well {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
    };
    Ok(Reply::json(status, &json!({ "status": word })))
}

pub(crate) async fn jwks(call: Call) -> Shown {
    let keys = call.state.sessions.jwks().await?;
    Ok(Reply::json(StatusCode::OK, &keys).with(CACHE_CONTROL, KEYS_KEPT))
}

pub(crate) async fn openapi(call: Call) -> Shown {
    Ok(Reply::text(JSON, call.state.description.openapi.clone()))
}

pub(crate) async fn asyncapi(call: Call) -> Shown {
    Ok(Reply::text(JSON, call.state.description.asyncapi.clone()))
}

/// The collection, with this server as the one that is asked.
pub(crate) async fn postman(call: Call) -> Shown {
    let site = call.public_url("");
    let collection = call.state.description.postman.replace(postman::SITE, &json_text(&site));
    Ok(Reply::text(JSON, collection))
}

/// A text as it stands between the quotes of JSON: a host is what a client says it is.
fn json_text(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.trim_matches('"').to_owned()
}

/// Which schemas there are.
pub(crate) async fn schemas(call: Call) -> Shown {
    Ok(Reply::text(JSON, call.state.description.schema_index.clone()))
}

/// A schema by its name; those of events and views are found without what they begin with, too.
pub(crate) async fn schema(call: Call, Path(SchemaName(name)): Path<SchemaName>) -> Shown {
    let all = &call.state.description.schemas;
    let found = [name.clone(), format!("event.{name}"), format!("view.{name}")];
    let found = found.iter().find_map(|name| all.get(name));
    let schema = found.cloned().ok_or_else(Rejection::not_found)?;
    Ok(Reply::text("application/schema+json", schema))
}

/// The API to read: the viewer where it is built in, else where its description is.
pub(crate) async fn docs(call: Call) -> Shown {
    if web::has_viewer() {
        return web::viewer(call).await;
    }
    let body = format!("<h1>Tidings API</h1>{DESCRIPTIONS}");
    Ok(Reply::text(HTML, html::framed("Tidings API", &body)))
}

/// What a type of problem means: its `type` leads here.
pub(crate) async fn problem_type(_call: Call, Path(code): Path<Code>) -> Shown {
    let name = code.as_str();
    let again = if code.retryable() {
        "The same request may succeed later."
    } else {
        "The same request will not succeed by itself."
    };
    let (title, status, meaning) = (code.title(), code.status(), problem::meaning(code));
    let reasons = reasons_of(code);
    let body = format!(
        "<h1>{title}</h1><p><code>{name}</code>, HTTP {status}</p><p>{meaning}</p><p>{again}</p>{reasons}"
    );
    Ok(Reply::text(HTML, html::framed(title, &body)))
}

/// The reasons that problems of a code may have.
fn reasons_of(code: Code) -> String {
    let of = |reason: &&RefusalReason| reason.code() == code;
    let row = |reason: &RefusalReason| {
        format!("<li><code>{}</code>: {}</li>", reason.as_str(), reason.meaning())
    };
    let rows: String = RefusalReason::ALL.iter().filter(of).map(row).collect();
    if rows.is_empty() {
        return rows;
    }
    format!("<h2>Reasons</h2><p><code>reason</code> says which of these it is.</p><ul>{rows}</ul>")
}

/// The web app, or an introduction where it is not built in.
pub(crate) async fn index(call: Call) -> Shown {
    if web::is_built_in() {
        return web::page(call).await;
    }
    let body = format!(
        r#"<h1>Tidings</h1>
<p>An event-sourced chat backend. This is its one port: REST under <code>/v1</code>, WebSocket at <code>/v1/ws</code>.</p>
<ul>
<li><a href="/docs">The API, to read</a></li>
<li><a href="/.well-known/jwks.json">The public keys access tokens are signed with</a></li>
<li><a href="/readyz">Is it well?</a> <a href="/livez">Is it alive?</a></li>
</ul>
{DESCRIPTIONS}
<h2>First steps</h2>
<pre>curl -sX POST $HOST/v1/users -H 'content-type: application/json' \
  -d '{{"username":"ada","email":"ada@example.org","password":"correct horse"}}'
curl -sX POST $HOST/v1/sessions -H 'content-type: application/json' \
  -d '{{"login":"ada","password":"correct horse"}}'</pre>"#
    );
    Ok(Reply::text(HTML, html::framed("Tidings", &body)))
}
