//! Reactions, as clients are told of them when they happen. In a resume they are a part of their message.

use schemas::events::ReactionEvent;
use schemas::views::ReactionChange;

use super::broadcast::{About, Broadcast, Place};
use super::names::FrameName;

pub(super) fn broadcast(event: &ReactionEvent, place: Place<'_>) -> Broadcast {
    let (name, room, message, user, emoji) = match event {
        ReactionEvent::Added(data) => {
            let name = FrameName::ReactionAdded;
            (name, &data.room_id, &data.message_id, &data.user_id, &data.emoji)
        }
        ReactionEvent::Removed(data) => {
            let name = FrameName::ReactionRemoved;
            (name, &data.room_id, &data.message_id, &data.user_id, &data.emoji)
        }
    };
    let (message_id, user_id) = (*message, *user);
    let change = ReactionChange { message_id, user_id, emoji: emoji.to_string() };
    let frame = Broadcast::in_room(name, room, place, &change);
    Broadcast { about: About::Beside { message: change.message_id }, ..frame }
}
