//! The owners of a room, whom its own state lists: who comes to own it, or owns it no longer, changes both lanes.

use decider::Fact;
use schemas::events::{MemberState, RoomChanged, RoomState};
use schemas::values::RoomRole;
use schemas::{Lane, UserId};

/// The room with a user among its owners or no longer; none when that changes nothing.
pub(super) fn owners_changed(room: &RoomState, user: &UserId, owns: bool) -> Option<Fact> {
    if room.owners.contains(user) == owns {
        return None;
    }
    let mut next = room.clone();
    next.owners.retain(|owner| owner != user);
    if owns {
        next.owners.push(*user);
    }
    Some(Fact::new(Lane::Room(room.id), RoomChanged { room: next }))
}

/// Whether a room is without an owner once a member is none.
pub(super) fn is_last_owner(room: &RoomState, member: &MemberState) -> bool {
    member.role == RoomRole::Owner && room.owners.iter().all(|owner| *owner == member.user_id)
}
