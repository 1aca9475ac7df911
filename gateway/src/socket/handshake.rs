//! `GET /v1/ws`: who may open a socket, and from where.

use actix_http::ws::{HandshakeError, handshake as answer_handshake};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use schemas::commands::{Caller, RedeemWsTicket};
use schemas::values::Secret;
use schemas::{Code, Rejection};

use super::body::SocketBody;
use super::connection::Handle;
use super::inbound::Inbound;
use super::limits::{FrameRate, Throttle};
use super::session::Session;
use crate::commands::{own_context, send};
use crate::problem;
use crate::state::AppState;

/// The longest ticket that is looked at.
const MAX_TICKET: usize = 256;

/// Opens a socket: 101, or a problem that says why not.
pub async fn handshake(
    app: Data<AppState>,
    request: HttpRequest,
    payload: Payload,
) -> HttpResponse {
    match open(app, &request, payload).await {
        Ok(response) => response,
        Err(Refusal::Problem(rejection)) => {
            let trace = telemetry::current_or_new_traceparent();
            problem::answer(&rejection, trace.trace_id())
        }
        Err(Refusal::Version) => {
            let rejection = problem::bad("only version 13 of the WebSocket protocol is spoken");
            let trace = telemetry::current_or_new_traceparent();
            let mut response = problem::answer(&rejection, trace.trace_id());
            *response.status_mut() = StatusCode::UPGRADE_REQUIRED;
            let headers = response.headers_mut();
            headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
            response
        }
    }
}

enum Refusal {
    Problem(Rejection),
    Version,
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self::Problem(rejection)
    }
}

async fn open(
    app: Data<AppState>,
    request: &HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Refusal> {
    check_origin(request.headers(), &app.config.allowed_origins)?;
    let mut response = answer_handshake(request.head()).map_err(|error| match error {
        HandshakeError::UnsupportedVersion | HandshakeError::NoVersionHeader => Refusal::Version,
        error => {
            Refusal::Problem(problem::bad(format!("a WebSocket handshake is wanted: {error}")))
        }
    })?;
    let caller = authenticate(&app, request).await?;
    let handle = request.conn_data::<Handle>().cloned();
    let Some(outbox) = app.hub.open(handle) else {
        let rejection = Rejection::new(Code::Unavailable, "this gateway is about to stop");
        return Err(rejection.retry_after(1).into());
    };
    let rate = app.config.rate_frames.map(|rate| FrameRate::new(rate.count.get(), rate.per));
    let session = Session::new(app, std::sync::Arc::clone(&outbox), Throttle::new(rate));
    if let Some(caller) = caller {
        session.welcome(caller);
    }
    let inbound = Inbound::new(payload.into_inner());
    let body = SocketBody::new(inbound, session, outbox);
    let response = response.message_body(body).map_err(|error| {
        tracing::error!(error = %error, "a handshake could not be answered");
        Refusal::Problem(Rejection::new(Code::Internal, "the handshake could not be answered"))
    })?;
    Ok(response.map_into_boxed_body().into())
}

/// Who opens the socket, when the handshake says so; otherwise the first frame will.
async fn authenticate(app: &AppState, request: &HttpRequest) -> Result<Option<Caller>, Rejection> {
    let ticket = ticket(request.query_string())?;
    let Some(header) = request.headers().get(header::AUTHORIZATION) else {
        return match ticket {
            Some(ticket) => redeem(app, ticket).await.map(Some),
            None => Ok(None),
        };
    };
    if ticket.is_some() {
        return Err(problem::bad("either an Authorization header or a ticket"));
    }
    let token = header.to_str().ok().and_then(bearer).ok_or_else(|| {
        Rejection::new(Code::Unauthenticated, "the Authorization header is no bearer token")
    })?;
    app.sessions.authenticate(token).await.map(Some)
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|token| !token.is_empty())
}

async fn redeem(app: &AppState, ticket: &str) -> Result<Caller, Rejection> {
    let context = own_context(Some(telemetry::current_or_new_traceparent()));
    let command = RedeemWsTicket { ticket: Secret::new(ticket) };
    let caller = send(&app.bus, &context, &command).await?.result;
    app.sessions.check(caller).await
}

/// The ticket in a query. Nothing else may be there: above all no token, as addresses end up in logs.
fn ticket(query: &str) -> Result<Option<&str>, Rejection> {
    let mut found = None;
    for part in query.split('&').filter(|part| !part.is_empty()) {
        let Some(value) = part.strip_prefix("ticket=") else {
            let name = part.split('=').next().unwrap_or_default();
            let name: String = name.chars().take(40).collect();
            let detail = "unknown query parameter; a token is never put in an address";
            return Err(Rejection::field(
                Code::ValidationFailed,
                &format!("?{name}"),
                "unknown",
                detail,
            ));
        };
        let shaped = (1..=MAX_TICKET).contains(&value.len())
            && value.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        if !shaped || found.is_some() {
            return Err(Rejection::new(Code::Unauthenticated, "the ticket is not valid"));
        }
        found = Some(value);
    }
    Ok(found)
}

/// A browser says which page opens the socket. Pages of this host and of the configured origins may;
/// what is no browser says nothing.
fn check_origin(headers: &HeaderMap, allowed: &[String]) -> Result<(), Rejection> {
    let mut origins = headers.get_all(header::ORIGIN);
    let Some(origin) = origins.next() else { return Ok(()) };
    let foreign = || Rejection::new(Code::Forbidden, "sockets are not opened from that origin");
    if origins.next().is_some() {
        return Err(foreign());
    }
    let origin = origin.to_str().map_err(|_| foreign())?;
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let own = ["http://", "https://"]
        .iter()
        .filter_map(|scheme| origin.strip_prefix(scheme))
        .any(|authority| host.is_some_and(|host| host.eq_ignore_ascii_case(authority)));
    let listed =
        || allowed.iter().any(|one| one.trim_end_matches('/').eq_ignore_ascii_case(origin));
    if own || listed() { Ok(()) } else { Err(foreign()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn origin(origins: &[&str]) -> bool {
        let mut request = TestRequest::default().insert_header(("Host", "chat.example.org:8080"));
        for origin in origins {
            request = request.append_header(("Origin", *origin));
        }
        let request = request.to_http_request();
        check_origin(request.headers(), &["https://app.example.org/".to_owned()]).is_ok()
    }

    #[test]
    fn own_and_configured_origins_may_open_sockets_and_no_other() {
        assert!(origin(&[]));
        assert!(origin(&["http://chat.example.org:8080"]));
        assert!(origin(&["https://app.example.org"]));
        for foreign in [
            "null",
            "",
            "http://chat.example.org",
            "http://chat.example.org:80800",
            "http://chat.example.org:8080.evil.example",
            "https://app.example.org.evil.example",
            "ftp://chat.example.org:8080",
            "http://evil@chat.example.org:8080",
        ] {
            assert!(!origin(&[foreign]), "{foreign}");
        }
        assert!(!origin(&["http://chat.example.org:8080", "http://evil.example"]));
    }

    #[test]
    fn a_query_holds_a_ticket_or_nothing() {
        assert_eq!(ticket(""), Ok(None));
        assert_eq!(ticket("ticket=abc-1"), Ok(Some("abc-1")));
        let code = |query: &str| ticket(query).err().map(|rejection| rejection.code);
        assert_eq!(code("token=abc"), Some(Code::ValidationFailed));
        assert_eq!(code("ticket=a&access_token=b"), Some(Code::ValidationFailed));
        for bad in ["ticket=", "ticket=%0d%0a", "ticket=a&ticket=b", "ticket=$JS.API.>"] {
            assert_eq!(code(bad), Some(Code::Unauthenticated), "{bad}");
        }
    }
}
