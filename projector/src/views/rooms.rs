//! Rooms: their state, their numbering and what is new in them.

use readmodel::{Key, RoomDoc};
use schemas::events::{MessageDeleted, MessageState, RoomState};
use schemas::ids::RoomId;
use schemas::values::{RoomKind, RoomMention, Visibility};
use schemas::{Sequence, Timestamp};

use super::messages::Place;
use super::{Wants, messages};
use crate::working_set::{NotLoaded, WorkingSet};

pub(super) fn needs(room: &RoomId, wants: &mut Wants<'_>) {
    wants.room(room);
    wants.key(Key::Site);
}

/// The document of a room about which something is said before its creation was projected. In one atomic
/// batch a membership may stand before the room; nobody finds the room until it is created.
fn heard_of(room: &RoomId, when: Timestamp, at: Sequence) -> RoomDoc {
    let state = RoomState {
        id: room.clone(),
        kind: RoomKind::Group,
        name: None,
        topic: None,
        visibility: Visibility::Private,
        everyone: false,
        archived: false,
        owners: Vec::new(),
        direct_members: Vec::new(),
        retention_days: None,
        created_by: None,
        created_at: when,
    };
    RoomDoc { created: false, ..empty(state, at) }
}

fn empty(state: RoomState, at: Sequence) -> RoomDoc {
    RoomDoc {
        state,
        created: true,
        member_count: 0,
        last_number: 0,
        main_number: 0,
        last_message_id: None,
        last_message_number: 0,
        last_activity: at,
        deleted_up_to: 0,
        named_up_to: 0,
        changed: at,
        updated: at,
    }
}

/// The room, which from now on has a document.
pub(super) fn at_hand<'a>(
    room: &RoomId,
    when: Timestamp,
    at: Sequence,
    set: &'a mut WorkingSet,
) -> Result<Option<&'a mut RoomDoc>, NotLoaded> {
    if set.rooms.get(room)?.is_none() {
        set.rooms.put(room, heard_of(room, when, at));
    }
    set.rooms.change(room)
}

pub(super) fn created(
    room: &RoomState,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    changed(room, at, set)?;
    if room.everyone {
        let mut site = set.site()?;
        if !site.everyone_rooms.contains(&room.id) {
            site.everyone_rooms.push(room.id.clone());
            site.updated = at;
            set.site.put(&(), site);
        }
    }
    Ok(())
}

pub(super) fn changed(
    room: &RoomState,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    let Some(doc) = set.rooms.change(&room.id)? else {
        set.rooms.put(&room.id, empty(room.clone(), at));
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

pub(super) fn posted(
    message: &MessageState,
    place: Place,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    if let Some(room) = set.rooms.change(&message.room_id)? {
        room.last_number = place.number;
        room.updated = at;
        if message.thread_root_id.is_none() {
            room.main_number = place.main;
            room.last_message_id = Some(message.id.clone());
            room.last_message_number = place.number;
            room.last_activity = at;
            if names_somebody(message) {
                room.named_up_to = place.main;
            }
        }
    }
    Ok(())
}

fn names_somebody(message: &MessageState) -> bool {
    message.mentions_room == Some(RoomMention::Room) || !message.mentions.is_empty()
}

/// Before the message itself is edited: from now on it may name somebody.
pub(super) fn edited(
    message: &MessageState,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    let Some(old) = messages::before_edit(message, set)? else { return Ok(()) };
    let (is_main, main, room) = (old.is_main(), old.main_number, old.room_id.clone());
    let beyond = set.rooms.get(&room)?.is_some_and(|room| room.named_up_to < main);
    if is_main
        && beyond
        && names_somebody(message)
        && let Some(room) = set.rooms.change(&room)?
    {
        room.named_up_to = main;
        room.updated = at;
    }
    Ok(())
}

/// Before the message itself is emptied: from now on it is not counted.
pub(super) fn deleted(
    data: &MessageDeleted,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    let Some(old) = set.messages.get(&data.message_id)? else { return Ok(()) };
    if old.deleted_at.is_some() || !old.is_main() {
        return Ok(());
    }
    let (main, room) = (old.main_number, old.room_id.clone());
    let beyond = set.rooms.get(&room)?.is_some_and(|room| room.deleted_up_to < main);
    if beyond && let Some(room) = set.rooms.change(&room)? {
        room.deleted_up_to = main;
        room.updated = at;
    }
    Ok(())
}
