//! Events of rooms: a room is created, changed, archived, restored. A new room may have members at once.

use std::collections::BTreeSet;

use readmodel::{Key, RoomDoc};
use schemas::Sequence;
use schemas::events::{RoomCreated, RoomEvent, RoomState};
use schemas::ids::{RoomId, UserId};

use super::member;
use super::wants::Wants;
use crate::working_set::{NotLoaded, WorkingSet};

pub(super) fn needs(event: &RoomEvent, wants: &mut Wants<'_>) {
    let room = event.after();
    wants.room(&room.id);
    wants.key(Key::Site);
    match event {
        RoomEvent::Created(_) => {
            for user in &room.direct_members {
                wants.membership(&room.id, user);
            }
            if room.everyone {
                wants.everybody(&room.id);
            }
        }
        RoomEvent::Changed(_) | RoomEvent::Archived(_) | RoomEvent::Restored(_) => {}
    }
}

pub(super) fn apply(
    event: &RoomEvent,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    match event {
        RoomEvent::Created(RoomCreated { room }) => {
            changed(room, at, set)?;
            if room.everyone {
                belongs_to_everyone(room, at, set)?;
            }
            join_first_members(room, at, set)
        }
        RoomEvent::Changed(_) | RoomEvent::Archived(_) | RoomEvent::Restored(_) => {
            changed(event.after(), at, set)
        }
    }
}

/// The room of everyone that an event creates, if it does.
pub(super) fn created_for_everyone(event: &RoomEvent) -> Option<&RoomId> {
    match event {
        RoomEvent::Created(RoomCreated { room }) => room.everyone.then_some(&room.id),
        RoomEvent::Changed(_) | RoomEvent::Archived(_) | RoomEvent::Restored(_) => None,
    }
}

fn changed(room: &RoomState, at: Sequence, set: &mut WorkingSet) -> Result<(), NotLoaded> {
    let Some(doc) = set.rooms.change(&room.id)? else {
        set.rooms.put(&room.id, RoomDoc::begun(room.clone(), at));
        return Ok(());
    };
    if !doc.created {
        doc.last_activity = doc.last_activity.max(at);
    }
    doc.state = room.clone();
    doc.created = true;
    doc.changed = at;
    doc.updated = at;
    Ok(())
}

/// From now on new accounts join the room.
fn belongs_to_everyone(
    room: &RoomState,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    let mut site = set.site()?;
    if !site.everyone_rooms.contains(&room.id) {
        site.everyone_rooms.push(room.id);
        site.updated = at;
        set.site.put(&(), site);
    }
    Ok(())
}

/// A new direct room has its members at once, and a new room of everyone has every registered user.
fn join_first_members(
    room: &RoomState,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    let mut members: BTreeSet<UserId> = room.direct_members.iter().copied().collect();
    if room.everyone {
        let Some(everybody) = &set.everybody else {
            return Err(NotLoaded("everybody".to_owned()));
        };
        members.extend(everybody.iter().copied());
    }
    for user in members {
        member::joined_by_rule(&room.id, &user, room.created_at, at, set)?;
    }
    Ok(())
}
