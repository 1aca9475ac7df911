//! The head of a request: whether it offers to leave HTTP, and how its body is framed.

use httparse::{EMPTY_HEADER, Header, Request, Status};

use super::framing::{Body, values};

/// Headers of one request, as many as the framework takes.
const MAX_HEADERS: usize = 96;
/// The one place where leaving HTTP is possible, and to what.
const SOCKETS: &str = "/v1/ws";
const WEBSOCKET: &str = "websocket";

/// What a head says.
#[derive(Debug, PartialEq)]
pub(super) struct Head {
    /// Its bytes, the empty line included.
    pub(super) length: usize,
    /// What is to be put in its place: the same without the offer.
    pub(super) instead: Option<Vec<u8>>,
    /// What follows it.
    pub(super) body: Body,
}

/// What stands at the beginning of some bytes.
#[derive(Debug, PartialEq)]
pub(super) enum Read {
    /// A whole head.
    Whole(Head),
    /// The beginning of one.
    Partial,
    /// No request: the framework says so to the client.
    Nonsense,
}

/// Reads a head.
pub(super) fn read(bytes: &[u8]) -> Read {
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let mut request = Request::new(&mut headers);
    match request.parse(bytes) {
        Ok(Status::Complete(length)) => whole(&request, length),
        Ok(Status::Partial) => Read::Partial,
        Err(_) => Read::Nonsense,
    }
}

fn whole(request: &Request<'_, '_>, length: usize) -> Read {
    let headers: &[Header<'_>] = request.headers;
    let body = Body::of(headers, request.method == Some("CONNECT"));
    let offered = values(headers, "upgrade").next().is_some();
    let announced = tokens(headers, "connection").any(|token| is(token, "upgrade"));
    if !offered && !announced {
        return Read::Whole(Head { length, instead: None, body });
    }
    let socket = opens_socket(request, &body);
    let instead = Some(rewritten(request, socket));
    let body = if socket { Body::Unframed } else { body };
    Read::Whole(Head { length, instead, body })
}

/// Whether it is a request to open a socket, whatever else it offers besides.
fn opens_socket(request: &Request<'_, '_>, body: &Body) -> bool {
    let path = request.path.unwrap_or_default().split('?').next().unwrap_or_default();
    request.method == Some("GET")
        && path == SOCKETS
        && *body == Body::None
        && tokens(request.headers, "upgrade").any(|token| is(token, WEBSOCKET))
        && tokens(request.headers, "connection").any(|token| is(token, "upgrade"))
}

/// The head without its offer, or with the one that is taken. Everything else stays as it was sent.
fn rewritten(request: &Request<'_, '_>, socket: bool) -> Vec<u8> {
    let mut head = Vec::with_capacity(512);
    let mut put = |parts: &[&[u8]]| parts.iter().for_each(|part| head.extend_from_slice(part));
    let (method, path) = (request.method.unwrap_or_default(), request.path.unwrap_or_default());
    let version: &[u8] =
        if request.version == Some(1) { b" HTTP/1.1\r\n" } else { b" HTTP/1.0\r\n" };
    put(&[method.as_bytes(), b" ", path.as_bytes(), version]);
    for Header { name, value } in request.headers.iter() {
        if is(name, "upgrade") {
            continue;
        }
        if is(name, "connection") {
            let kept = without_upgrade(value);
            if !kept.is_empty() {
                put(&[name.as_bytes(), b":", &kept, b"\r\n"]);
            }
            continue;
        }
        put(&[name.as_bytes(), b":", value, b"\r\n"]);
    }
    if socket {
        put(&[b"connection:upgrade\r\nupgrade:websocket\r\n"]);
    }
    put(&[b"\r\n"]);
    head
}

fn without_upgrade(value: &[u8]) -> Vec<u8> {
    let tokens = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    let kept = tokens.filter(|token| !token.eq_ignore_ascii_case(b"upgrade") && !token.is_empty());
    kept.collect::<Vec<_>>().join(b",".as_slice())
}

/// The elements of the lists in all headers of a name, as far as they are text.
fn tokens<'a>(headers: &'a [Header<'a>], name: &'static str) -> impl Iterator<Item = &'a str> {
    values(headers, name)
        .filter_map(|value| std::str::from_utf8(value).ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}

fn is(text: &str, name: &str) -> bool {
    text.eq_ignore_ascii_case(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn head(text: &str) -> Head {
        match read(text.as_bytes()) {
            Read::Whole(head) => head,
            other => panic!("{text:?}: {other:?}"),
        }
    }

    #[track_caller]
    fn instead(text: &str) -> String {
        String::from_utf8(head(text).instead.expect("another head")).unwrap()
    }

    #[test]
    fn what_offers_nothing_stays_as_it_is() {
        for text in [
            "GET / HTTP/1.1\r\nhost: x\r\n\r\n",
            "POST /v1/rooms HTTP/1.1\r\nhost: x\r\nconnection: keep-alive, close\r\ncontent-length: 2\r\n\r\n{}",
        ] {
            assert_eq!(head(text).instead, None, "{text}");
        }
        assert_eq!(read(b"GET / HTTP/1.1\r\nhost: x\r\n"), Read::Partial);
        assert_eq!(read(b"\x16\x03\x01"), Read::Nonsense);
    }

    #[test]
    fn offers_are_taken_out_and_everything_else_is_kept() {
        let text = instead(
            "POST /v1/rooms?a=b HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nHost: x\r\n\
             HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\n{}",
        );
        assert_eq!(
            text,
            "POST /v1/rooms?a=b HTTP/1.1\r\nConnection:HTTP2-Settings\r\nHost:x\r\n\
             HTTP2-Settings:AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\nContent-Length:2\r\n\r\n"
        );
        // Any value byte survives, and asking to close still means it.
        let text = "GET / HTTP/1.0\r\nX: \u{fc}\r\nconnection: upgrade , CLOSE\r\n\r\n";
        assert_eq!(instead(text), "GET / HTTP/1.0\r\nX:\u{fc}\r\nconnection:CLOSE\r\n\r\n");
    }

    #[test]
    fn only_a_socket_at_its_place_may_leave_http() {
        let opens = |line: &str, connection: &str, upgrade: &str, more: &str| {
            let text = format!(
                "{line} HTTP/1.1\r\nhost: x\r\nconnection: {connection}\r\nupgrade: {upgrade}\r\n{more}\r\n"
            );
            let head = head(&text);
            let text = String::from_utf8(head.instead.unwrap()).unwrap();
            assert_eq!(
                text.contains("upgrade:websocket\r\n"),
                head.body == Body::Unframed,
                "{text}"
            );
            head.body == Body::Unframed
        };
        let get = "GET /v1/ws?ticket=x";
        assert!(opens(get, "Upgrade", "websocket", ""));
        assert!(opens(get, "keep-alive, UPGRADE", "h2c, WebSocket", ""));
        assert!(opens(get, "upgrade", "TLS/1.0", "upgrade: websocket\r\n"));
        assert!(!opens(get, "upgrade", "h2c", ""));
        assert!(!opens(get, "keep-alive", "websocket", ""));
        assert!(!opens("POST /v1/ws", "upgrade", "websocket", ""));
        assert!(!opens("GET /v1/rooms", "upgrade", "websocket", ""));
        assert!(!opens(get, "upgrade", "websocket", "content-length: 5\r\n"));
        assert!(!opens(get, "upgrade", "websocket", "transfer-encoding: chunked\r\n"));
    }
}
