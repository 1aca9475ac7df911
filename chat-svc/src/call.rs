//! What is particular to calls of this service: the circumstances of its decisions, and the ids calls make.

use std::collections::BTreeSet;

use decider::{UserCall, fresh_id, id_from};
use schemas::{Digest, MessageId, RoomId, Timestamp, UserId};

use crate::domain::Context;

/// What a decision may look at. Taken anew for each try, so that a mute may run out between two.
pub(crate) fn context(call: &UserCall) -> Context {
    Context { now: Timestamp::now(), actor: call.user }
}

/// The id of a room made by a call: with an idempotency key it follows from caller and key, so that a repeat,
/// however late, finds the room instead of making another.
pub(crate) fn room_id(call: &UserCall) -> RoomId {
    match &call.key {
        None => RoomId::from_uuid(fresh_id()),
        Some(key) => room_id_of(["create_room", call.user.as_str(), key.as_str()]),
    }
}

/// The id of the one direct room of a set of people, which follows from the set.
pub(crate) fn direct_room_id<'a>(members: impl IntoIterator<Item = &'a UserId>) -> RoomId {
    let members: BTreeSet<&UserId> = members.into_iter().collect();
    let names = members.into_iter().map(UserId::as_str);
    room_id_of(std::iter::once("open_direct").chain(names))
}

fn room_id_of<'a>(name: impl IntoIterator<Item = &'a str>) -> RoomId {
    RoomId::from_uuid(id_from(&Digest::of(name)))
}

/// An id for a message, in the order of time.
pub(crate) fn message_id() -> MessageId {
    MessageId::from_uuid(fresh_id())
}
