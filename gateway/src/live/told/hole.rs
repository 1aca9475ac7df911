//! What clients are told of an event that cannot be read.

use schemas::frames::ServerFrame;
use schemas::{Epoch, Lane, RoomId, Sequence};

use super::{About, Audience, Effect, Told};
use crate::live::wire;

/// An event that cannot be read, as it is told: what clients hold of the room may have a hole there, or what
/// they hold of everything. None where nobody is told of such events.
pub(crate) fn hole(lane: &Lane, epoch: &Epoch, sequence: Sequence) -> Option<Told> {
    let position = epoch.at(sequence);
    let reload = |room: &RoomId| Told {
        name: "reload",
        frame: wire::frame(&ServerFrame::Reload {
            room_id: room.clone(),
            position: position.clone(),
        }),
        own: None,
        audience: Audience::Room(room.clone()),
        effect: Effect::None,
        about: About::Other,
    };
    match lane {
        Lane::Timeline(room) | Lane::Receipts(room) | Lane::Room(room) => Some(reload(room)),
        // Whether the person is still in the room is not known: nothing more is told there.
        Lane::Member(room, user) => Some(Told {
            audience: Audience::RoomAnd(room.clone(), user.clone()),
            effect: Effect::Member { room: room.clone(), user: user.clone(), present: false },
            ..reload(room)
        }),
        Lane::Inbox(user) => Some(Told {
            name: "reset",
            frame: wire::frame(&ServerFrame::Reset { reason: "unreadable".to_owned() }),
            own: None,
            audience: Audience::Person(user.clone()),
            effect: Effect::None,
            about: About::Other,
        }),
        _ => None,
    }
}
