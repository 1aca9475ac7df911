//! One call of a command: the clock, the ids and the events of its decision.

use std::time::Duration;

use schemas::commands::{CallContext, Caller, Register};
use schemas::{
    Actor, Code, Digest, Event, EventData, EventId, NameKey, Rejection, SessionId, Timestamp,
    TraceParent, UserId,
};
use tokio::time::Instant;
use uuid::Uuid;

use crate::domain::Context;
use crate::queue::Asker;

/// Of the time an asker waits, what may pass until their password is hashed or checked; the rest is for
/// writing. A session begun after they have gone would be of no use.
const PASSWORD_SHARE: f64 = 0.8;

/// The account that asks.
///
/// # Errors
/// `unauthenticated` when nobody does.
pub(crate) fn caller(context: &CallContext) -> Result<&Caller, Rejection> {
    context.caller.as_ref().ok_or_else(|| {
        Rejection::new(Code::Unauthenticated, "this command needs an authenticated caller")
    })
}

/// Until when the password work of a call must be done.
pub(crate) fn password_deadline(context: &CallContext) -> Instant {
    let patience = match context.deadline_ms {
        0 => bus::DEFAULT_DEADLINE,
        millis => Duration::from_millis(millis.into()),
    };
    Instant::now() + patience.mul_f64(PASSWORD_SHARE)
}

/// Who waits for a password to be hashed or checked: the account, and before it is known, the name that was
/// given and the address it came from, so that nobody keeps the holder of a name from logging in.
pub(crate) fn asker(context: &CallContext, name: &str) -> Asker {
    match &context.caller {
        Some(caller) => Digest::of(["account", caller.user_id.as_str()]),
        None => {
            let address = context.ip.as_deref().unwrap_or_default();
            Digest::of(["name", &name.to_lowercase(), address])
        }
    }
}

/// What a decision may look at.
pub(crate) fn now() -> Context {
    Context { now: Timestamp::now() }
}

/// An event as it goes into the log.
pub(crate) fn event(actor: Actor, context: &CallContext, data: EventData) -> Event {
    let traceparent: Option<TraceParent> =
        telemetry::current_traceparent().or_else(|| context.traceparent.clone());
    let id = EventId::from_uuid(fresh());
    Event { id, time: Timestamp::now(), actor, causation: None, traceparent, data }
}

/// The id of the account a call makes. With an idempotency key it follows from who asks, the key and the
/// names, so that a repeat, however late, finds the account its first try has made. Ids are public: like the
/// lanes of names, this one must not let a list of addresses be tested.
pub(crate) fn account_id(names: &NameKey, context: &CallContext, command: &Register) -> UserId {
    let Some(key) = &context.idempotency_key else { return UserId::from_uuid(fresh()) };
    let asker = context.caller.as_ref().map_or("anonymous", |caller| caller.user_id.as_str());
    let (username, email) = (command.username.as_str(), command.email.as_str());
    let name = names.digest(["register", asker, key.as_str(), username, email]);
    // Sixteen bytes as 32 hexadecimal digits: always a number of 128 bits.
    let bits = u128::from_str_radix(name.as_str(), 16).unwrap_or_default();
    UserId::from_uuid(uuid::Builder::from_custom_bytes(bits.to_be_bytes()).into_uuid())
}

/// An id nobody has: looked up where there is nobody, so that it takes as long as for somebody.
pub(crate) fn nobody() -> UserId {
    UserId::from_uuid(Uuid::nil())
}

/// An id for a new session.
pub(crate) fn session_id() -> SessionId {
    SessionId::from_uuid(fresh())
}

#[expect(clippy::disallowed_methods, reason = "the one place of this service where ids are made")]
fn fresh() -> Uuid {
    Uuid::now_v7()
}
