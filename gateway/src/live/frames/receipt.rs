//! Read markers, as clients are told of them.

use readmodel::MembershipDoc;
use schemas::events::ReceiptEvent;
use schemas::views::ReadMarker;

use super::broadcast::{About, Broadcast, Place};
use super::names::FrameName;
use super::span::{Arrivals, Change, Span};

pub(super) fn broadcast(event: &ReceiptEvent, place: Place<'_>) -> Broadcast {
    match event {
        ReceiptEvent::Moved(read) => {
            let (user_id, message_id) = (read.user_id.clone(), read.message_id.clone());
            let marker = ReadMarker { user_id, message_id };
            let frame = Broadcast::in_room(FrameName::ReadMoved, &read.room_id, place, &marker);
            Broadcast {
                about: About::Marker { user: marker.user_id, posted: read.posted },
                ..frame
            }
        }
    }
}

/// A membership whose marker an event moved.
pub(crate) fn changed(
    doc: &MembershipDoc,
    span: &Span<'_>,
    arrivals: &Arrivals<'_>,
) -> Option<Change> {
    let at = doc.marker_updated;
    if !span.covers(at) || !arrivals.tell(&doc.room_id, at) {
        return None;
    }
    let message_id = doc.marker_message_id.clone()?;
    let marker = ReadMarker { user_id: doc.user_id.clone(), message_id };
    let frame = span.place(at).frame(FrameName::ReadMoved, Some(&doc.room_id), &marker);
    Some(Change::Frame { at, frame })
}
