//! One call of a command: who asks, and the clock and ids its decision may use.

use std::collections::BTreeSet;

use schemas::commands::CallContext;
use schemas::values::IdempotencyKey;
use schemas::{
    Actor, Code, Digest, Event, EventData, EventId, MessageId, Rejection, RoomId, Timestamp,
    TraceParent, UserId,
};
use uuid::Uuid;

use crate::domain::Context;

/// A command's circumstances, once it is known that somebody is asking.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) actor: UserId,
    pub(crate) key: Option<IdempotencyKey>,
    trace: Option<TraceParent>,
}

impl Call {
    /// Reads the circumstances of a command that needs a caller.
    pub(crate) fn of(ctx: &CallContext) -> Result<Self, Rejection> {
        let caller = ctx.caller.as_ref().ok_or_else(|| {
            Rejection::new(Code::Unauthenticated, "this command needs an authenticated caller")
        })?;
        let trace = telemetry::current_traceparent().or_else(|| ctx.traceparent.clone());
        Ok(Self { actor: caller.user_id.clone(), key: ctx.idempotency_key.clone(), trace })
    }

    /// What a decision may look at. Taken anew for each try, so that a mute may run out between two.
    pub(crate) fn context(&self) -> Context {
        Context { now: Timestamp::now(), actor: self.actor.clone() }
    }

    /// An event of the caller's doing.
    pub(crate) fn event(&self, data: EventData) -> Event {
        event(Actor::User(self.actor.clone()), self.trace.clone(), data)
    }

    /// The id of a room made by this call: with an idempotency key it follows from caller and key, so
    /// that a repeat, however late, finds the room instead of making another.
    pub(crate) fn room_id(&self) -> RoomId {
        match &self.key {
            None => RoomId::from_uuid(fresh()),
            Some(key) => room_id_of(["create_room", self.actor.as_str(), key.as_str()]),
        }
    }
}

/// The id of the one direct room of a set of people, which follows from the set.
pub(crate) fn direct_room_id<'a>(members: impl IntoIterator<Item = &'a UserId>) -> RoomId {
    let members: BTreeSet<&UserId> = members.into_iter().collect();
    let names = members.into_iter().map(UserId::as_str);
    room_id_of(std::iter::once("open_direct").chain(names))
}

fn room_id_of<'a>(name: impl IntoIterator<Item = &'a str>) -> RoomId {
    // Sixteen bytes as 32 hexadecimal digits: always a number of 128 bits.
    let bits = u128::from_str_radix(Digest::of(name).as_str(), 16).unwrap_or_default();
    RoomId::from_uuid(uuid::Builder::from_custom_bytes(bits.to_be_bytes()).into_uuid())
}

/// An event as it goes into the log.
pub(crate) fn event(actor: Actor, trace: Option<TraceParent>, data: EventData) -> Event {
    Event {
        id: EventId::from_uuid(fresh()),
        time: Timestamp::now(),
        actor,
        causation: None,
        traceparent: trace,
        data,
    }
}

/// An id for a message, in the order of time.
pub(crate) fn message_id() -> MessageId {
    MessageId::from_uuid(fresh())
}

/// An id for a room nobody asked for.
pub(crate) fn system_room_id() -> RoomId {
    RoomId::from_uuid(fresh())
}

#[expect(clippy::disallowed_methods, reason = "the one place of this service where ids are made")]
fn fresh() -> Uuid {
    Uuid::now_v7()
}
