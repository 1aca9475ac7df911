//! The document of a room, for every family that changes it: rooms, members and messages. Whichever event comes first
//! makes it.

use readmodel::RoomDoc;
use schemas::events::RoomState;
use schemas::ids::RoomId;
use schemas::values::RoomKind;
use schemas::{Sequence, Timestamp};

use crate::working_set::{NotLoaded, WorkingSet};

/// A room whose creation is not projected yet. In one atomic batch a membership may stand before its room; no read
/// finds the room until it is created.
fn placeholder(room: &RoomId, when: Timestamp, at: Sequence) -> RoomDoc {
    let state = RoomState::begun(*room, RoomKind::Group, when);
    RoomDoc { created: false, ..RoomDoc::begun(state, at) }
}

/// The room to change, which has a document from now on. `when` is the time of an event in it that comes before its
/// creation.
pub(super) fn get_or_insert<'a>(
    room: &RoomId,
    when: Timestamp,
    at: Sequence,
    set: &'a mut WorkingSet,
) -> Result<Option<&'a mut RoomDoc>, NotLoaded> {
    if set.rooms.get(room)?.is_none() {
        set.rooms.put(room, placeholder(room, when, at));
    }
    set.rooms.change(room)
}
