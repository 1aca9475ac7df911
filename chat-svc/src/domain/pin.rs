//! Pins: who may pin what.

use decider::Fact;
use schemas::Lane;
use schemas::events::{MAX_PINS, MessagePinned, MessageUnpinned};
use schemas::values::{RoomKind, RoomRole};

use super::Context;
use super::access::Standing;
use super::message::{Message, MessageRejection, added_to};

/// The caller must be allowed to pin a message and to unpin it: in a channel its admins may, elsewhere every member.
///
/// # Errors
/// See [`MessageRejection`].
pub fn may_pin(
    standing: &Standing<'_>,
    message: &Message,
    cx: &Context,
) -> Result<(), MessageRejection> {
    standing.role()?;
    standing.not_archived()?;
    if standing.room.kind == RoomKind::Channel {
        standing.at_least(RoomRole::Admin)?;
    }
    standing.not_muted(cx.now)?;
    message.stands()
}

/// Pins a message in a room that has so many pins. The others are told, so in a direct room of two neither may block the
/// other; unpinning takes away and stays allowed.
///
/// # Errors
/// [`MessageRejection::TooManyPins`], that of [`Standing::not_blocked`] and those of [`may_pin`].
pub fn pin(
    standing: &Standing<'_>,
    message: &Message,
    pins: usize,
    near_limit: bool,
    cx: &Context,
) -> Result<Fact, MessageRejection> {
    may_pin(standing, message, cx)?;
    standing.not_blocked()?;
    if pins >= MAX_PINS {
        return Err(MessageRejection::TooManyPins);
    }
    let (message_id, room_id, user_id) = added_to(message, cx);
    let posted = message.posted;
    let event = MessagePinned { message_id, room_id, user_id, posted, near_limit };
    Ok(Fact::new(Lane::Timeline(event.room_id), event))
}

/// Unpins a message.
///
/// # Errors
/// Those of [`may_pin`].
pub fn unpin(
    standing: &Standing<'_>,
    message: &Message,
    cx: &Context,
) -> Result<Fact, MessageRejection> {
    may_pin(standing, message, cx)?;
    let (message_id, room_id, user_id) = added_to(message, cx);
    let event = MessageUnpinned { message_id, room_id, user_id, posted: message.posted };
    Ok(Fact::new(Lane::Timeline(event.room_id), event))
}

#[cfg(test)]
mod tests {
    use schemas::values::Visibility;

    use super::*;
    use crate::domain::access::Denied;
    use crate::domain::testing::*;

    fn world(kind: RoomKind) -> World {
        let world = World::with_room(kind, Visibility::Private);
        world.having(BOB, RoomRole::Member).having(CYD, RoomRole::Admin).saying(BOB, 1)
    }

    fn pins(world: &World, n: u128, pins: usize) -> Result<Fact, MessageRejection> {
        pin(&world.standing(n)?, &world.messages[&message_id(1)], pins, false, &cx(n))
    }

    #[test]
    fn channels_are_pinned_in_by_their_admins_and_groups_by_every_member() {
        let channel = world(RoomKind::Channel);
        assert!(pins(&channel, ADA, 0).is_ok() && pins(&channel, CYD, 0).is_ok());
        refused(pins(&channel, BOB, 0), Denied::NeedsRole(RoomRole::Admin).into());
        let group = world(RoomKind::Group);
        assert!(pins(&group, BOB, MAX_PINS - 1).is_ok());
        refused(pins(&group, STRANGER, 0), Denied::NoSuchCaller.into());
        refused(pins(&group, 4, 0), Denied::NoSuchRoom.into());
    }

    #[test]
    fn a_room_has_so_many_pins_at_most() {
        refused(pins(&world(RoomKind::Group), BOB, MAX_PINS), MessageRejection::TooManyPins);
    }

    #[test]
    fn nothing_is_pinned_that_is_deleted_or_in_an_archived_room() {
        let mut world = world(RoomKind::Channel);
        let facts = world.archive(ADA).unwrap();
        let mut deleted = world.clone();
        world.apply(facts);
        refused(pins(&world, ADA, 0), Denied::Archived.into());
        if let Some(message) = deleted.messages.get_mut(&message_id(1)) {
            message.deleted = true;
        }
        refused(pins(&deleted, ADA, 0), MessageRejection::Deleted);
    }
}
