//! One call of a command: who asks, how long they wait, in which trace, and how it is answered.

use std::ops::Deref;
use std::time::Duration;

use schemas::commands::{Accepted, CallContext, Caller};
use schemas::values::IdempotencyKey;
use schemas::{
    Actor, Code, Digest, Event, EventData, EventId, Position, Rejection, Timestamp, TraceParent,
    UserId,
};
use tokio::time::Instant;
use uuid::Uuid;

/// The answer to a command.
pub type Answer<T> = Result<Accepted<T>, Rejection>;

/// A command was carried out; `position` is the place in the log from which on its effect can be read.
pub const fn accepted<T>(position: Option<Position>, result: T) -> Accepted<T> {
    Accepted { position, result }
}

/// The circumstances of a command.
#[derive(Debug, Clone)]
pub struct Call {
    /// The command's name within its service, which is part of the ids that make a repeat recognisable.
    pub command: &'static str,
    /// Who calls, as the gateway has authenticated them; none before login.
    pub caller: Option<Caller>,
    /// Who the events of this call are attributed to: the caller, or the system when there is none.
    pub actor: Actor,
    /// The client's name for the request; a repeat under the same key finds the first result.
    pub key: Option<IdempotencyKey>,
    /// The address the request came from.
    pub ip: Option<String>,
    /// What the client calls itself; at most 256 characters.
    pub user_agent: Option<String>,
    trace: Option<TraceParent>,
    arrived: Instant,
    patience: Duration,
}

impl Call {
    /// A call that has just arrived. Its events belong to the current span's trace, else to the caller's.
    #[must_use]
    pub fn new(command: &'static str, context: CallContext) -> Self {
        let CallContext { caller, idempotency_key, traceparent, deadline_ms, ip, user_agent } =
            context;
        let patience = match deadline_ms {
            0 => bus::DEFAULT_DEADLINE,
            millis => Duration::from_millis(millis.into()),
        };
        Self {
            command,
            actor: caller.as_ref().map_or(Actor::System, |one| Actor::User(one.user_id)),
            caller,
            key: idempotency_key,
            ip,
            user_agent,
            trace: telemetry::current_traceparent().or(traceparent),
            arrived: Instant::now(),
            patience,
        }
    }

    /// Who calls.
    ///
    /// # Errors
    /// `unauthenticated` when the call is anonymous.
    pub fn caller(&self) -> Result<&Caller, Rejection> {
        self.caller.as_ref().ok_or_else(|| {
            Rejection::new(Code::Unauthenticated, "this command needs an authenticated caller")
        })
    }

    /// The same call with its events attributed to a user whose account is just being registered or logged in to.
    #[must_use]
    pub fn acting_as_user(&self, user: &UserId) -> Self {
        self.acting_as(Actor::User(*user))
    }

    /// The same call with its events attributed to another actor, such as the system.
    #[must_use]
    pub fn acting_as(&self, actor: Actor) -> Self {
        Self { actor, ..self.clone() }
    }

    /// When this part (0 to 1) of the time the caller waits will have passed.
    #[must_use]
    pub fn deadline_at(&self, part: f64) -> Instant {
        self.arrived + self.patience.mul_f64(part)
    }

    /// An event of this call's actor, as it goes into the log.
    #[must_use]
    pub fn event(&self, data: EventData) -> Event {
        Event {
            id: EventId::from_uuid(fresh_id()),
            time: Timestamp::now(),
            actor: self.actor,
            causation: None,
            traceparent: self.trace.clone(),
            data,
        }
    }
}

/// A call of an authenticated user.
#[derive(Debug, Clone)]
pub struct UserCall {
    /// The account that calls.
    pub user: UserId,
    call: Call,
}

impl Deref for UserCall {
    type Target = Call;

    fn deref(&self) -> &Call {
        &self.call
    }
}

impl UserCall {
    /// A call that acts for an account which did not send it, such as one that has just been registered. Its events
    /// are attributed to the account.
    #[must_use]
    pub fn acting_for(call: &Call, user: UserId) -> Self {
        Self { call: call.acting_as_user(&user), user }
    }
}

/// What a handler wants to know of a call: [`Call`] where anonymous callers are fine, [`UserCall`] where not.
pub trait AnyCall: Sized + Send + 'static {
    /// Reads it off a call.
    ///
    /// # Errors
    /// `unauthenticated` when a caller is needed and there is none.
    fn of(call: Call) -> Result<Self, Rejection>;
}

impl AnyCall for Call {
    fn of(call: Call) -> Result<Self, Rejection> {
        Ok(call)
    }
}

impl AnyCall for UserCall {
    fn of(call: Call) -> Result<Self, Rejection> {
        let user = call.caller()?.user_id;
        Ok(Self { user, call })
    }
}

/// An id for something new, in the order of time.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place where services make ids")]
pub fn fresh_id() -> Uuid {
    Uuid::now_v7()
}

/// The id that follows from a digest: the same digest always gives the same id, so a repeat, however late, finds
/// what the first call made.
#[must_use]
pub fn id_from(digest: &Digest) -> Uuid {
    // Sixteen bytes as 32 hexadecimal digits: always a number of 128 bits.
    let bits = u128::from_str_radix(digest.as_str(), 16).unwrap_or_default();
    uuid::Builder::from_custom_bytes(bits.to_be_bytes()).into_uuid()
}

#[cfg(test)]
mod tests {
    use schemas::SessionId;
    use schemas::values::Role;

    use super::*;

    fn context() -> CallContext {
        let user_id = UserId::from_uuid(Uuid::from_u128(1));
        let session_id = SessionId::from_uuid(Uuid::from_u128(2));
        let caller = Caller { user_id, session_id, role: Role::User };
        CallContext { caller: Some(caller), ..CallContext::default() }
    }

    #[test]
    fn a_handler_for_users_refuses_an_anonymous_call() {
        let anonymous = Call::new("x", CallContext::default());
        assert_eq!(anonymous.actor, Actor::System);
        let refused = UserCall::of(anonymous).map(|_| ()).map_err(|refused| refused.code);
        assert_eq!(refused, Err(Code::Unauthenticated));
        let call = UserCall::of(Call::new("x", context())).unwrap();
        assert_eq!(call.event(claimed()).actor, Actor::User(call.user));
        assert_eq!(call.acting_as(Actor::System).event(claimed()).actor, Actor::System);
    }

    fn claimed() -> EventData {
        schemas::events::NameClaimed { owner: "ada".to_owned() }.into()
    }

    #[test]
    fn a_deadline_is_counted_from_the_arrival() {
        let call = Call::new("x", CallContext { deadline_ms: 1000, ..context() });
        let between = call.deadline_at(0.8) - call.deadline_at(0.0);
        assert_eq!(between.as_millis(), 800);
        let call = Call::new("x", context());
        assert_eq!(call.deadline_at(1.0) - call.deadline_at(0.0), bus::DEFAULT_DEADLINE);
    }

    #[test]
    fn an_id_follows_from_its_digest() {
        let id = |text| id_from(&Digest::of([text]));
        assert_eq!(id("a"), id("a"));
        assert_ne!(id("a"), id("b"));
    }
}
