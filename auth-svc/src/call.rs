//! One call of a command: the clock, the ids and the events of its decision.

use schemas::commands::{CallContext, Caller};
use schemas::{
    Actor, Code, Event, EventData, EventId, Rejection, SessionId, Timestamp, TraceParent, UserId,
};
use uuid::Uuid;

use crate::domain::Context;

/// The account that asks.
///
/// # Errors
/// `unauthenticated` when nobody does.
pub(crate) fn caller(context: &CallContext) -> Result<&Caller, Rejection> {
    context.caller.as_ref().ok_or_else(|| {
        Rejection::new(Code::Unauthenticated, "this command needs an authenticated caller")
    })
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

/// An id for a new account.
pub(crate) fn user_id() -> UserId {
    UserId::from_uuid(fresh())
}

/// An id for a new session.
pub(crate) fn session_id() -> SessionId {
    SessionId::from_uuid(fresh())
}

#[expect(clippy::disallowed_methods, reason = "the one place of this service where ids are made")]
fn fresh() -> Uuid {
    Uuid::now_v7()
}
