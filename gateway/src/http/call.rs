//! What a handler gets.

use std::time::Duration;

use actix_web::web::Data;
use bytes::Bytes;
use schemas::commands::{Accepted, CallContext, Caller, Command};
use schemas::values::IdempotencyKey;
use schemas::{Code, Epoch, Position, Rejection};
use serde::Serialize;

use super::browser::Browser;
use super::login_cookie::LoginCookies;
use super::outcome::Stored;
use super::request_context::RequestContext;
use crate::commands;
use crate::limits::{too_much, weight};
use crate::rereading::{Unmoved, read_again};
use crate::state::AppState;
use crate::unverified;

/// How long an answer waits for the gateway's own live feed.
const HEARD_WITHIN: Duration = Duration::from_secs(1);

/// A request that may be worked on: authenticated as its route demands, within its limits.
pub(crate) struct Call {
    pub(crate) state: Data<AppState>,
    pub(crate) context: RequestContext,
    pub(crate) browser: Browser,
    /// Logins through a provider that the browser has begun.
    pub(crate) logins: LoginCookies,
    pub(crate) caller: Option<Caller>,
    pub(crate) idempotency_key: Option<IdempotencyKey>,
    /// What stands in the path where the route's template has parameters, in their order, percent-decoded.
    pub(crate) path: Vec<String>,
    pub(crate) query: String,
    pub(crate) body: Bytes,
    /// What the limit of what is stored says of this call.
    pub(super) stored: Stored,
}

impl Call {
    /// Who is asking.
    ///
    /// # Errors
    /// `unauthenticated` on a public route.
    pub(crate) fn caller(&self) -> Result<&Caller, Rejection> {
        let unknown = || Rejection::new(Code::Unauthenticated, "an access token is required");
        self.caller.as_ref().ok_or_else(unknown)
    }

    /// The log that positions belong to.
    pub(crate) fn epoch(&self) -> Epoch {
        self.state.log.epoch()
    }

    /// A path of this server as a URL: under the configured address, else under the one the request was sent to.
    pub(crate) fn public_url(&self, path: &str) -> String {
        let site = self.state.config.public_url.as_deref().unwrap_or(&self.context.site);
        format!("{site}{path}")
    }

    /// Sends a command in the name of the caller.
    ///
    /// # Errors
    /// The service's refusal, or `unavailable`.
    pub(crate) async fn send<C: Command + Clone + Sync>(
        &self,
        command: &C,
    ) -> Result<Accepted<C::Output>, Rejection> {
        self.send_for(command, 0).await
    }

    /// The same, for a command that may take longer than most: it is waited for so long.
    ///
    /// # Errors
    /// As [`Call::send`].
    pub(crate) async fn send_within<C: Command + Clone + Sync>(
        &self,
        command: &C,
        patience: Duration,
    ) -> Result<Accepted<C::Output>, Rejection> {
        self.send_for(command, u32::try_from(patience.as_millis()).unwrap_or(u32::MAX)).await
    }

    async fn send_for<C: Command + Clone + Sync>(
        &self,
        command: &C,
        deadline_ms: u32,
    ) -> Result<Accepted<C::Output>, Rejection> {
        let context = self.context_of(deadline_ms);
        unverified::may_send::<C>(&self.state, self.caller.as_ref()).await?;
        let bytes = self.charge(command)?;
        let outcome = commands::send(&self.state.bus, &context, command).await;
        let position = outcome.as_ref().ok().and_then(|accepted| accepted.position.as_ref());
        self.note(position, is_unknown(&outcome), bytes);
        outcome
    }

    /// Has the inbox follow a marker that did not move; where it was written, if anything was.
    pub(crate) async fn read_again(&self, unmoved: Unmoved<'_>) -> Option<Position> {
        let context = CallContext { idempotency_key: None, ..self.context_of(0) };
        let position = read_again(&self.state, &context, unmoved).await;
        if position.is_some() {
            self.note(position.as_ref(), false, 0);
        }
        position
    }

    fn context_of(&self, deadline_ms: u32) -> CallContext {
        CallContext {
            caller: self.caller,
            idempotency_key: self.idempotency_key.clone(),
            traceparent: Some(self.context.trace.clone()),
            deadline_ms,
            ip: Some(self.context.ip.to_string()),
            user_agent: self.context.user_agent.clone(),
        }
    }

    /// Notes where a command has written, or that it has not written the bytes it was charged for.
    fn note(&self, position: Option<&Position>, is_unknown: bool, bytes: u64) {
        match (position, &self.caller) {
            (Some(position), Some(caller)) => {
                self.state.own_writes.note(&caller.session_id, position);
                self.state.hub.heard(position);
            }
            (Some(position), None) => self.state.hub.heard(position),
            (None, Some(caller)) if !is_unknown => {
                self.state.limits.not_stored(&caller.user_id, bytes);
            }
            (None, _) => {}
        }
    }

    /// Counts what a command may store against what its caller may have stored.
    fn charge(&self, command: &impl Serialize) -> Result<u64, Rejection> {
        let Some(caller) = &self.caller else { return Ok(0) };
        let bytes = weight(command);
        let verdict = self.state.limits.store(&caller.user_id, bytes);
        if verdict.is_some() {
            *self.stored.lock() = verdict;
        }
        verdict.as_ref().and_then(too_much).map_or(Ok(bytes), Err)
    }
}

/// Whether it may have been carried out all the same.
fn is_unknown<T>(outcome: &Result<T, Rejection>) -> bool {
    matches!(outcome, Err(rejection) if rejection.code.retryable())
}

impl Call {
    /// Waits a moment until this gateway has heard what was written, so that a user who has logged out is out when
    /// they read the answer. Other gateways hear of it within a second.
    pub(crate) async fn heard(&self, position: Option<&Position>) {
        if let Some(position) = position {
            let _ = self.state.hub.reaches(position.sequence, HEARD_WITHIN).await;
        }
    }
}
