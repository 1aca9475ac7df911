//! What clients are told of an event that cannot be read.

use bytes::Bytes;
use schemas::frames::ServerFrame;
use schemas::{Epoch, Lane, RoomId, Sequence};

use super::broadcast::{About, Audience, Broadcast, Effect, Place};
use super::names::FrameName;
use crate::live::wire;

/// An event that cannot be read, as it is told: what clients hold of the room may have a hole there, or what they hold
/// of everything. None where no client is told of such events.
pub(crate) fn unreadable(lane: &Lane, epoch: &Epoch, sequence: Sequence) -> Option<Broadcast> {
    let in_room = |room: &RoomId| Broadcast {
        name: FrameName::Reload,
        frame: reload(Place { epoch, sequence, previous: None }, room),
        self_frame: None,
        audience: Audience::Room(*room),
        effect: Effect::None,
        about: About::Other,
    };
    match lane {
        Lane::Timeline(room) | Lane::Receipts(room) | Lane::Room(room) => Some(in_room(room)),
        // Whether the user is still in the room is not known: nothing more is told there.
        Lane::Member(room, user) => Some(Broadcast {
            audience: Audience::RoomAnd(*room, *user),
            effect: Effect::Member { room: *room, user: *user, present: false },
            ..in_room(room)
        }),
        // The member alone would have been told.
        Lane::Prefs(room, user) => {
            Some(Broadcast { audience: Audience::Person(*user), ..in_room(room) })
        }
        Lane::Inbox(user) | Lane::Threads(user) => {
            let frame = wire::frame(&ServerFrame::Reset { reason: "unreadable".to_owned() });
            Some(Broadcast::outside(FrameName::Reset, frame, Audience::Person(*user)))
        }
        Lane::User(_)
        | Lane::Session(_)
        | Lane::Challenges(_)
        | Lane::Identity(_)
        | Lane::Identities(_)
        | Lane::Handle(_)
        | Lane::Email(_)
        | Lane::RoomName(_)
        | Lane::Direct(_)
        | Lane::Media(_)
        | Lane::Report(_)
        | Lane::Blocks(_)
        | Lane::Audit(_)
        | Lane::Invite(_)
        | Lane::Erasure(_)
        | Lane::RoomHold(_)
        | Lane::Exports(_)
        | Lane::UserHold(_)
        | Lane::Retention(_) => None,
    }
}

/// What the client holds of a room may have holes: it loads the room again.
pub(crate) fn reload(place: Place<'_>, room: &RoomId) -> Bytes {
    let position = place.epoch.at(place.sequence);
    wire::frame(&ServerFrame::Reload { room_id: *room, position })
}
