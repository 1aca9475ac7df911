//! Reactions, as clients are told of them when they happen. In a resume they are a part of their message.

use schemas::events::ReactionEvent;
use schemas::views::ReactionChange;

use super::broadcast::{About, Broadcast, Place};
use super::names::FrameName;

pub(super) fn broadcast(event: &ReactionEvent, place: Place<'_>) -> Broadcast {
    let (name, room, message_id, user_id, emoji) = match event {
        ReactionEvent::Added(data) => {
            let (message, user) = (data.message_id.clone(), data.user_id.clone());
            (FrameName::ReactionAdded, &data.room_id, message, user, data.emoji.to_string())
        }
        ReactionEvent::Removed(data) => {
            let (message, user) = (data.message_id.clone(), data.user_id.clone());
            (FrameName::ReactionRemoved, &data.room_id, message, user, data.emoji.to_string())
        }
    };
    let change = ReactionChange { message_id, user_id, emoji };
    let frame = Broadcast::in_room(name, room, place, &change);
    Broadcast { about: About::Beside { message: change.message_id }, ..frame }
}
