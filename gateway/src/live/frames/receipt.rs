//! Read markers, as clients are told of them.

use readmodel::MembershipDoc;
use schemas::events::ReceiptEvent;
use schemas::views::ReadMarker;

use super::broadcast::{About, Audience, Broadcast, Place};
use super::names::FrameName;
use super::span::{Arrivals, Change, Span};

pub(super) fn broadcast(event: &ReceiptEvent, place: Place<'_>) -> Broadcast {
    match event {
        ReceiptEvent::Moved(read) => {
            let (user_id, message_id) = (read.user_id, read.message_id);
            let marker = ReadMarker { user_id, message_id };
            let frame = Broadcast::in_room(FrameName::ReadMoved, &read.room_id, place, &marker);
            let (user, room) = (marker.user_id, read.room_id);
            // With receipts off only the user's own sockets hear of it.
            let audience = match read.private {
                true => Audience::Person(user),
                false => Audience::Room(room),
            };
            Broadcast {
                audience,
                about: About::Marker { room, user, posted: read.posted },
                ..frame
            }
        }
    }
}

/// A membership whose marker an event moved. Others are told as far as its owner lets them see.
pub(crate) fn changed(
    doc: &MembershipDoc,
    span: &Span<'_>,
    arrivals: &Arrivals<'_>,
) -> Option<Change> {
    let (at, message_id) = match doc.user_id == *span.user {
        true => (doc.marker_updated, doc.marker_message_id),
        false => (doc.receipt_updated, doc.receipt_message_id),
    };
    if !span.covers(at) || !arrivals.tell(&doc.room_id, at) {
        return None;
    }
    let marker = ReadMarker { user_id: doc.user_id, message_id: message_id? };
    let frame = span.place(at).frame(FrameName::ReadMoved, Some(&doc.room_id), &marker);
    Some(Change::Frame { at, frame })
}
