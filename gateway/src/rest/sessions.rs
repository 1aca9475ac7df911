//! Logins.

use schemas::commands::{EndSessions, IssueWsTicket, ListSessions, Login, Refresh, WhichSessions};
use schemas::values::Secret;
use schemas::{Code, Rejection};
use serde::Serialize;

use super::paging::{Nothing, whole};
use crate::http::{Answer, Call, Outcome, shape};

/// Characters of a username or an e-mail address.
const MAX_LOGIN: usize = 254;

shape! {
    /// Who logs in.
    Credentials {
        /// A username or an e-mail address; white space around it is ignored.
        login: String,
        /// The password.
        password: Secret,
    }
    /// What is traded for new tokens.
    RefreshToken {
        /// From the last login or refresh.
        refresh_token: Secret,
    }
}

/// A one-use pass for the WebSocket handshake.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Ticket {
    /// For `?ticket=`.
    pub(crate) ticket: Secret,
    /// Seconds it is good for.
    pub(crate) expires_in: u32,
}

pub(crate) async fn log_in(call: Call) -> Outcome {
    let Credentials { login, password } = call.body()?;
    // Keyboards of phones add a space behind a word.
    let login = login.trim().to_owned();
    if login.chars().count() > MAX_LOGIN {
        let detail = "must have at most 254 characters";
        return Err(Rejection::field(Code::ValidationFailed, "/login", "too_long", detail));
    }
    let accepted = call.send(&Login { login, password }).await?;
    Ok(Answer::created(&accepted.result).at(accepted.position))
}

pub(crate) async fn refresh(call: Call) -> Outcome {
    let RefreshToken { refresh_token } = call.body()?;
    let accepted = call.send(&Refresh { refresh_token }).await?;
    Ok(Answer::ok(&accepted.result).at(accepted.position))
}

pub(crate) async fn list(call: Call) -> Outcome {
    let accepted = call.send(&ListSessions {}).await?;
    Ok(Answer::ok(&whole(accepted.result)))
}

pub(crate) async fn end_current(call: Call) -> Outcome {
    end(&call, WhichSessions::Current).await
}

pub(crate) async fn end_one(call: Call) -> Outcome {
    let id = call.id("session_id")?;
    end(&call, WhichSessions::One(id)).await
}

pub(crate) async fn end_all(call: Call) -> Outcome {
    end(&call, WhichSessions::All).await
}

async fn end(call: &Call, which: WhichSessions) -> Outcome {
    call.body::<Nothing>()?;
    let accepted = call.send(&EndSessions { which }).await?;
    call.heard(accepted.position.as_ref()).await;
    Ok(Answer::nothing().at(accepted.position))
}

pub(crate) async fn ws_ticket(call: Call) -> Outcome {
    call.body::<Nothing>()?;
    let accepted = call.send(&IssueWsTicket {}).await?;
    let ticket = accepted.result;
    let ticket = Ticket { ticket: ticket.ticket, expires_in: ticket.expires_in };
    Ok(Answer::created(&ticket).at(accepted.position))
}
