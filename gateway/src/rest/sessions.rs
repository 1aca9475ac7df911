//! Logins.

use schemas::SessionId;
use schemas::commands::{EndSessions, IssueWsTicket, ListSessions, WhichSessions};
use schemas::values::Secret;
use schemas::views::{Page, Session, SessionTokens};
use serde::Serialize;

use super::paging::whole;
use crate::http::{Call, Created, Done, NoContent, Path, Reply};
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

pub(crate) async fn log_in(call: Call, body: Credentials) -> Created<SessionTokens> {
    let accepted = call.send(&body.command()?).await?;
    Ok(Reply::created(&accepted.result).at(accepted.position))
}

pub(crate) async fn refresh(call: Call, body: RefreshToken) -> Done<SessionTokens> {
    let accepted = call.send(&body.command()).await?;
    Ok(Reply::ok(&accepted.result).at(accepted.position))
}

pub(crate) async fn list(call: Call) -> Done<Page<Session>> {
    let accepted = call.send(&ListSessions {}).await?;
    Ok(Reply::ok(&whole(accepted.result)))
}

pub(crate) async fn end_current(call: Call, _: Nothing) -> NoContent {
    end(&call, WhichSessions::Current).await
}

pub(crate) async fn end_one(call: Call, Path(id): Path<SessionId>, _: Nothing) -> NoContent {
    end(&call, WhichSessions::One(id)).await
}

pub(crate) async fn end_all(call: Call, _: Nothing) -> NoContent {
    end(&call, WhichSessions::All).await
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
