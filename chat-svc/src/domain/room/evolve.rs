//! What events make of a room and of a unique name. Total: nothing here fails.

use schemas::EventData;
use schemas::events::{RoomEvent, RoomState};

/// The id of what a unique name belongs to; none when it is free.
pub type Name = Option<String>;

/// What an event makes of a room. Events of the room's lane carry the whole state after them; an
/// archived room stays archived until it is restored.
pub fn evolve(room: &mut Option<RoomState>, event: &EventData) {
    let EventData::Room(event) = event else { return };
    let next = event.after();
    let was_archived = room.as_ref().is_some_and(|room| room.archived && room.id == next.id);
    let archived = match event {
        RoomEvent::Archived(_) => true,
        RoomEvent::Restored(_) => false,
        RoomEvent::Created(_) | RoomEvent::Changed(_) => next.archived || was_archived,
    };
    *room = Some(RoomState { archived, ..next.clone() });
}

/// What an event makes of a unique name.
pub fn evolve_name(name: &mut Name, event: &EventData) {
    if let EventData::Name(event) = event {
        *name = event.owner().cloned();
    }
}
