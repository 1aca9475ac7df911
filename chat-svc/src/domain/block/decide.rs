//! Decisions about blocks. A block is also written on the two member lanes of the direct room of the two, whether there
//! is one yet or not: whatever one of them writes there is fenced by their own member lane, and opening the room expects
//! both lanes as they were read. So no message and no room comes after a block it was not judged by.

use decider::Fact;
use schemas::events::{BlockAdded, BlockRemoved, BlocksState, MemberBlockChanged, MemberState};
use schemas::values::RoomRole;
use schemas::{EventData, Lane, RoomId, UserId};

use super::BlockRejection;
use crate::domain::Context;
use crate::domain::access::active;
use crate::domain::member::newcomer;
use crate::domain::person::Person;

/// Users that one user can block.
pub const MAX_BLOCKS: usize = 1_000;

/// The direct room of the caller and another user, as far as its members matter. There may be no such room.
#[derive(Debug, Clone, Copy)]
pub struct Two<'a> {
    /// The room's id, which follows from its members.
    pub room: &'a RoomId,
    /// What the caller's member lane says.
    pub own: Option<&'a MemberState>,
    /// What the other's member lane says.
    pub other: Option<&'a MemberState>,
}

/// The caller blocks a user, or no longer does. Nothing happens when it is so already.
///
/// # Errors
/// See [`BlockRejection`].
pub fn set_block(
    callers: (Option<&Person>, Option<&BlocksState>),
    other: (&UserId, Option<&Person>),
    two: &Two<'_>,
    block: bool,
    cx: &Context,
) -> Result<Vec<Fact>, BlockRejection> {
    let (person, blocks) = callers;
    let (blocked_id, known) = other;
    active(person)?;
    if *blocked_id == cx.actor {
        return Err(BlockRejection::Oneself);
    }
    let mut blocked = blocks.map(|blocks| blocks.blocked.clone()).unwrap_or_default();
    let is_blocked = blocked.contains(blocked_id);
    // The block of a user whose account is gone can still be lifted.
    if !is_blocked && known.is_none() {
        return Err(BlockRejection::NoSuchUser);
    }
    if block == is_blocked {
        return Ok(Vec::new());
    }
    if block && blocked.len() >= MAX_BLOCKS {
        return Err(BlockRejection::TooMany);
    }
    blocked.retain(|user| user != blocked_id);
    if block {
        blocked.push(*blocked_id);
    }
    let own = MemberState { blocks: block, ..member(two.room, &cx.actor, two.own, cx) };
    let others = MemberState { blocked: block, ..member(two.room, blocked_id, two.other, cx) };
    let blocks = BlocksState { user_id: cx.actor, blocked };
    let blocked_id = *blocked_id;
    let data: EventData = match block {
        true => BlockAdded { blocked_id, blocks }.into(),
        false => BlockRemoved { blocked_id, blocks }.into(),
    };
    let mut facts = vec![Fact::new(Lane::Blocks(cx.actor), data)];
    facts.extend([own, others].map(|member| {
        let lane = Lane::Member(member.room_id, member.user_id);
        Fact::new(lane, MemberBlockChanged { member })
    }));
    Ok(facts)
}

/// The membership as it is; of a room that is not opened yet, that of a user who is not in it.
fn member(room: &RoomId, user: &UserId, before: Option<&MemberState>, cx: &Context) -> MemberState {
    let absent =
        || MemberState { present: false, ..newcomer(room, user, RoomRole::Member, None, cx.now) };
    before.cloned().unwrap_or_else(absent)
}
