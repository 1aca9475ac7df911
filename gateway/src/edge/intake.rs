//! Taking a request in: its head checked, its body read within limits of size and time, and the read
//! model waited for when the client wants to read what it wrote.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::web::Payload;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use schemas::commands::Caller;
use schemas::{Code, Position, Rejection};

use super::Route;
use super::arrival::header;
use super::groups::groups_of;
use crate::problem;
use crate::state::AppState;

/// Largest body.
pub(crate) const MAX_BODY: usize = 256 * 1024;
/// Largest sum of header names and values.
const MAX_HEADERS: usize = 32 * 1024;
/// A body that has not come by then is not waited for.
const BODY_WITHIN: Duration = Duration::from_secs(20);
/// How long the rest of a refused request is read, so that the client sees the answer and not a reset.
const DRAIN_WITHIN: Duration = Duration::from_secs(1);
/// How long a read waits for the read model.
const PROJECTED_WITHIN: Duration = Duration::from_secs(2);
/// Query parameters in which somebody might put a token: it would end up in logs and histories.
const NOT_IN_A_URL: [&str; 4] = ["token", "access_token", "refresh_token", "authorization"];
/// The place in the log a read must have reached.
const MIN_POSITION: &str = "tidings-min-position";

/// Refuses heads that are too large, and tokens in URLs.
pub(super) fn check_head(request: &HttpRequest) -> Result<(), Rejection> {
    let size: usize =
        request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if size > MAX_HEADERS {
        return Err(Rejection::new(Code::PayloadTooLarge, "the headers are too large"));
    }
    let names = request.query_string().split('&').map(|pair| pair.split('=').next().unwrap_or(""));
    for name in names {
        if NOT_IN_A_URL.iter().any(|secret| name.eq_ignore_ascii_case(secret)) {
            let detail = "tokens do not belong into a URL; use the header Authorization";
            let pointer = format!("?{}", name.to_ascii_lowercase());
            let code = Code::ValidationFailed;
            return Err(Rejection::field(code, &pointer, "not_in_a_url", detail));
        }
    }
    Ok(())
}

/// Reads the body of a request that may have one. What a read sends along is passed over.
pub(super) async fn body(
    route: &Route,
    request: &HttpRequest,
    payload: &mut Payload,
) -> Result<Bytes, Rejection> {
    if route.reads() || route.method == Method::OPTIONS {
        drain(payload).await;
        return Ok(Bytes::new());
    }
    let announced = header(request, CONTENT_LENGTH.as_str()).and_then(|text| text.parse().ok());
    if announced.is_some_and(|length: u64| length > u64::try_from(MAX_BODY).unwrap_or(u64::MAX)) {
        drain(payload).await;
        return Err(too_large());
    }
    let read = tokio::time::timeout(BODY_WITHIN, collect(payload)).await;
    let body = read.map_err(|_| problem::bad("the body did not come in time"))??;
    if !body.is_empty() && !is_json(request) {
        let detail = "send the body as application/json";
        return Err(Rejection::new(Code::UnsupportedMediaType, detail));
    }
    Ok(body)
}

async fn collect(payload: &mut Payload) -> Result<Bytes, Rejection> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| problem::bad("the body broke off"))?;
        if body.len() + chunk.len() > MAX_BODY {
            drain(payload).await;
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn too_large() -> Rejection {
    Rejection::new(Code::PayloadTooLarge, "a body may have at most 262144 bytes")
}

fn is_json(request: &HttpRequest) -> bool {
    let kind = header(request, CONTENT_TYPE.as_str()).unwrap_or_default();
    let (kind, parameters) = kind.split_once(';').unwrap_or((kind, ""));
    let charset = parameters.trim().to_ascii_lowercase();
    let utf8 = charset.is_empty() || charset.replace('"', "") == "charset=utf-8";
    kind.trim().eq_ignore_ascii_case("application/json") && utf8
}

/// Reads on for a moment and throws away, so that a client that is still sending gets to read the answer.
pub(super) async fn drain(payload: &mut Payload) {
    let rest = async {
        let mut left = MAX_BODY * 4;
        while let Some(Ok(chunk)) = payload.next().await {
            match left.checked_sub(chunk.len()) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    };
    // Whoever sends on for longer has to live with a reset connection.
    let _ = tokio::time::timeout(DRAIN_WITHIN, rest).await;
}

/// Waits until the read model has reached the place the client asks for, or what its session wrote last.
pub(super) async fn fresh_enough(
    state: &AppState,
    request: &HttpRequest,
    caller: &Caller,
) -> Result<(), Rejection> {
    let groups = groups_of(request.path());
    let Some(value) = request.headers().get(MIN_POSITION) else {
        let (writes, session) = (&state.own_writes, &caller.session_id);
        writes.wait(session, groups, &state.read_model, &state.hub).await;
        return Ok(());
    };
    let position = value.to_str().ok().and_then(|text| Position::parse(text).ok());
    let position = position.filter(|position| position.epoch == state.log.epoch());
    let Some(position) = position else {
        return Err(problem::bad(
            "the header Tidings-Min-Position is not a position of this server",
        ));
    };
    let read_model = &state.read_model;
    let waited = read_model.wait_for_groups(groups, position.sequence, PROJECTED_WITHIN).await;
    waited.map_err(|_| {
        let detail = "the read model has not reached Tidings-Min-Position yet";
        Rejection::new(Code::ProjectionLagging, detail).retry_after(1)
    })
}
