//! Logins.

use std::cmp::Reverse;

use actix_web::http::header::{HeaderValue, SET_COOKIE};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use schemas::commands::{Accepted, EndSessions, IssueWsTicket, ListSessions, WhichSessions};
use schemas::values::Secret;
use schemas::views::{Account, Page, Session, SessionTokens};
use schemas::{Rejection, SessionId, Timestamp};
use serde::Serialize;

use super::paging::{PageQuery, place};
use crate::cursor::List;
use crate::http::{Browser, Call, Created, Done, NoContent, Path, Query, RefreshBy, Reply};
use crate::requests::Nothing;
use crate::requests::session::{Credentials, RefreshToken};

/// A one-time ticket for the WebSocket handshake.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Ticket {
    /// The ticket, for the query parameter `ticket` of the handshake.
    pub(crate) ticket: Secret,
    /// Seconds until the ticket expires.
    pub(crate) expires_in: u32,
}

/// The tokens a login or a refresh gives.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(rename = "SessionTokens")]
pub(crate) struct Tokens {
    /// The session.
    session_id: SessionId,
    /// The token for the `Authorization` header; valid for a short time.
    access_token: Secret,
    /// Always `Bearer`.
    token_type: String,
    /// Seconds the access token is good for.
    expires_in: u32,
    /// The token for one refresh; null when it is in the cookie.
    #[schemars(schema_with = "secret_or_null")]
    refresh_token: Option<Secret>,
    /// The account that logged in.
    user: Account,
}

/// A field that is always there and may be null.
fn secret_or_null(generator: &mut SchemaGenerator) -> Schema {
    Option::<Secret>::json_schema(generator)
}

impl Tokens {
    fn of(tokens: SessionTokens) -> Self {
        let SessionTokens { session_id, access_token, token_type, expires_in, refresh_token, user } =
            tokens;
        let refresh_token = Some(refresh_token);
        Self { session_id, access_token, token_type, expires_in, refresh_token, user }
    }

    /// Takes the refresh token out of the answer and puts it into the page's cookie.
    fn by_cookie(&mut self, browser: &Browser) -> Result<Option<HeaderValue>, Rejection> {
        self.refresh_token.take().map(|token| browser.keep(&token)).transpose()
    }
}

pub(crate) async fn log_in(call: Call, body: Credentials) -> Created<Tokens> {
    let cookie = body.refresh == Some(RefreshBy::Cookie);
    let accepted = call.send(&body.command()?).await?;
    issued(&call, accepted, cookie)
}

/// The answer to a login, with the refresh token in the body or in a cookie.
pub(super) fn issued(
    call: &Call,
    accepted: Accepted<SessionTokens>,
    cookie: bool,
) -> Created<Tokens> {
    let mut tokens = Tokens::of(accepted.result);
    let set = if cookie { tokens.by_cookie(&call.browser)? } else { None };
    Ok(Reply::created(&tokens).with_some(SET_COOKIE, set).at(accepted.position))
}

pub(crate) async fn refresh(call: Call, body: RefreshToken) -> Done<Tokens> {
    let cookie = body.refresh_token.is_none();
    let accepted = call.send(&body.command(&call.browser)?).await?;
    let mut tokens = Tokens::of(accepted.result);
    let set = if cookie { tokens.by_cookie(&call.browser)? } else { None };
    Ok(Reply::ok(&tokens).with_some(SET_COOKIE, set).at(accepted.position))
}

/// Newest first. There are at most a hundred, so that a page is cut out of all of them.
pub(crate) async fn list(call: Call, Query(query): Query<PageQuery>) -> Done<Page<Session>> {
    let own = &call.caller()?.user_id;
    let epoch = call.epoch();
    let list = List { epoch: &epoch, parts: vec!["sessions", own.as_str()] };
    let after: Option<(Timestamp, SessionId)> = place(&list, query.cursor.as_deref())?;
    let mut items = call.send(&ListSessions {}).await?.result;
    items.sort_by_cached_key(|session| Reverse(begun(session)));
    items.retain(|session| after.as_ref().is_none_or(|after| begun(session) < *after));
    let more = items.len() > query.limit.items();
    items.truncate(query.limit.items());
    let last = items.last().filter(|_| more);
    let next_cursor = last.and_then(|session| list.cursor(&begun(session)));
    Ok(Reply::ok(&Page { items, next_cursor }))
}

/// The place of a session among the others of its user.
fn begun(session: &Session) -> (Timestamp, SessionId) {
    (session.created_at, session.session_id)
}

pub(crate) async fn end_current(call: Call, _: Nothing) -> NoContent {
    let ended = end(&call, WhichSessions::Current).await?;
    Ok(ended.with(SET_COOKIE, call.browser.forget()?))
}

pub(crate) async fn end_one(call: Call, Path(id): Path<SessionId>, _: Nothing) -> NoContent {
    end(&call, WhichSessions::One(id)).await
}

pub(crate) async fn end_all(call: Call, _: Nothing) -> NoContent {
    let ended = end(&call, WhichSessions::All).await?;
    Ok(ended.with(SET_COOKIE, call.browser.forget()?))
}

async fn end(call: &Call, which: WhichSessions) -> NoContent {
    let accepted = call.send(&EndSessions { which }).await?;
    call.heard(accepted.position.as_ref()).await;
    Ok(Reply::no_content().at(accepted.position))
}

pub(crate) async fn ws_ticket(call: Call, _: Nothing) -> Created<Ticket> {
    let accepted = call.send(&IssueWsTicket {}).await?;
    let ticket = accepted.result;
    let ticket = Ticket { ticket: ticket.ticket, expires_in: ticket.expires_in };
    Ok(Reply::created(&ticket).at(accepted.position))
}
