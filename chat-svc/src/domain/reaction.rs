//! Reactions: who may react to what.

use decider::Fact;
use schemas::Lane;
use schemas::events::{MAX_KINDS, ReactionAdded, ReactionRemoved};
use schemas::values::Emoji;

use super::Context;
use super::access::Standing;
use super::message::{Message, MessageRejection, added_to};

/// The caller must be allowed to react to a message, or to take a reaction to it back.
///
/// # Errors
/// See [`MessageRejection`].
pub fn may_react(
    standing: &Standing<'_>,
    message: &Message,
    cx: &Context,
) -> Result<(), MessageRejection> {
    standing.may_write(cx.now)?;
    message.stands()
}

/// Reacts to a message that has so many kinds of reactions beside this one.
///
/// # Errors
/// [`MessageRejection::TooManyKinds`] and those of [`may_react`].
pub fn add(
    standing: &Standing<'_>,
    message: &Message,
    emoji: &Emoji,
    others: usize,
    near_limit: bool,
    cx: &Context,
) -> Result<Fact, MessageRejection> {
    may_react(standing, message, cx)?;
    if others >= MAX_KINDS {
        return Err(MessageRejection::TooManyKinds);
    }
    let (message_id, room_id, user_id) = added_to(message, cx);
    let (emoji, posted) = (emoji.clone(), message.posted);
    let event = ReactionAdded { message_id, room_id, user_id, emoji, posted, near_limit };
    Ok(Fact::new(Lane::Timeline(event.room_id), event))
}

/// Takes a reaction back.
///
/// # Errors
/// Those of [`may_react`].
pub fn remove(
    standing: &Standing<'_>,
    message: &Message,
    emoji: &Emoji,
    cx: &Context,
) -> Result<Fact, MessageRejection> {
    may_react(standing, message, cx)?;
    let (message_id, room_id, user_id) = added_to(message, cx);
    let (emoji, posted) = (emoji.clone(), message.posted);
    let event = ReactionRemoved { message_id, room_id, user_id, emoji, posted };
    Ok(Fact::new(Lane::Timeline(event.room_id), event))
}

#[cfg(test)]
mod tests {
    use schemas::values::{RoomKind, RoomRole, Visibility};

    use super::*;
    use crate::domain::access::Denied;
    use crate::domain::testing::*;

    fn world() -> World {
        let world = World::with_room(RoomKind::Channel, Visibility::Public);
        world.having(BOB, RoomRole::Member).saying(BOB, 1)
    }

    fn react(world: &World, n: u128, others: usize) -> Result<Fact, MessageRejection> {
        let emoji = Emoji::parse("\u{1f44d}").unwrap();
        let message = &world.messages[&message_id(1)];
        add(&world.standing(n)?, message, &emoji, others, false, &cx(n))
    }

    #[test]
    fn members_react_and_outsiders_do_not() {
        let world = world();
        assert!(react(&world, BOB, 0).is_ok() && react(&world, ADA, MAX_KINDS - 1).is_ok());
        refused(react(&world, CYD, 0), Denied::NotAMember.into());
        refused(react(&world, STRANGER, 0), Denied::NoSuchCaller.into());
    }

    #[test]
    fn a_message_has_so_many_kinds_at_most() {
        refused(react(&world(), BOB, MAX_KINDS), MessageRejection::TooManyKinds);
    }

    #[test]
    fn nothing_is_added_to_what_is_deleted_archived_or_by_the_muted() {
        let mut world = world();
        let facts = world.archive(ADA).unwrap();
        let open = world.clone();
        world.apply(facts);
        refused(react(&world, BOB, 0), Denied::Archived.into());
        let mut muted = open.clone();
        if let Some(bob) = muted.members.get_mut(&user(BOB)) {
            bob.muted_until = Some(at(500));
        }
        refused(react(&muted, BOB, 0), Denied::Muted(at(500)).into());
        let mut deleted = open;
        if let Some(message) = deleted.messages.get_mut(&message_id(1)) {
            message.deleted = true;
        }
        refused(react(&deleted, BOB, 0), MessageRejection::Deleted);
    }
}
