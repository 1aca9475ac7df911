//! What events make of a room and of a unique name. Total: nothing here fails.

use schemas::EventData;
use schemas::events::RoomState;

/// Who holds a unique name; none when nobody does.
pub type Name = Option<String>;

/// What an event makes of a room. Events of the room's lane carry the whole state after them; an
/// archived room stays archived until it is restored.
pub fn evolve(room: &mut Option<RoomState>, event: &EventData) {
    let next = match event {
        EventData::RoomCreated(e) => &e.room,
        EventData::RoomChanged(e) => &e.room,
        EventData::RoomArchived(e) => &e.room,
        EventData::RoomRestored(e) => &e.room,
        _ => return,
    };
    let was_archived = room.as_ref().is_some_and(|room| room.archived && room.id == next.id);
    let mut next = next.clone();
    match event {
        EventData::RoomArchived(_) => next.archived = true,
        EventData::RoomRestored(_) => next.archived = false,
        _ => next.archived |= was_archived,
    }
    *room = Some(next);
}

/// What an event makes of a unique name.
pub fn evolve_name(name: &mut Name, event: &EventData) {
    match event {
        EventData::NameClaimed(e) => *name = Some(e.owner.clone()),
        EventData::NameReleased(_) => *name = None,
        _ => {}
    }
}
