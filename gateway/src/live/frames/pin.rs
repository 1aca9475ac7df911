//! Pins, as clients are told of them when they happen. In a resume they are a part of their message.

use schemas::events::PinEvent;
use schemas::views::PinChange;

use super::broadcast::{About, Broadcast, Place};
use super::names::FrameName;

pub(super) fn broadcast(event: &PinEvent, place: Place<'_>) -> Broadcast {
    let (name, room, message_id, user_id) = match event {
        PinEvent::Pinned(data) => {
            let (message, user) = (data.message_id.clone(), data.user_id.clone());
            (FrameName::MessagePinned, &data.room_id, message, user)
        }
        PinEvent::Unpinned(data) => {
            let (message, user) = (data.message_id.clone(), data.user_id.clone());
            (FrameName::MessageUnpinned, &data.room_id, message, user)
        }
    };
    let change = PinChange { message_id, user_id };
    let frame = Broadcast::in_room(name, room, place, &change);
    Broadcast { about: About::Beside { message: change.message_id }, ..frame }
}
