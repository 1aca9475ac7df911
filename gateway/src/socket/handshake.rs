//! `GET /v1/ws`: who may open a socket, and from where.

use std::sync::Arc;

use actix_http::ws::{HandshakeError, handshake as answer_handshake};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use schemas::commands::{Caller, RedeemWsTicket};
use schemas::values::Secret;
use schemas::{Code, RefusalReason, Rejection};

use super::session::Session;
use super::upgrade::Opened;
use crate::commands::{own_context, send};
use crate::config::Config;
use crate::http::{Authenticated, Origin, RequestContext};
use crate::live::HELLO;
use crate::problem;
use crate::state::AppState;

/// The longest ticket that is looked at.
const MAX_TICKET: usize = 256;

/// Opens a socket: 101, or a refusal that says why not.
///
/// # Errors
/// `forbidden` for a foreign origin, `validation_failed` for what is no handshake, `unauthenticated` for bad
/// credentials, `rate_limited` when too many sockets of the address have no session, `unavailable` when credentials
/// cannot be checked or the gateway stops.
pub(crate) async fn handshake(
    app: Data<AppState>,
    context: RequestContext,
    request: HttpRequest,
    _payload: Payload,
) -> Result<HttpResponse, Rejection> {
    check_origin(&request, &app.config)?;
    let mut response = match answer_handshake(request.head()) {
        Ok(response) => response,
        Err(HandshakeError::UnsupportedVersion | HandshakeError::NoVersionHeader) => {
            return Ok(other_version(&context));
        }
        Err(error) => {
            return Err(problem::bad(format!("a WebSocket handshake is wanted: {error}")));
        }
    };
    let caller = authenticate(&app, &context, &request).await?;
    let stranger = match caller {
        Some(_) => None,
        None => Some(app.limits.stranger(context.ip).await.ok_or_else(crowded)?),
    };
    let Some(outbox) = app.hub.open() else {
        let rejection = Rejection::new(Code::Unavailable, "this gateway is about to stop");
        return Err(rejection.retry_after(1));
    };
    let user = caller.as_ref().map(|caller| Authenticated(caller.user_id));
    let session = Session::new(app, Arc::clone(&outbox), stranger);
    if let Some(caller) = caller {
        session.welcome(caller);
    }
    let mut response = HttpResponse::from(response.finish().map_into_boxed_body());
    response.extensions_mut().insert(Opened { session, outbox });
    if let Some(user) = user {
        response.extensions_mut().insert(user);
    }
    Ok(response)
}

/// Too many sockets of one address are not authenticated yet.
fn crowded() -> Rejection {
    let detail = "too many sockets of this client address are not authenticated yet; open fewer, or authenticate the handshake";
    Rejection::new(Code::RateLimited, detail).retry_after(u32::from(HELLO))
}

/// RFC 6455, section 4.4: says which version is spoken.
fn other_version(context: &RequestContext) -> HttpResponse {
    let rejection = problem::bad("only version 13 of the WebSocket protocol is spoken");
    let mut response = problem::answer(&rejection, context.trace.trace_id());
    *response.status_mut() = StatusCode::UPGRADE_REQUIRED;
    let version = HeaderValue::from_static("13");
    response.headers_mut().insert(header::SEC_WEBSOCKET_VERSION, version);
    response
}

/// The user who opens the socket, if the handshake says so; otherwise the first frame will.
async fn authenticate(
    app: &AppState,
    context: &RequestContext,
    request: &HttpRequest,
) -> Result<Option<Caller>, Rejection> {
    let ticket = ticket(request.query_string())?;
    let Some(header) = request.headers().get(header::AUTHORIZATION) else {
        return match ticket {
            Some(ticket) => redeem(app, context, ticket).await.map(Some),
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

async fn redeem(
    app: &AppState,
    context: &RequestContext,
    ticket: &str,
) -> Result<Caller, Rejection> {
    let command_context = own_context(Some(context.trace.clone()));
    let command = RedeemWsTicket { ticket: Secret::new(ticket) };
    let caller = send(&app.bus, &command_context, &command).await?.result;
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

/// A browser says which page opens the socket: pages of this host and of the configured origins may. Other clients
/// say nothing.
fn check_origin(request: &HttpRequest, config: &Config) -> Result<(), Rejection> {
    let said = request.headers().get_all(header::ORIGIN).count();
    if said > 1 || Origin::of(request, config) == Origin::Foreign {
        return Err(Rejection::because(
            RefusalReason::OriginNotAllowed,
            "sockets are not opened from that origin",
        ));
    }
    Ok(())
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
        let config = Config::at(([127, 0, 0, 1], 0).into());
        check_origin(&request.to_http_request(), &config).is_ok()
    }

    #[test]
    fn sockets_are_opened_from_one_known_origin_or_none() {
        assert!(origin(&[]));
        assert!(origin(&["http://chat.example.org:8080"]));
        assert!(!origin(&["null"]));
        assert!(!origin(&["http://chat.example.org:8080.evil.example"]));
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
