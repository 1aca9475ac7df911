//! Reading a request's body, within limits of size and time.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::web::Payload;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use schemas::{Code, Rejection};

use super::head::header;
use super::route::Route;
use crate::problem;

/// Largest body, in bytes.
pub(crate) const MAX_BODY: usize = 256 * 1024;
/// What clients call the charset of JSON; ASCII is a part of it.
const CHARSETS: [&str; 3] = ["utf-8", "utf8", "us-ascii"];
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
    if body.is_empty() {
        return Ok(body);
    }
    let unfit = if is_packed(request) {
        "send the body as it is, without a Content-Encoding"
    } else if !is_json(request) {
        "send the body as application/json"
    } else {
        return Ok(body);
    };
    Err(Rejection::new(Code::UnsupportedMediaType, unfit))
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

/// JSON is always UTF-8 (RFC 8259), so a charset may say no other; other parameters say nothing of it.
fn is_json(request: &HttpRequest) -> bool {
    let kind = header(request, CONTENT_TYPE.as_str()).unwrap_or_default();
    let mut parts = kind.split(';').map(str::trim);
    let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("application/json"));
    named
        && parts.all(|parameter| match parameter.split_once('=') {
            Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
                let charset = value.trim().trim_matches('"');
                CHARSETS.iter().any(|known| charset.eq_ignore_ascii_case(known))
            }
            _ => true,
        })
}

/// Whether the body is packed (RFC 9110, section 8.4): ours are read as they are.
fn is_packed(request: &HttpRequest) -> bool {
    let mut codings = request.headers().get_all(CONTENT_ENCODING);
    let plain = |text: &str| text.trim().is_empty() || text.trim().eq_ignore_ascii_case("identity");
    codings.any(|value| !value.to_str().is_ok_and(|all| all.split(',').all(plain)))
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

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn with(name: &str, value: &str) -> HttpRequest {
        TestRequest::default().insert_header((name, value)).to_http_request()
    }

    #[test]
    fn json_is_called_in_many_ways() {
        for good in [
            "application/json",
            "Application/JSON",
            "application/json;charset=UTF-8",
            "application/json; charset=\"utf-8\"",
            "application/json; charset=utf8",
            "application/json; charset=utf-8;",
            "application/json; odata=verbose",
            "application/json; Charset = us-ascii; version=1",
        ] {
            assert!(is_json(&with("content-type", good)), "{good}");
        }
        for bad in [
            "",
            "text/json",
            "application/jsonx",
            "application/json, text/plain",
            "text/plain; application/json",
            "application/json; charset=utf-16",
            "application/json; version=1; charset=latin1",
            "application/json; charset=",
        ] {
            assert!(!is_json(&with("content-type", bad)), "{bad}");
        }
    }

    #[test]
    fn a_packed_body_is_none_of_ours() {
        for packed in ["gzip", "identity, gzip", "br", "x"] {
            assert!(is_packed(&with("content-encoding", packed)), "{packed}");
        }
        for plain in ["identity", "Identity", ""] {
            assert!(!is_packed(&with("content-encoding", plain)), "{plain}");
        }
        assert!(!is_packed(&TestRequest::default().to_http_request()));
        let two = TestRequest::default().append_header(("content-encoding", "identity"));
        let two = two.append_header(("content-encoding", "gzip"));
        assert!(is_packed(&two.to_http_request()));
    }
}
