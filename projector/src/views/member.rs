//! Events of memberships: who is in which room. A membership also keeps how far its user has read.
//!
//! A message costs a write for its author at most, never one per member: what is unread is what lies between the
//! marker and the room's end, counted when it is read.

use readmodel::MembershipDoc;
use schemas::events::{MemberEvent, MemberState};
use schemas::ids::{RoomId, UserId};
use schemas::values::{Notify, RoomRole};
use schemas::{Sequence, Timestamp};

use super::room_document;
use super::wants::Wants;
use crate::working_set::{NotLoaded, WorkingSet};

pub(super) fn needs(event: &MemberEvent, wants: &mut Wants<'_>) {
    match event {
        MemberEvent::Joined(_)
        | MemberEvent::Added(_)
        | MemberEvent::Left(_)
        | MemberEvent::Removed(_)
        | MemberEvent::Changed(_) => {
            let member = event.after();
            wants.room(&member.room_id);
            wants.membership(&member.room_id, &member.user_id);
        }
        MemberEvent::BlockChanged(_) => {}
    }
}

pub(super) fn apply(
    event: &MemberEvent,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    match event {
        MemberEvent::Joined(_)
        | MemberEvent::Added(_)
        | MemberEvent::Left(_)
        | MemberEvent::Removed(_)
        | MemberEvent::Changed(_) => changed(event.after(), at, set),
        // The fence of what is written in the room; who blocks whom is told by the blocks themselves.
        MemberEvent::BlockChanged(_) => Ok(()),
    }
}

/// The last event of the member lane says how things stand now.
fn changed(member: &MemberState, at: Sequence, set: &mut WorkingSet) -> Result<(), NotLoaded> {
    let key = (member.room_id, member.user_id);
    let before = set.memberships.get(&key)?;
    let was_present = before.is_some_and(|doc| doc.present);
    let wrote = before.is_some_and(|doc| doc.wrote);
    let (joined, returned) = match before {
        Some(old) if old.present || !member.present => (old.joined, old.returned),
        // Banned, without ever having been in.
        None if !member.present => (0, false),
        other => (at, other.is_some()),
    };
    // Who is in the room neither before nor after it was banned, or is not any more.
    let told = if was_present || member.present { at } else { before.map_or(0, |old| old.told) };
    let prefs = before.map(|old| (old.notify, old.pinned, old.hidden_at, old.prefs_changed));
    let (notify, pinned, hidden_at, prefs_changed) =
        prefs.unwrap_or((Notify::default(), false, None, 0));
    let Some(room) = room_document::get_or_insert(&member.room_id, member.joined_at, at, set)?
    else {
        return Ok(());
    };
    if was_present != member.present {
        let count = room.member_count;
        room.member_count = if member.present { count + 1 } else { count.saturating_sub(1) };
        room.updated = at;
    }
    let fresh = MembershipDoc {
        role: member.role,
        present: member.present,
        banned: member.banned,
        ban: member.ban.clone(),
        muted_until: member.muted_until,
        returned,
        marker_number: room.last_message_number,
        marker_main: room.main_number,
        marker_message_id: room.last_message_id,
        wrote,
        notify,
        pinned,
        hidden_at,
        prefs_changed,
        changed: at,
        told,
        updated: at,
        ..MembershipDoc::begun(member.room_id, member.user_id, member.joined_at, joined)
    };
    let doc = match set.memberships.get(&key)? {
        // A member who joins (again) begins with everything read; one who stays keeps the marker.
        Some(old) if was_present && member.present => with_marker_of(old, fresh),
        Some(_) | None => fresh,
    };
    set.memberships.put(&key, doc);
    Ok(())
}

/// A membership with the marker and the receipt of the one before.
fn with_marker_of(old: &MembershipDoc, fresh: MembershipDoc) -> MembershipDoc {
    MembershipDoc {
        marker_number: old.marker_number,
        marker_main: old.marker_main,
        marker_moved: old.marker_moved,
        marker_message_id: old.marker_message_id,
        marker_at: old.marker_at,
        marker_updated: old.marker_updated,
        receipt_number: old.receipt_number,
        receipt_message_id: old.receipt_message_id,
        receipt_updated: old.receipt_updated,
        ..fresh
    }
}

/// A user becomes a member by a rule; an event on the member lane has the last word.
pub(super) fn joined_by_rule(
    room: &RoomId,
    user: &UserId,
    joined_at: Timestamp,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    if set.memberships.get(&(*room, *user))?.is_some() {
        return Ok(());
    }
    let member = MemberState {
        room_id: *room,
        user_id: *user,
        role: RoomRole::Member,
        present: true,
        muted_until: None,
        banned: false,
        ban: None,
        joined_at,
        blocks: false,
        blocked: false,
    };
    changed(&member, at, set)
}
