//! Who is in which room, and how far they have read.
//!
//! A message costs a write for its author at most, never one per member: what is unread is what lies between the
//! marker and the room's end, counted when somebody asks.

use std::collections::BTreeSet;

use readmodel::MembershipDoc;
use schemas::Sequence;
use schemas::events::{MemberState, MessageState, RoomState, UserState};
use schemas::ids::{RoomId, UserId};
use schemas::values::RoomRole;

use super::messages::Place;
use super::{Wants, rooms};
use crate::working_set::{NotLoaded, WorkingSet};

pub(super) fn needs(member: &MemberState, wants: &mut Wants<'_>) {
    wants.room(&member.room_id);
    wants.membership(&member.room_id, &member.user_id);
}

pub(super) fn needs_of_newcomer(user: &UserId, everyone: &[RoomId], wants: &mut Wants<'_>) {
    for room in everyone {
        wants.room(room);
        wants.membership(room, user);
    }
}

pub(super) fn needs_of_new_room(room: &RoomState, wants: &mut Wants<'_>) {
    for user in &room.direct_members {
        wants.membership(&room.id, user);
    }
    if room.everyone {
        wants.everybody(&room.id);
    }
}

/// The last event of the member lane says how things stand now.
pub(super) fn changed(
    member: &MemberState,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    let key = (member.room_id.clone(), member.user_id.clone());
    let before = set.memberships.get(&key)?;
    let was_present = before.is_some_and(|doc| doc.present);
    let (joined, returned) = match before {
        Some(old) if old.present || !member.present => (old.joined, old.returned),
        other => (at, other.is_some()),
    };
    let Some(room) = rooms::at_hand(&member.room_id, member.joined_at, at, set)? else {
        return Ok(());
    };
    if was_present != member.present {
        let count = room.member_count;
        room.member_count = if member.present { count + 1 } else { count.saturating_sub(1) };
        room.updated = at;
    }
    let fresh = MembershipDoc {
        room_id: member.room_id.clone(),
        user_id: member.user_id.clone(),
        role: member.role,
        present: member.present,
        banned: member.banned,
        muted_until: member.muted_until,
        joined_at: member.joined_at,
        joined,
        returned,
        marker_number: room.last_message_number,
        marker_main: room.main_number,
        marker_moved: false,
        marker_message_id: room.last_message_id.clone(),
        marker_at: 0,
        marker_updated: 0,
        changed: at,
        updated: at,
    };
    let doc = match set.memberships.get(&key)? {
        // Who comes (back) begins with everything read; who stays keeps their marker.
        Some(old) if was_present && member.present => MembershipDoc {
            marker_number: old.marker_number,
            marker_main: old.marker_main,
            marker_moved: old.marker_moved,
            marker_message_id: old.marker_message_id.clone(),
            marker_at: old.marker_at,
            marker_updated: old.marker_updated,
            ..fresh
        },
        _ => fresh,
    };
    set.memberships.put(&key, doc);
    Ok(())
}

/// Somebody is made a member by a rule, not by an event on his member lane, which would have the last word.
fn belongs(
    room: &RoomId,
    user: &UserId,
    joined_at: schemas::Timestamp,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    if set.memberships.get(&(room.clone(), user.clone()))?.is_some() {
        return Ok(());
    }
    let member = MemberState {
        room_id: room.clone(),
        user_id: user.clone(),
        role: RoomRole::Member,
        present: true,
        muted_until: None,
        banned: false,
        joined_at,
    };
    changed(&member, at, set)
}

/// Somebody is registered; a room of everyone that is made later has him.
pub(super) fn heard_of(user: &UserId, set: &mut WorkingSet) {
    if let Some(everybody) = &mut set.everybody {
        everybody.insert(user.clone());
    }
}

/// A newcomer belongs to every room of everyone.
pub(super) fn newcomer(
    user: &UserState,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    for room in set.site()?.everyone_rooms {
        belongs(&room, &user.id, user.created_at, at, set)?;
    }
    Ok(())
}

/// A new direct room has its members at once, and a new room of everyone has everybody.
pub(super) fn new_room(
    room: &RoomState,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    let mut members: BTreeSet<UserId> = room.direct_members.iter().cloned().collect();
    if room.everyone {
        let Some(everybody) = &set.everybody else {
            return Err(NotLoaded("everybody".to_owned()));
        };
        members.extend(everybody.iter().cloned());
    }
    for user in members {
        belongs(&room.id, &user, room.created_at, at, set)?;
    }
    Ok(())
}

/// Who posts in the main timeline has read it up to their post. An answer in a thread says nothing of it.
pub(super) fn posted(
    message: &MessageState,
    place: Place,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    let author = (message.room_id.clone(), message.sender_id.clone());
    let is_main = message.thread_root_id.is_none();
    if is_main
        && set.memberships.get(&author)?.is_some_and(|member| member.present)
        && let Some(member) = set.memberships.change(&author)?
    {
        member.marker_number = place.number;
        member.marker_main = place.main;
        member.marker_moved = true;
        member.marker_at = at;
        member.marker_message_id = Some(message.id.clone());
        member.updated = at;
    }
    Ok(())
}
