//! Rooms, as clients are told of them.

use readmodel::RoomDoc;
use schemas::Sequence;
use schemas::events::RoomEvent;

use super::broadcast::{Broadcast, Effect, Place};
use super::names::FrameName;
use super::span::{Arrivals, Change, Span};
use crate::documents;

/// A room and its first members are one batch of at most this many events.
pub(crate) const ONE_BATCH: Sequence = 256;

pub(super) fn broadcast(event: &RoomEvent, place: Place<'_>) -> Broadcast {
    let room = event.after();
    let (name, effect) = match event {
        RoomEvent::Created(_) => {
            let effect = Effect::Created {
                room: room.id,
                members: room.direct_members.clone(),
                everyone: room.everyone,
            };
            (FrameName::RoomCreated, effect)
        }
        RoomEvent::Changed(_) => (FrameName::RoomChanged, Effect::None),
        RoomEvent::Archived(_) => (FrameName::RoomArchived, Effect::None),
        RoomEvent::Restored(_) => (FrameName::RoomRestored, Effect::None),
    };
    let frame = Broadcast::in_room(name, &room.id, place, &documents::written_room(room));
    Broadcast { effect, ..frame }
}

/// A room, by its last change: what it was before is not known, so one that was restored is told as changed.
pub(crate) fn changed(doc: &RoomDoc, span: &Span<'_>, arrivals: &Arrivals<'_>) -> Option<Change> {
    let (id, at) = (&doc.state.id, doc.changed);
    // A user who comes into a room that was created in the same batch is told of the room.
    let is_new = arrivals.joined(id).is_some_and(|joined| at <= joined && joined - at <= ONE_BATCH);
    if !span.covers(at) || !(is_new || arrivals.tell(id, at)) {
        return None;
    }
    let name = match (doc.state.archived, is_new) {
        (true, _) => FrameName::RoomArchived,
        (false, true) => FrameName::RoomCreated,
        (false, false) => FrameName::RoomChanged,
    };
    let view = documents::written_room(&doc.state);
    Some(Change::Frame { at, frame: span.place(at).frame(name, Some(id), &view) })
}
