//! What is not about chat: health, keys, and pages for people who read about the API.
//!
//! Health is bare here: why a process is not well, and its metrics, are for operators, on their own port.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use schemas::Code;
use serde_json::json;

use super::web;
use crate::http::{Call, Path, Reply, Shown};
use crate::{html, problem};

const HTML: &str = "text/html; charset=utf-8";
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
    Ok(Reply::text("application/json", call.state.description.json.clone()))
}

pub(crate) async fn docs(call: Call) -> Shown {
    Ok(Reply::text(HTML, call.state.description.page.clone()))
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
    let body = format!(
        "<h1>{title}</h1><p><code>{name}</code>, HTTP {status}</p><p>{meaning}</p><p>{again}</p>"
    );
    Ok(Reply::text(HTML, html::framed(title, &body)))
}

/// The web app, or an introduction where it is not built in.
pub(crate) async fn index(call: Call) -> Shown {
    if web::is_built_in() {
        return web::page(call).await;
    }
    let body = r#"<h1>Tidings</h1>
<p>An event-sourced chat backend. This is its one port: REST under <code>/v1</code>, WebSocket at <code>/v1/ws</code>.</p>
<ul>
<li><a href="/docs">The API, to read</a></li>
<li><a href="/openapi.json">The API as OpenAPI 3.1</a>, for code generators and Postman</li>
<li><a href="/.well-known/jwks.json">The public keys access tokens are signed with</a></li>
<li><a href="/readyz">Is it well?</a> <a href="/livez">Is it alive?</a></li>
</ul>
<h2>First steps</h2>
<pre>curl -sX POST $HOST/v1/users -H 'content-type: application/json' \
  -d '{"username":"ada","email":"ada@example.org","password":"correct horse"}'
curl -sX POST $HOST/v1/sessions -H 'content-type: application/json' \
  -d '{"login":"ada","password":"correct horse"}'</pre>"#;
    Ok(Reply::text(HTML, html::framed("Tidings", body)))
}
