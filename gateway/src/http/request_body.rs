//! Reading a request's body, within limits of size and time.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::web::Payload;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use schemas::{Code, Rejection};

use super::head::header;
use super::route::Route;
use crate::problem;

/// Largest body, in bytes.
pub(crate) const MAX_BODY: usize = 256 * 1024;
/// How long a body is waited for.
const BODY_WITHIN: Duration = Duration::from_secs(20);
/// How long the rest of a refused request is read, so that the client sees the answer and not a reset.
const DRAIN_WITHIN: Duration = Duration::from_secs(1);

/// Reads the body of a request that may have one. The body of a read is discarded.
///
/// # Errors
/// `payload_too_large`, `unsupported_media_type` for anything but JSON, `validation_failed` when it does not arrive.
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
    let body = read.map_err(|_| problem::bad("the body was not received in time"))??;
    if route.any_body {
        return Ok(Bytes::new());
    }
    if !body.is_empty() && !is_json(request) {
        let detail = "send the body as application/json";
        return Err(Rejection::new(Code::UnsupportedMediaType, detail));
    }
    Ok(body)
}

async fn collect(payload: &mut Payload) -> Result<Bytes, Rejection> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| problem::bad("the body ended early"))?;
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

/// Reads and discards the rest for a moment, so that a client that is still sending gets to read the response.
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
    // A client that sends on for longer gets a reset connection.
    let _ = tokio::time::timeout(DRAIN_WITHIN, rest).await;
}
