//! One-use passes for the WebSocket handshake, where a browser cannot send a header.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use decider::{Answer, Call, Failure, accepted};
use schemas::commands::{Caller, GetSessionStatus, IssueWsTicket, RedeemWsTicket, WsTicket};
use schemas::values::Secret;
use schemas::{Code, Digest, Rejection};

use crate::auth::Auth;
use crate::records::{read_record, write_record};

/// Seconds a pass is good for.
const SECONDS: u32 = 30;

impl Auth {
    pub(crate) async fn issue_ticket(&self, call: &Call, _: IssueWsTicket) -> Answer<WsTicket> {
        let caller = call.caller()?;
        let random: [u8; 32] = rand::random();
        let ticket = BASE64URL_NOPAD.encode(&random);
        self.retry(|| self.store_ticket(&ticket, caller)).await?;
        Ok(accepted(None, WsTicket { ticket: Secret::new(ticket), expires_in: SECONDS }))
    }

    async fn store_ticket(&self, ticket: &str, caller: &Caller) -> Result<(), Failure> {
        let value = write_record(caller)?;
        let lifetime = Duration::from_secs(SECONDS.into());
        self.tickets.create(key(ticket).as_str(), value, Some(lifetime)).await?;
        Ok(())
    }

    /// Of several handshakes with the same pass at the same time one succeeds.
    pub(crate) async fn redeem_ticket(&self, _: &Call, command: RedeemWsTicket) -> Answer<Caller> {
        let found = self.retry(|| self.take_ticket(command.ticket.expose())).await?;
        let refused = || Rejection::new(Code::Unauthenticated, "the ticket is not valid");
        let mut caller = found.ok_or_else(refused)?;
        let asked = GetSessionStatus { user_id: caller.user_id, session_id: caller.session_id };
        let status = self.retry(|| self.try_status(&asked)).await?;
        if !status.active {
            return Err(refused());
        }
        caller.role = status.role;
        Ok(accepted(None, caller))
    }

    async fn take_ticket(&self, ticket: &str) -> Result<Option<Caller>, Failure> {
        let key = key(ticket);
        let Some((value, revision)) = self.tickets.get(key.as_str()).await? else {
            return Ok(None);
        };
        let caller = read_record(&value)?;
        let mine = self.tickets.take(key.as_str(), revision).await?;
        Ok(mine.then_some(caller))
    }
}

/// A reader of the bucket cannot use what is in it.
fn key(ticket: &str) -> Digest {
    Digest::of(["ws-ticket", ticket])
}
