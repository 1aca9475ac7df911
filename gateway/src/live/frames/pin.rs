//! Pins, as clients are told of them when they happen. In a resume they are a part of their message.

use schemas::events::PinEvent;
use schemas::views::PinChange;

use super::broadcast::{About, Broadcast, Place};
use super::names::FrameName;

pub(super) fn broadcast(event: &PinEvent, place: Place<'_>) -> Broadcast {
    let (name, room, message, user) = match event {
        PinEvent::Pinned(data) => {
            (FrameName::MessagePinned, &data.room_id, &data.message_id, &data.user_id)
        }
        PinEvent::Unpinned(data) => {
            (FrameName::MessageUnpinned, &data.room_id, &data.message_id, &data.user_id)
        }
    };
    let change = PinChange { message_id: *message, user_id: *user };
    let frame = Broadcast::in_room(name, room, place, &change);
    Broadcast { about: About::Beside { message: change.message_id }, ..frame }
}
