//! Events of pins. A repeat changes nothing, nor does a pin beyond the most a room may have.

use readmodel::{Pin, PinsDoc};
use schemas::Sequence;
use schemas::events::{MAX_PINS, MessagePinned, MessageUnpinned, PinEvent};
use schemas::ids::{MessageId, RoomId};

use super::wants::Wants;
use crate::working_set::{NotLoaded, WorkingSet};

pub(super) fn needs(event: &PinEvent, wants: &mut Wants<'_>) {
    let (message, room) = match event {
        PinEvent::Pinned(data) => (&data.message_id, &data.room_id),
        PinEvent::Unpinned(data) => (&data.message_id, &data.room_id),
    };
    wants.message(message);
    wants.pins(room);
}

pub(super) fn apply(event: &PinEvent, at: Sequence, set: &mut WorkingSet) -> Result<(), NotLoaded> {
    match event {
        PinEvent::Pinned(data) => pinned(data, at, set),
        PinEvent::Unpinned(data) => unpinned(data, at, set),
    }
}

/// Whether a message of this room is pinned; none when it cannot be.
fn is_pinned(
    message: &MessageId,
    room: &RoomId,
    set: &WorkingSet,
) -> Result<Option<bool>, NotLoaded> {
    let found = set.messages.get(message)?;
    let can_be = found.filter(|found| found.deleted_at.is_none() && found.room_id == *room);
    Ok(can_be.map(|found| found.pinned > 0))
}

fn pinned(data: &MessagePinned, at: Sequence, set: &mut WorkingSet) -> Result<(), NotLoaded> {
    if is_pinned(&data.message_id, &data.room_id, set)? != Some(false) {
        return Ok(());
    }
    let room = &data.room_id;
    match set.pins.get(room)? {
        Some(doc) if doc.pins.len() >= MAX_PINS => return Ok(()),
        Some(_) => {}
        None => {
            set.pins.put(room, PinsDoc { room_id: *room, pins: Vec::new(), updated: at });
        }
    }
    if let Some(doc) = set.pins.change(room)? {
        doc.pins.push(Pin { message_id: data.message_id, user_id: data.user_id, at });
        doc.updated = at;
    }
    mark(&data.message_id, at, at, set)
}

fn unpinned(data: &MessageUnpinned, at: Sequence, set: &mut WorkingSet) -> Result<(), NotLoaded> {
    if is_pinned(&data.message_id, &data.room_id, set)? != Some(true) {
        return Ok(());
    }
    take_out(&data.message_id, &data.room_id, at, set)?;
    mark(&data.message_id, 0, at, set)
}

/// Takes a message out of the pins of its room.
pub(super) fn take_out(
    message: &MessageId,
    room: &RoomId,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    if let Some(doc) = set.pins.change(room)? {
        doc.pins.retain(|pin| pin.message_id != *message);
        doc.updated = at;
    }
    Ok(())
}

fn mark(
    message: &MessageId,
    pinned: Sequence,
    at: Sequence,
    set: &mut WorkingSet,
) -> Result<(), NotLoaded> {
    if let Some(doc) = set.messages.change(message)? {
        doc.pinned = pinned;
        doc.beside = at;
        doc.updated = at;
    }
    Ok(())
}
